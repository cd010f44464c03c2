"""What the streams hold of the buffer: told to the inbox when it matters, and to the user when it is odd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiowatchtower._core.batcher import Batcher
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
        stream_template: str,
    ) -> None:
        self._inbox = inbox
        self._batcher = batcher
        self._diagnostics = diagnostics
        self._clock = clock
        self._template = stream_template
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
                f"{self._template!r} vary less. Names of tasks and threads are not bounded by default",
            )
        now = self._clock()
        if has_many or not self._inbox.is_roomy:
            if now >= self._noted_at + _NOTE_SECONDS:
                self._noted_at = now
                overhead_bytes = streams * _STREAM_OVERHEAD_BYTES if has_many else 0
                self._inbox.note_held(self._batcher.held(), overhead_bytes)
        elif self._noted_at > _NEVER:
            self._noted_at = _NEVER
            self._inbox.note_held({}, 0)
