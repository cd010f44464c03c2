"""`serve`: the service in another process, and the handle on it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from aiowatchtower.testing._faults import Fault, Faults
from aiowatchtower.testing._settings import read_settings
from aiowatchtower.testing._standin import StandIn
from aiowatchtower.testing._types import Event, Group, Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from typing_extensions import Unpack

    from aiowatchtower.testing._settings import Options


class ServedFaults(Faults):
    """The fault plan of a served service."""

    def __init__(self, server: CloudWatchServer) -> None:
        self._server = server

    def add(self, fault: Fault) -> None:
        """Put a fault at the end of the plan."""
        self._server.order("add_fault", fault.to_dict())

    def clear(self) -> None:
        """Forget all faults; connections that hang stay hanging until `drop_connections`."""
        self._server.order("clear_faults")


class CloudWatchServer(StandIn):
    """A served CloudWatch Logs. Every method is a short blocking call: use `asyncio.to_thread` on a loop.

    Thread-safe.
    """

    def __init__(self, url: str, control_url: str) -> None:
        self.url = url
        self.control_url = control_url
        self.faults: ServedFaults = ServedFaults(self)

    def __repr__(self) -> str:
        return f"<CloudWatchServer {self.url}>"

    @property
    def environ(self) -> dict[str, str]:
        """Environment variables that make AWS clients use this server for CloudWatch Logs and STS.

        Calls for other services, such as S3, go where they went before.
        """
        return environ(self.url)

    @property
    def accepted(self) -> int:
        return int(self._counts()["accepted"])

    @property
    def signatures_verified(self) -> int:
        """How many requests carried a signature that is right."""
        return int(self._counts()["signatures_verified"])

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return int(self._counts()["open_connections"])

    @property
    def groups(self) -> dict[str, Group]:
        rows = cast("dict[str, list[object]]", self.order("groups"))
        return {name: Group._make(row) for name, row in rows.items()}

    @property
    def requests(self) -> list[Request]:
        rows = cast("list[list[object]]", self.order("requests"))
        return [Request._make(row) for row in rows]

    def events(
        self, group: str, stream: str | None = None, *, region: str | None = None
    ) -> list[Event]:
        where = {"group": group, "stream": stream, "region": region}
        rows = cast("list[list[object]]", self.order("events", where))
        return [Event._make(row) for row in rows]

    def wait_for(
        self,
        events: int,
        *,
        group: str | None = None,
        stream: str | None = None,
        timeout: float = 60.0,
    ) -> int:
        """Wait until so many events are accepted (in `group`, in `stream`), and return how many there are.

        Raises `TimeoutError` when they are not there in time.
        """
        where = {"group": group, "stream": stream}
        return self._reach("wait_for", "events", events, timeout, where)

    def wait_for_calls(
        self, calls: int, action: str | None = None, *, timeout: float = 60.0
    ) -> int:
        """Wait until so many requests (for one action) have come in, answered or not."""
        return self._reach("wait_for_calls", "calls", calls, timeout, {"action": action})

    def configure(self, **options: Unpack[Options]) -> None:
        self.order("configure", options)

    def delete_group(self, group: str, *, region: str | None = None) -> None:
        self.order("delete_group", {"group": group, "region": region})

    def delete_stream(self, group: str, stream: str, *, region: str | None = None) -> None:
        self.order("delete_stream", {"group": group, "stream": stream, "region": region})

    def reset(self) -> None:
        """Be as new: no groups, events, requests, faults, connections; up, with the first settings."""
        self.order("reset")

    def down(self) -> None:
        """Refuse connections and drop those that are open, until `up`."""
        self.order("down")

    def up(self) -> None:
        """Listen again on the same port."""
        self.order("up")

    def drop_connections(self) -> None:
        """Close all connections, hanging ones too."""
        self.order("drop_connections")

    def order(
        self, name: str, arguments: Mapping[str, object] | None = None, *, seconds: float = 0.0
    ) -> object:
        """Send one order to the control port and return its answer.

        Raises `LookupError` for a group or a stream that does not exist, and `ValueError` for a bad order.
        """
        target = urlsplit(self.control_url)
        body = json.dumps(arguments or {}, default=list)
        link = http.client.HTTPConnection(target.hostname or "", target.port, timeout=seconds + 60)
        with contextlib.closing(link) as connection:
            connection.request("POST", f"/_control/{name}", body)
            answer = connection.getresponse()
            result: object = json.loads(answer.read())
            if answer.status == http.HTTPStatus.NOT_FOUND:
                raise LookupError(result)
            if answer.status != http.HTTPStatus.OK:
                raise ValueError(result)
            return result

    def _counts(self) -> dict[str, int]:
        return cast("dict[str, int]", self.order("counts"))

    def _reach(
        self, order: str, what: str, wanted: int, seconds: float, where: dict[str, str | None]
    ) -> int:
        arguments = {what: wanted, "timeout": seconds, **where}
        answer = cast("dict[str, object]", self.order(order, arguments, seconds=seconds))
        if not answer["reached"]:
            groups = ", ".join(cast("list[str]", answer["groups"])) or "none"
            message = (
                f"{answer['count']} of {wanted} {what} after {seconds} s; log groups: {groups}"
            )
            raise TimeoutError(message)
        return cast("int", answer["count"])


def environ(url: str) -> dict[str, str]:
    """Return the environment variables that make AWS clients use the server at `url`."""
    return {
        "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": url,
        "AWS_ENDPOINT_URL_STS": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextlib.contextmanager
def serve(port: int = 0, **options: Unpack[Options]) -> Iterator[CloudWatchServer]:
    """Serve a `CloudWatchLogs` over HTTP on 127.0.0.1 from a process of its own, until the block is left.

    Requests must be signed with the access key "testing" and the secret "testing" (see `ServiceSettings`). The process
    ends with this one, however this one ends.
    """
    read_settings(options)  # Here a mistake is raised; in the other process it would be printed.
    command = [
        sys.executable,
        "-m",
        "aiowatchtower.testing",
        "--port",
        str(port),
        "--until-stdin-closes",
    ]
    command += ["--options", json.dumps(options, default=list)]
    root = str(Path(__file__).parents[3])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    with subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
    ) as process:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            message = f"the server did not start on port {port}; its error is on stderr"
            raise RuntimeError(message)
        try:
            yield CloudWatchServer(**json.loads(line))
        finally:
            # A child that this process has forked may hold the pipe open: closing it is not enough here.
            process.terminate()
