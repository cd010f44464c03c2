"""Pages: how much of a list or of a stream one answer holds, and the tokens that go on from there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ._types import INVALID, Event, Refusal

if TYPE_CHECKING:
    from ._params import Params

    T = TypeVar("T")

# As GetLogEvents and FilterLogEvents document their pages.
PAGE_BYTES = 1_048_576
PAGE_EVENTS = 10_000


def page_of(
    items: Sequence[T], params: Params, most: int, *, limit: str = "limit"
) -> tuple[Sequence[T], dict[str, object]]:
    """Return one page of a list, and the answer's `nextToken` when there is more."""
    size = params.integer(limit) or most
    start = _position(params.text("nextToken") or "0")
    stop = start + size
    return items[start:stop], {"nextToken": str(stop)} if stop < len(items) else {}


def events_in_page(events: Iterable[Event], limit: int | None) -> int:
    """Return how many of these events, from the first on, fit into one page."""
    most = min(limit or PAGE_EVENTS, PAGE_EVENTS)
    count = size = 0
    for event in events:
        size += len(event.message.encode("utf-8", "surrogatepass"))
        if count == most or (count and size > PAGE_BYTES):
            break
        count += 1
    return count


class Mark(NamedTuple):
    """A place between two events, and the direction in which to read on from there."""

    direction: str
    """"f" for later events, "b" for earlier ones."""
    timestamp_ms: int
    ingestion_index: int
    """The first event at or after the mark has at least this index, within the millisecond."""

    def __str__(self) -> str:
        return f"{self.direction}/{self.timestamp_ms:020d}{self.ingestion_index:036d}"

    @property
    def place(self) -> tuple[int, int]:
        """What an event's place is compared with."""
        return self.timestamp_ms, self.ingestion_index


def place_of(event: Event) -> tuple[int, int]:
    """Return the place of an event in its stream and group."""
    return event.timestamp_ms, event.ingestion_index


def mark_before(direction: str, event: Event) -> Mark:
    """Return the place right before an event."""
    return Mark(direction, event.timestamp_ms, event.ingestion_index)


def mark_after(direction: str, event: Event) -> Mark:
    """Return the place right after an event."""
    return Mark(direction, event.timestamp_ms, event.ingestion_index + 1)


def read_mark(token: str) -> Mark:
    """Return the place that a token names, or refuse the token."""
    direction, _, digits = token.partition("/")
    if direction not in ("f", "b") or len(digits) != 56 or not digits.isdecimal():
        raise Refusal(INVALID, "The specified nextToken is invalid.")
    return Mark(direction, int(digits[:20]), int(digits[20:]))


def _position(token: str) -> int:
    if not token.isdecimal():
        raise Refusal(INVALID, "The specified nextToken is invalid.")
    return int(token)
