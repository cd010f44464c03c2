"""Just enough HTTP/1.1, with the bytes in our own hands: faults have to break it in ways that no framework offers."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple

# A reader that may hold a whole batch does not have to pause and resume the transport for every put.
READ_LIMIT = 2**21


class Head(NamedTuple):
    """A request line and its headers; names in lower case."""

    method: str
    target: str
    headers: dict[str, str]


class BadRequestError(Exception):
    """What came in is not HTTP."""


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read the next request's head, or return None when the peer has closed the connection."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequestError(READ_LIMIT) from error
    lines = raw.decode("latin-1").split("\r\n")[:-2]
    try:
        method, target, _ = lines[0].split(" ")
    except ValueError as error:
        raise BadRequestError(lines[0]) from error
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        key = name.lower()
        text = value.strip()
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return Head(method, target, headers)


async def read_body(reader: asyncio.StreamReader, head: Head) -> bytes:
    """Read the body that belongs to `head`; `asyncio.IncompleteReadError` when the peer leaves before its end."""
    if head.headers.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunks(reader)
    length = head.headers.get("content-length", "0")
    if not length.isdigit():
        raise BadRequestError(length)
    return await reader.readexactly(int(length))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks: list[bytes] = []
    while True:
        size = int((await reader.readline()).split(b";")[0], 16)
        chunks.append(await reader.readexactly(size))
        await reader.readexactly(2)
        if not size:
            return b"".join(chunks)


def render(
    status: int,
    body: bytes,
    content_type: str = "application/x-amz-json-1.1",
    *,
    now: float | None = None,
) -> bytes:
    """Return a whole answer as bytes, dated `now` (seconds since the epoch) or by this machine's clock."""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"Content-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"Date: {formatdate(now, usegmt=True)}\r\n"
        "x-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\n\r\n"
    )
    return head.encode() + body


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection so that the peer sees a reset, not an end."""
    raw: socket.socket = writer.get_extra_info("socket")
    # Windows has a structure of two shorts here.
    layout = "hh" if sys.platform == "win32" else "ii"
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, 1, 0))
    writer.transport.abort()
