"""A client that passes each call on, and remembers how it ended."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Final, Protocol, TypeVar

from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.events import Answer, LogEvent
from aiowatchtower._core.logs_client import Departure, LogsClient

from ._report import PUT

GROUP: Final = "CreateLogGroup"
STREAM: Final = "CreateLogStream"
RETENTION: Final = "PutRetentionPolicy"
_OK: Final = 200
_T = TypeVar("_T")


class HasStatus(Protocol):
    """An answer, as botocore's ``after-call`` event has it."""

    status_code: int


class HasName(Protocol):
    """What botocore's ``after-call`` event tells about the call."""

    name: str


class WatchedClient:
    """Delivery calls this client as it calls AWS; the check reads afterwards what AWS has said."""

    def __init__(self, client: LogsClient) -> None:
        self._client = client
        self._ended: dict[str, list[DeliveryError | None]] = {}
        self._created: set[str] = set()
        self.answer: Answer | None = None

    def note_created(self, http_response: HasStatus, model: HasName, **_: object) -> None:
        """Remember what was created; for botocore's ``after-call`` event.

        Our own client takes it as success, too, when the group or the stream exists.
        """
        if http_response.status_code == _OK:
            self._created.add(model.name)

    def was_tried(self, action: str) -> bool:
        """Return whether AWS was asked to do this."""
        return action in self._ended

    def has_created(self, action: str) -> bool:
        """Return whether this action, a creation, has made something that was not there."""
        return action in self._created

    def failure(self, action: str) -> DeliveryError | None:
        """Return why the last such call failed; None if it did not, or was never made."""
        ended = self._ended.get(action)
        return ended[-1] if ended else None

    def failures(self, action: str) -> list[DeliveryError]:
        """Return why such calls failed, in their order."""
        return [error for error in self._ended.get(action, ()) if error is not None]

    async def prepare(self) -> None:
        """Get ready for the first call."""
        await self._client.prepare()

    @property
    def endpoint(self) -> str:
        """The address that calls go to."""
        return self._client.endpoint

    async def put(
        self,
        stream: str,
        events: Sequence[LogEvent],
        deadline: float,
        departure: Departure | None = None,
    ) -> Answer:
        """Send events."""
        call = self._client.put(stream, events, deadline, departure)
        self.answer = await self._noted(PUT, call)
        return self.answer

    async def create_stream(self, stream: str) -> None:
        """Create a log stream."""
        await self._noted(STREAM, self._client.create_stream(stream))

    async def create_group(self, *, tags: bool) -> None:
        """Create the log group."""
        await self._noted(GROUP, self._client.create_group(tags=tags))

    async def set_retention(self) -> None:
        """Set the log group's retention."""
        await self._noted(RETENTION, self._client.set_retention())

    async def renew(self) -> None:
        """Look for new credentials."""
        await self._client.renew()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _noted(self, action: str, call: Awaitable[_T]) -> _T:
        ended = self._ended.setdefault(action, [])
        try:
            result = await call
        except DeliveryError as error:
            ended.append(error)
            raise
        ended.append(None)
        return result
