"""Fit a message into a number of UTF-8 bytes, and say in it how much is missing."""

from __future__ import annotations

import json
import re
from itertools import accumulate

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}".encode()
_SHORTEST = 36  # no string is cut below the length of a UUID
_MAX_MARK_SIZE = 100
_TEXT_MARK = re.compile(rb" \[aiowatchtower: cut \d+ of (\d+) bytes\]\Z")
_JSON_MARK = re.compile(rb',?"aiowatchtower_cut":"cut \d+ of (\d+) bytes"\}\Z')
_HIGH_SURROGATE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")
_CONTINUATION_BYTES = range(0x80, 0xC0)
_LONG_ESCAPE_SIZE, _SHORT_ESCAPE_SIZE = 6, 2


def utf8_size(text: str) -> int:
    """Return the size of *text* in UTF-8 bytes; a surrogate counts 3, as does its replacement."""
    return len(text) if text.isascii() else len(_encode(text))


def replace_surrogates(text: str) -> str:
    """Return *text* with surrogate pairs joined and lone surrogates as U+FFFD: it then encodes."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def truncate(message: str, max_bytes: int) -> str:
    """Return *message*, cut so that its UTF-8 size is at most *max_bytes*, which is 64 or more.

    A text ends in ``[aiowatchtower: cut N of M bytes]``. A JSON object stays one: its longest
    strings are shortened, and the key ``aiowatchtower_cut`` says how much is missing. Where that
    does not give enough, the key ``head`` holds how the object began. A message that was cut before
    still names its first size.
    """
    raw = _encode(message)
    if len(raw) <= max_bytes:
        return message
    is_object = raw.startswith(b"{") and _is_json(message)
    cut = _cut_object(raw.rstrip(), max_bytes) if is_object else _cut_text(raw, max_bytes)
    return cut.decode("utf-8", "surrogatepass")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _is_json(message: str) -> bool:
    try:
        # Numbers stay text: only the form is of interest, and int() refuses long ones.
        json.loads(message, parse_int=str, parse_float=str, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def _cut_text(raw: bytes, max_bytes: int) -> bytes:
    raw, size = _without_mark(raw, _TEXT_MARK, b"")
    mark = b" [aiowatchtower: cut %d of %d bytes]"
    kept = raw[: _character_boundary(raw, max_bytes - len(mark % (size, size)))]
    return kept + mark % (size - len(kept), size)


def _cut_object(raw: bytes, max_bytes: int) -> bytes:
    raw, size = _without_mark(raw, _JSON_MARK, b"}")
    mark = b'"aiowatchtower_cut":"cut %d of %d bytes"}'
    room = max_bytes - len(mark % (size, size))
    kept = _shorten_strings(raw, room) or _head_only(raw, room)
    body = kept[:-1].rstrip()
    comma = b"" if body == b"{" else b","
    return body + comma + mark % (size - len(kept), size)


def _without_mark(raw: bytes, mark: re.Pattern[bytes], end: bytes) -> tuple[bytes, int]:
    """Return *raw* without an earlier cut's mark, and the size of the uncut message."""
    found = mark.search(raw, max(0, len(raw) - _MAX_MARK_SIZE))
    if found is None or int(found[1]) < len(raw):
        return raw, len(raw)
    return raw[: found.start()] + end, int(found[1])


def _shorten_strings(raw: bytes, room: int) -> bytes | None:
    """Return the object *raw* with its longest string values shortened, if that makes it fit.

    Works on the text, for parsing and writing anew could change numbers and merge equal keys.
    """
    masked = _mask_escapes(raw)
    parts = masked.split(b'"')  # outside, string, outside, string, ..., outside
    values = [
        index
        for index in range(1, len(parts), 2)
        if len(parts[index]) > _SHORTEST and not parts[index + 1].lstrip().startswith(b":")
    ]
    limit = _water_level([len(parts[index]) for index in values], len(raw) - room)
    if limit is None:
        return None
    starts = [0, *accumulate(len(part) + 1 for part in parts)]
    pieces, done = [], 0
    for index in values:
        if len(parts[index]) > limit:
            end = starts[index] + _escape_boundary(parts[index], limit - len(_ELLIPSIS))
            pieces += [raw[done:end], _ELLIPSIS]
            done = starts[index] + len(parts[index])
    return b"".join([*pieces, raw[done:]])


def _water_level(lengths: list[int], excess: int) -> int | None:
    """Return the greatest length to which cutting all longer ones saves *excess* bytes."""
    lengths = sorted(lengths, reverse=True)
    total = 0
    for count, (length, following) in enumerate(
        zip(lengths, [*lengths[1:], _SHORTEST], strict=False), 1
    ):
        total += length
        if total - count * following >= excess:
            return (total - excess) // count
    return None


def _head_only(raw: bytes, room: int) -> bytes:
    frame = b'{"head":"%s"}'
    budget = room - len(frame % b"") - 1  # 1: the comma before the mark
    if budget < 0:
        return b"{}"
    head = raw[: _character_boundary(raw, budget)].decode("utf-8", "surrogatepass")
    quoted = _encode(json.dumps(head, ensure_ascii=False))[1:-1]
    return frame % quoted[: _escape_boundary(_mask_escapes(quoted), budget)]


def _mask_escapes(raw: bytes) -> bytes:
    r"""Return JSON of the same length, in which every ``"`` delimits and every ``\`` begins."""
    return raw.replace(rb"\\", rb"\_").replace(rb"\"", rb"\_")


def _character_boundary(raw: bytes, limit: int) -> int:
    if limit >= len(raw):
        return len(raw)
    while limit > 0 and raw[limit] in _CONTINUATION_BYTES:
        limit -= 1
    return max(0, limit)


def _escape_boundary(masked: bytes, limit: int) -> int:
    """Return the last place up to *limit* that is inside no character, escape or escaped pair."""
    end = _character_boundary(masked, limit)
    begin = masked.rfind(b"\\", max(0, end - _LONG_ESCAPE_SIZE + 1), end)
    if begin >= 0:
        is_long = masked.startswith(b"u", begin + 1)
        if begin + (_LONG_ESCAPE_SIZE if is_long else _SHORT_ESCAPE_SIZE) > end:
            end = begin
    if end < len(masked) and _HIGH_SURROGATE.search(masked, max(0, end - _LONG_ESCAPE_SIZE), end):
        end -= _LONG_ESCAPE_SIZE
    return end
