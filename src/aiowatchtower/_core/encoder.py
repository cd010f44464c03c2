"""The body of PutLogEvents, written by ourselves and in slices. Pure.

botocore would validate and serialise each event as a dict, which holds the event loop for some
50 ms per full batch. Here a full batch is written, compressed and hashed in 5 ms, in slices of a
fifth of a millisecond, between which other tasks get their turn.

This is not done in a thread. On a busy loop, a thread waits for the interpreter's lock each time
that it needs it: with a loop that logs without a pause, a batch took 1.2 s in a thread, so nothing
was shipped until the loop came to rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from json import dumps
from json.encoder import encode_basestring
from typing import Final, NamedTuple

from .batcher import sliced
from .compressor import new_compressor
from .events import LogEvent, total_bytes

# What one slice may hold, in events and in bytes: about 0.2 ms.
_SLICE_EVENTS: Final = 200
_SLICE_BYTES: Final = 32 * 1024
# Below this, gzip's header and the time it takes are not worth it.
_COMPRESS_FROM_BYTES: Final = 400


class Body(NamedTuple):
    """A request body and the headers that describe it."""

    data: bytes
    headers: Mapping[str, str]

    @property
    def is_compressed(self) -> bool:
        """Whether the data are compressed."""
        return "Content-Encoding" in self.headers


def encode(
    group: str,
    stream: str,
    events: Sequence[LogEvent],
    *,
    entity: Mapping[str, Mapping[str, str]] | None = None,
    compress: bool = True,
) -> Generator[None, None, Body]:
    """Return the body of a PutLogEvents call, as the value of a generator that pauses meanwhile.

    It yields after each slice but the last; a small batch is one slice.
    """
    size_bytes = total_bytes(events)
    is_compressed = compress and size_bytes >= _COMPRESS_FROM_BYTES
    gzip = new_compressor()
    digest = hashlib.sha256()
    parts = []
    done_bytes = 0
    at_once = max(1, min(_SLICE_EVENTS, _SLICE_BYTES * len(events) // (size_bytes + 1)))
    for piece in _pieces(_chunks(group, stream, sliced(events, at_once), entity)):
        part = gzip.compress(piece) if is_compressed else piece
        digest.update(part)
        parts.append(part)
        done_bytes += len(piece)
        if done_bytes >= _SLICE_BYTES // 2:
            done_bytes = 0
            yield
    if is_compressed:
        parts.append(gzip.flush())
        digest.update(parts[-1])
    headers = {"Content-Encoding": "gzip"} if is_compressed else {}
    # botocore signs with this instead of hashing the body again, all at once.
    headers["X-Amz-Content-SHA256"] = digest.hexdigest()
    return Body(b"".join(parts), headers)


def _chunks(
    group: str,
    stream: str,
    slices: Iterable[Sequence[LogEvent]],
    entity: Mapping[str, Mapping[str, str]] | None,
) -> Iterator[bytes]:
    about = {"logGroupName": group, "logStreamName": stream}
    head = dumps({**about, "entity": entity} if entity else about)
    yield f'{head[:-1]}, "logEvents":['.encode()
    separator = ""
    for part in slices:
        written = ",".join(
            [
                f'{{"timestamp":{at},"message":{encode_basestring(text)}}}'
                for _, at, text, _, _ in part
            ]
        )
        yield (separator + written).encode()
        separator = ","
    yield b"]}"


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut what a large event has made larger than a slice."""
    for chunk in chunks:
        if len(chunk) <= 2 * _SLICE_BYTES:
            yield chunk
            continue
        view = memoryview(chunk)
        for start in range(0, len(chunk), _SLICE_BYTES):
            yield bytes(view[start : start + _SLICE_BYTES])
