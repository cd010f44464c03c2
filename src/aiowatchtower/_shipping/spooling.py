"""What a block has to do with its spool: say what becomes of records, and read back what is there."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

import anyio

from aiowatchtower._aws.region import region_of
from aiowatchtower._config.settings import Settings
from aiowatchtower._core.events import NUMBER, Batch, LogEvent
from aiowatchtower._diagnostics.rate_limit import Diagnostics
from aiowatchtower._diagnostics.self_feeding import start_shipping
from aiowatchtower._intake.inbox import Inbox
from aiowatchtower._spool.files import DiskFiles
from aiowatchtower._spool.format import About
from aiowatchtower._spool.keeper import Keeper
from aiowatchtower._spool.ranges import Ranges
from aiowatchtower._spool.values import Taken, described
from aiowatchtower._spool.writer import Writer

# How often the spool is looked after, and whether it has something to deliver is asked.
_LOOK_SECONDS: Final = 1.0
# The same while it has, and the buffer has no room for it.
_FULL_SECONDS: Final = 0.05
# What the last write may take when a block is left. A disk that hangs is not waited for.
_WRITE_OUT_SECONDS: Final = 0.3
# The same where nothing can be awaited any more.
_LAST_LOOK_SECONDS: Final = 0.2


def open_spool(
    settings: Settings, inbox: Inbox, clock: Callable[[], float] = time.monotonic
) -> Writer | None:
    """Return the running thread of the handler's spool, or None without ``spool_directory``."""
    root = settings.spool_path
    if root is None:
        return None
    if inbox.spool is not None and not inbox.spool.is_closing:
        # The loop was closed inside the block before. Its thread goes on.
        return inbox.spool
    files = DiskFiles()
    region = region_of(settings)

    def made() -> Keeper:
        # What botocore logs while the region is looked up is not the application's.
        start_shipping()
        about = About(
            pid=os.getpid(),
            host=socket.gethostname(),
            started_ms=int(time.time() * 1000),
            group=settings.log_group_name,
            region=region(),
        )
        return Keeper(
            files, root, about, settings.max_spool_size, _new_name, frozenset(inbox.left_behind)
        )

    writer = Writer(root, made, files, clock)
    writer.start()
    return writer


def _new_name() -> str:
    return secrets.token_hex(6)


class Spooling:
    """Connects a block's worker with the thread of its spool. To be used on the loop."""

    def __init__(self, writer: Writer, inbox: Inbox, diagnostics: Diagnostics) -> None:
        self._writer = writer
        self._inbox = inbox
        self._diagnostics = diagnostics
        self._taken: Future[Taken] | None = None
        self._held: Future[Ranges] | None = None

    async def unusable_because(self) -> str:
        """Return why the directory cannot be used, or ""."""
        error = await asyncio.wrap_future(self._writer.opened)
        return "" if error is None else described(error)

    def sending(self, batch: Batch) -> None:
        """Note that a request with these records is about to be made."""
        if batch.counted:
            self._writer.note("sent", batch.events)

    def done(self, events: Sequence[LogEvent]) -> None:
        """Note that these records have their fate."""
        if events:
            self._writer.note("done", events)

    async def run(self, is_leaving: Callable[[], bool]) -> None:
        """Read back what is on the disk only, whenever the buffer is at most half full. Never returns."""
        await asyncio.wait([asyncio.wrap_future(self._writer.opened)])
        while True:
            self.speak()
            has_more = False
            if self._inbox.is_roomy:
                has_more = await self._take(may_adopt=not is_leaving())
            if not has_more:
                await anyio.sleep(_FULL_SECONDS if self._writer.has_cold else _LOOK_SECONDS)

    async def _take(self, *, may_adopt: bool) -> bool:
        """Take some of what is on the disk only; return whether there was any."""
        if self._taken is None:
            self._taken = self._writer.ask(
                lambda keeper, now: keeper.take(now, may_adopt=may_adopt)
            )
        # A cancellation leaves the question for the next run: what is read must not get lost.
        await asyncio.wait([asyncio.wrap_future(self._taken)])
        taken, self._taken = self._taken.result(), None
        self._inbox.take_back(taken)
        return bool(taken.cold or taken.recovered)

    @property
    def has_cold(self) -> bool:
        """Whether records of this block are on the disk only, or on their way back."""
        return self._writer.has_cold or self._taken is not None

    async def all_read_back(self) -> None:
        """Return when nothing of this block is on the disk only."""
        while self.has_cold:  # noqa: ASYNC110 - it is the thread that knows
            await anyio.sleep(_FULL_SECONDS)

    def speak(self) -> None:
        """Say what the thread has to say, and look whether it hangs."""
        self._writer.look_after(time.monotonic())
        for notice in self._writer.notices():
            if notice.is_over:
                self._diagnostics.recovered(notice.kind, notice.text)
            else:
                self._diagnostics.warn(notice.kind, notice.text)

    async def write_out(self) -> None:
        """Have everything written that was logged. A disk that hangs is not waited for."""
        self._held = self._writer.ask(lambda keeper, _: keeper.all_held())
        with anyio.CancelScope(shield=True):
            await asyncio.wait([asyncio.wrap_future(self._held)], timeout=_WRITE_OUT_SECONDS)

    def split(self, events: Sequence[LogEvent]) -> tuple[list[LogEvent], list[LogEvent]]:
        """Return which records a file holds, so that they outlive the process, and which none does."""
        held = self._held or self._writer.ask(lambda keeper, _: keeper.all_held())
        try:
            kept = held.result(0 if self._held is not None else _LAST_LOOK_SECONDS)
        except Exception:  # noqa: BLE001 - it hangs, or failed: nothing is known to be kept
            kept = Ranges()
        return (
            [event for event in events if event[NUMBER] in kept],
            [event for event in events if event[NUMBER] not in kept],
        )

    @property
    def path(self) -> str:
        """The directory in which this block's records are."""
        return self._writer.path

    async def aclose(self) -> None:
        """Give up the directory and end the thread; leave both to themselves if the disk hangs."""
        self._inbox.left_behind.add(self.path)
        closed = asyncio.wrap_future(self._writer.close())
        with anyio.CancelScope(shield=True):
            await asyncio.wait([closed], timeout=_WRITE_OUT_SECONDS)
        self.speak()
