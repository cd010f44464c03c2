"""What the streams hold of the buffer: told to the inbox when it matters, and to the user when it is odd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiowatchtower._config.settings import Settings
from aiowatchtower._core.batcher import Batcher
from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._diagnostics.rate_limit import Diagnostics
from aiowatchtower._intake.inbox import Inbox

# What it costs in memory to keep the events of one more stream apart, whatever their size. The buffer pays
# for it when there are many.
_STREAM_OVERHEAD_BYTES: Final = 1_024
_MANY_STREAMS: Final = 1_000
# How often it is added up what each stream holds, while that matters.
_NOTE_SECONDS: Final = 0.1
_NEVER: Final = float("-inf")


class Shares:
    """Lets the inbox know what each stream holds, while the buffer is half full or the streams are many."""

    def __init__(
        self,
        inbox: Inbox,
        batcher: Batcher,
        diagnostics: Diagnostics,
        clock: Callable[[], float],
        settings: Settings,
    ) -> None:
        self._inbox = inbox
        self._batcher = batcher
        self._diagnostics = diagnostics
        self._clock = clock
        self._settings = settings
        self._overflowed = 0
        self._noted_at = _NEVER

    def note(self) -> None:
        """Add up what each stream holds, if that matters and was not done a moment ago."""
        streams = self._batcher.stream_count
        has_many = streams > _MANY_STREAMS
        if has_many:
            self._diagnostics.warn(
                "many_streams",
                f"{streams} log streams have records waiting. Each costs requests and memory, and "
                f"CloudWatch Logs lets an account create 50 a second: let log_stream_name="
                f"{self._settings.log_stream_name!r} vary less. Names of tasks and threads are not bounded by default",
            )
        now = self._clock()
        if has_many or not self._inbox.is_roomy:
            if now >= self._noted_at + _NOTE_SECONDS:
                self._noted_at = now
                overhead_bytes = streams * _STREAM_OVERHEAD_BYTES if has_many else 0
                self._inbox.note_held(self._batcher.held(now), overhead_bytes)
            return
        if self._noted_at > _NEVER:
            self._noted_at = _NEVER
            self._inbox.note_held({}, 0)
        if self._overflowed:
            lost, self._overflowed = self._overflowed, 0
            self._diagnostics.recovered(
                "buffer_full", f"there is room for records again; {lost} were dropped meanwhile"
            )

    def note_overflow(self, count: int, last_error: DeliveryError | None) -> None:
        """Warn that records found no room in the buffer, whose readers may not see its marker for long."""
        settings = self._settings
        self._overflowed += count
        more = "raise max_spool_size=" if settings.spool_path else "set spool_directory="
        self._diagnostics.warn(
            "buffer_full",
            f"max_buffer_size={settings.max_buffer_size} bytes are full: {count} records to "
            f"{settings.log_group_name} found no room and are dropped, and so are others until there is room "
            f"again. Last failure: {last_error or 'none: they come faster than they can be sent'}. "
            f"If the buffer is too small for the load, raise max_buffer_size= or {more}",
        )
