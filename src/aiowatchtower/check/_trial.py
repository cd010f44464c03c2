"""The calls of the check: what delivery does, by delivery's own code, then what it did not come to."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import Final

from aiowatchtower._config.settings import Settings
from aiowatchtower._core.backoff import Backoff
from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.events import own_event
from aiowatchtower._core.phase import Lifecycle
from aiowatchtower._diagnostics.rate_limit import Diagnostics
from aiowatchtower._shipping.provisioner import Provisioner
from aiowatchtower._shipping.strict import try_while_it_may_pass
from aiowatchtower._shipping.time_budget import TimeBudget

from ._aws import DEADLINE_SECONDS
from ._diagnosis import DENIED, NOT_FOUND
from ._report import PUT
from ._watched import GROUP, RETENTION, STREAM, WatchedClient

# A failure that passes by itself is met so many times before it is reported. Above all, a stream that
# was just created is not known everywhere at once. An endpoint that hangs is not asked again.
_PASSING_FAILURES: Final = 3
_PASSING_SECONDS: Final = 5.0


class _NothingSaid(Diagnostics):
    """For delivery's parts, which warn of what they do without: the report says it."""

    def warn(self, kind: str, message: str, *, exc_info: BaseException | None = None) -> None:
        """Say nothing."""


class Trial:
    """Puts one event as delivery does, and creates what the settings allow it to create.

    After a denial it goes on with the other calls that delivery would need, so that all missing
    permissions are named at once.
    """

    def __init__(self, logs: WatchedClient, settings: Settings, stream: str, text: str) -> None:
        self._logs = logs
        self._settings = settings
        self._stream = stream
        self._text = text
        self._backoff = Backoff(random.random)
        self._provisioner = Provisioner(
            settings,
            logs,
            _NothingSaid(time.monotonic),
            self._backoff,
            TimeBudget(Lifecycle(), time.monotonic, settings.max_in_flight),
            time.monotonic,
        )
        self._ends_at = time.monotonic() + _PASSING_SECONDS
        self.put_at = 0

    async def run(self) -> DeliveryError | None:
        """Return why the event was not accepted, or None."""
        decision = await try_while_it_may_pass(
            self._put, self._provisioner, self._stream, self._pause
        )
        if self._provisioner.claim_retention():
            await self._provisioner.set_retention()
        if decision is None:
            return None
        if decision.error.code in {*DENIED, "NotProvisioned"}:
            await self._try_the_rest()
        return decision.error

    def _pause(self, failures: int) -> float | None:
        is_over = failures >= _PASSING_FAILURES or time.monotonic() >= self._ends_at
        return None if is_over else self._backoff.pause(failures)

    async def _put(self) -> None:
        self.put_at = int(time.time() * 1000)
        event = own_event(self._stream, self.put_at, self._text)
        await self._logs.put(self._stream, [event], DEADLINE_SECONDS)

    async def _try_the_rest(self) -> None:
        """Call what delivery did not come to. Nothing is created that the settings do not allow."""
        settings = self._settings
        if not self._logs.was_tried(STREAM):
            # In a group that is missing nothing can be created: AWS only says whether it is allowed.
            if settings.create_log_stream:
                await _tried(self._provisioner.provide(self._stream))
            elif self.misses_group:
                await _tried(self._logs.create_stream(self._stream))
        if settings.create_log_group and not (self.knows_group or self._logs.was_tried(GROUP)):
            await _tried(self._logs.create_group(tags=True))
        is_asked_for = settings.log_group_retention_days is not None
        # The retention of a group that was there before is not touched.
        is_ours = self._logs.has_created(GROUP) or self.misses_group
        if is_asked_for and is_ours and not self._logs.was_tried(RETENTION):
            await _tried(self._logs.set_retention())

    @property
    def misses_group(self) -> bool:
        """Whether AWS has said that there is no such log group, and none was created."""
        put, stream = self._logs.failure(PUT), self._logs.failure(STREAM)
        said_by_put = put is not None and put.code == NOT_FOUND and "group" in put.message
        said_by_stream = stream is not None and stream.code == NOT_FOUND
        return (said_by_put or said_by_stream) and not self._created_group

    @property
    def knows_group(self) -> bool:
        """Whether AWS has said that the log group exists, or has just created it."""
        put, stream = self._logs.failure(PUT), self._logs.failure(STREAM)
        if put is None or self._created_group:
            return True
        if self._logs.was_tried(STREAM) and stream is None:
            return True
        return put.code == NOT_FOUND and "group" not in put.message

    @property
    def _created_group(self) -> bool:
        return self._logs.was_tried(GROUP) and self._logs.failure(GROUP) is None


async def _tried(call: Awaitable[None]) -> None:
    with suppress(DeliveryError):
        await call
