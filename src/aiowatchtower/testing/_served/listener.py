"""The CloudWatch Logs endpoint on a loopback socket."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

from aiowatchtower.testing._playing import RawReply, conclude, take
from aiowatchtower.testing._sts import read_form
from aiowatchtower.testing._types import Wire

from .http import READ_LIMIT, BadRequestError, Head, read_body, read_head, render, reset
from .signature import Signed, signed_by, verify

if TYPE_CHECKING:
    from aiowatchtower.testing._service import CloudWatchLogs

LOOPBACK = "127.0.0.1"
NOT_HTTP = b"220 mail.example.com ESMTP\r\n"


class Listener:
    """Serves one `CloudWatchLogs` on 127.0.0.1; can go down and come back on the same port."""

    def __init__(self, service: CloudWatchLogs, port: int = 0) -> None:
        self.service = service
        self.port = port
        self.signatures_verified = 0
        self.changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)

    async def up(self) -> None:
        """Start to listen; does nothing when up already."""
        if self._server is None:
            self._server = await asyncio.start_server(
                self._connect, LOOPBACK, self.port, limit=READ_LIMIT, backlog=512
            )
            self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Refuse new connections and drop those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.drop_connections()

    async def drop_connections(self) -> None:
        """Close all connections, hanging ones too."""
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self._connections)

    def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(
            self._serve(reader, writer, next(self._numbers))
        )
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        try:
            while (head := await read_head(reader)) is not None and await self._handle(
                head, reader, writer, number
            ):
                if head.headers.get("connection", "").lower() == "close":
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the peer has left in the middle of its request
        except BadRequestError as error:
            writer.write(render(400, str(error).encode(), "text/plain"))
        finally:
            writer.close()

    async def _handle(
        self, head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> bool:
        """Answer one request; return whether the connection can take another."""
        request = await self._request(head, reader, number)
        handled = await take(self.service, request)
        await self._notify()
        outcome = await conclude(handled, request)
        if isinstance(outcome, RawReply):
            now = self.service.now()
            return await _send(render(*outcome, now=now), writer)
        if outcome == "reset_before_reading":
            reset(writer)
        elif outcome == "never_read":
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport is a Transport
            await asyncio.Event().wait()
        elif outcome == "hang":
            await reader.read(1)  # until the peer gives up
        elif outcome == "not_http":
            await _send(NOT_HTTP, writer)
        return False

    async def _request(self, head: Head, reader: asyncio.StreamReader, number: int) -> _Request:
        headers = head.headers
        access_key, region = signed_by(headers.get("authorization", ""))
        wire = Wire(
            headers.get("content-encoding", "").lower(),
            number,
            headers.get("user-agent", ""),
            region,
            access_key,
        )
        if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            # Which action it is stands in the body.
            body = await read_body(reader, head)
            action, _ = read_form(body)
            return _Request(self, head, reader, action, wire._replace(protocol="query"), body)
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        return _Request(self, head, reader, action, wire)

    def verify(self, head: Head, body: bytes, service: str) -> None:
        """Raise `Refusal` unless the request carries a right signature, or none is asked for."""
        settings = self.service.settings
        if settings.verify_signatures:
            now = self.service.now()
            signed = Signed(head.method, head.target, head.headers, body)
            verify(signed, self.service.keys, now, service)
            self.signatures_verified += 1

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()


class _Request:
    """A request of which the head has been read, and the body too where it says what is asked for."""

    def __init__(
        self,
        listener: Listener,
        head: Head,
        reader: asyncio.StreamReader,
        action: str,
        wire: Wire,
        body: bytes | None = None,
    ) -> None:
        self.action = action
        self.wire = wire
        self._listener = listener
        self._head = head
        self._reader = reader
        self._body = body

    async def read(self) -> bytes:
        if self._body is None:
            self._body = await read_body(self._reader, self._head)
        return self._body

    def verify(self, body: bytes) -> None:
        service = "sts" if self.wire.protocol == "query" else "logs"
        self._listener.verify(self._head, body, service)


async def _send(data: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(data)
    await writer.drain()
    return True
