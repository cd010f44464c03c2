"""A lean CloudWatch Logs for the benchmark: answer first, judge when asked.

Bodies are kept as they came and checked only for `/report`, so that while a client is measured
this process does next to nothing.

    python server.py --latency 0.03
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
import zlib
from dataclasses import dataclass, field
from typing import Any

from checks import Tally

_STREAM = re.compile(rb'"logStreamName": ?"([^"]*)"')
_PEEK_BYTES = 2048
_TOKEN = {"nextSequenceToken": "49590302938475610293847561029384756102938475610293847561"}


@dataclass
class Service:
    """What the service holds: groups, streams, and every accepted body."""

    latency: float = 0.0
    hang: bool = False
    streams_exist: bool = False
    groups: set[str] = field(default_factory=set)
    streams: set[str] = field(default_factory=set)
    bodies: list[tuple[bytes, bool]] = field(default_factory=list)
    requests: int = 0

    def answer(self, target: str, body: bytes, *, gzipped: bool) -> tuple[int, dict[str, Any]]:
        """Give the status and the document for one call."""
        self.requests += 1
        action = target.rpartition(".")[2]
        if action == "PutLogEvents":
            return self._put(body, gzipped=gzipped)
        asked = json.loads(zlib.decompress(body, 31) if gzipped else body)
        if action == "CreateLogGroup":
            return _create(self.groups, asked["logGroupName"])
        if action == "CreateLogStream":
            if asked["logGroupName"] not in self.groups:
                return _refuse("ResourceNotFoundException")
            return _create(self.streams, asked["logStreamName"])
        if action == "DescribeLogGroups":
            return 200, {"logGroups": [{"logGroupName": name} for name in self.groups]}
        return _refuse("UnrecognizedClientException")

    def report(self, expected: int) -> dict[str, Any]:
        """Check everything that was accepted and give the counts."""
        busy = time.process_time()
        tally = Tally()
        for body, gzipped in self.bodies:
            tally.add(body, gzipped=gzipped)
        wire_bytes = sum(len(body) for body, _ in self.bodies)
        counts = {"puts": len(self.bodies), "requests": self.requests, "wire_bytes": wire_bytes}
        return tally.report(expected) | counts | {"server_cpu": busy}

    def _put(self, body: bytes, *, gzipped: bool) -> tuple[int, dict[str, Any]]:
        if not self.streams_exist and _stream_name(body, gzipped=gzipped) not in self.streams:
            return _refuse("ResourceNotFoundException")
        self.bodies.append((body, gzipped))
        return 200, _TOKEN


def _create(known: set[str], name: str) -> tuple[int, dict[str, Any]]:
    if name in known:
        return _refuse("ResourceAlreadyExistsException")
    known.add(name)
    return 200, {}


def _refuse(kind: str) -> tuple[int, dict[str, Any]]:
    return 400, {"__type": kind, "message": f"{kind} from the benchmark's server"}


def _stream_name(body: bytes, *, gzipped: bool) -> str:
    """Read the stream's name without inflating the whole body, which usually starts with it."""
    head = zlib.decompressobj(31).decompress(body, _PEEK_BYTES) if gzipped else body[:_PEEK_BYTES]
    if found := _STREAM.search(head):
        return found[1].decode()
    document = json.loads(zlib.decompress(body, 31) if gzipped else body)
    return str(document["logStreamName"])


class Connection(asyncio.Protocol):
    """One keep-alive HTTP/1.1 connection: a request with Content-Length in, a JSON document out."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._buffer = bytearray()
        self._headers: dict[str, str] = {}
        self._line = ""
        self._due = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Collect one request and answer it."""
        self._buffer += data
        while self._due >= 0 or self._read_head():
            if len(self._buffer) < self._due:
                return
            body = bytes(self._buffer[: self._due])
            del self._buffer[: self._due]
            self._due = -1
            self._handle(body)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        self._line, *lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        self._headers = {name.strip().lower(): value.strip() for name, value in pairs}
        del self._buffer[: end + 4]
        self._due = int(self._headers.get("content-length", 0))
        return True

    def _handle(self, body: bytes) -> None:
        path = self._line.split(" ")[1]
        if path.startswith("/report"):
            self._respond(200, self._service.report(int(path.partition("=")[2])))
            return
        target = self._headers.get("x-amz-target", "")
        gzipped = self._headers.get("content-encoding") == "gzip"
        status, document = self._service.answer(target, body, gzipped=gzipped)
        if self._service.hang and target.endswith("PutLogEvents"):
            return
        if self._service.latency:
            loop = asyncio.get_running_loop()
            loop.call_later(self._service.latency, self._respond, status, document)
        else:
            self._respond(status, document)

    def _respond(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        head = (
            f"HTTP/1.1 {status} {'OK' if status == 200 else 'Bad Request'}\r\n"
            "Content-Type: application/x-amz-json-1.1\r\n"
            "x-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)


async def _serve(service: Service) -> None:
    """Listen on a free port, print it, and serve until this process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _parse() -> Service:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--hang", action="store_true", help="never answer PutLogEvents")
    parser.add_argument("--streams-exist", action="store_true", help="accept any stream")
    asked = parser.parse_args()
    return Service(latency=asked.latency, hang=asked.hang, streams_exist=asked.streams_exist)


if __name__ == "__main__":
    asyncio.run(_serve(_parse()))
