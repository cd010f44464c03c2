"""Telling the application what was lost, where it can neither block nor break anything."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import anyio

from aiowatchtower._core.events import Lost
from aiowatchtower._diagnostics.own_log import say
from aiowatchtower._diagnostics.self_feeding import start_shipping

# While ``on_drop`` is busy, the texts that wait for it take no more memory than this, besides those
# of the first loss, and so many losses wait one by one.
_MAX_WAITING_BYTES: Final = 2**20
_MAX_WAITING: Final = 1_000


class DropNotifier:
    """Calls ``on_drop`` in a daemon thread of its own, started with the first loss.

    A function that is slow, or never returns, does not keep everything that is lost meanwhile:
    losses are then told without their texts, and later ones are added up by their reason.
    """

    def __init__(self, on_drop: Callable[[Lost], object] | None) -> None:
        self._on_drop = on_drop
        self._losses: queue.SimpleQueue[Lost | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = self._waiting_bytes = 0
        self._sums: dict[str, Lost] = {}
        self._thread: threading.Thread | None = None
        self._all_told = asyncio.Event()

    def tell(self, lost: Lost) -> None:
        """Have ``on_drop`` called with it soon. To be called on the loop."""
        if self._on_drop is None:
            return
        self._keep(lost)
        self._start(self._on_drop)

    def _start(self, on_drop: Callable[[Lost], object]) -> None:
        if self._thread is not None:
            return
        thread = threading.Thread(
            target=self._call_each,
            args=(on_drop, asyncio.get_running_loop()),
            name="aiowatchtower-on-drop",
            daemon=True,
        )
        # Where no thread can be had for the moment, the next loss or the end of the block tries again.
        with contextlib.suppress(RuntimeError, MemoryError):
            thread.start()
            self._thread = thread

    def _keep(self, lost: Lost) -> None:
        with self._lock:
            if self._waiting >= _MAX_WAITING:
                before = self._sums.get(lost.reason)
                bare = replace(lost, messages=())
                self._sums[lost.reason] = bare if before is None else _sum(before, bare)
                return
            if self._waiting and self._waiting_bytes + lost.size_bytes > _MAX_WAITING_BYTES:
                lost = replace(lost, messages=())
            self._waiting += 1
            self._waiting_bytes += lost.size_bytes if lost.messages else 0
            self._losses.put(lost)

    async def aclose(self, seconds: float) -> None:
        """End the thread after its last call; a call that takes longer is left to itself."""
        if self._on_drop is not None and not self._losses.empty():
            self._start(self._on_drop)
        if self._thread is None:
            return
        self._losses.put(None)
        with anyio.move_on_after(seconds):
            await self._all_told.wait()

    def _call_each(
        self, on_drop: Callable[[Lost], object], loop: asyncio.AbstractEventLoop
    ) -> None:
        start_shipping()
        while (lost := self._losses.get()) is not None:
            _call(on_drop, lost)
            self._told(lost)
            # What was added up came last, so it is told last.
            for added_up in self._take_sums():
                _call(on_drop, added_up)
        try:
            loop.call_soon_threadsafe(self._all_told.set)
        except RuntimeError:
            # The loop was closed while the last call ran: nobody waits any more.
            return

    def _told(self, lost: Lost) -> None:
        with self._lock:
            self._waiting -= 1
            self._waiting_bytes -= lost.size_bytes if lost.messages else 0

    def _take_sums(self) -> list[Lost]:
        with self._lock:
            if self._waiting:
                return []
            sums, self._sums = self._sums, {}
        return list(sums.values())


def _sum(one: Lost, other: Lost) -> Lost:
    """Return both as one loss, without texts."""
    return replace(
        other,
        stream=one.stream if one.stream == other.stream else "",
        count=one.count + other.count,
        size_bytes=one.size_bytes + other.size_bytes,
        first_timestamp_ms=min(one.first_timestamp_ms, other.first_timestamp_ms),
        last_timestamp_ms=max(one.last_timestamp_ms, other.last_timestamp_ms),
    )


def _call(on_drop: Callable[[Lost], object], lost: Lost) -> None:
    try:
        on_drop(lost)
    except BaseException as exc:  # noqa: BLE001 - SystemExit too, which would end the thread unseen
        say(logging.WARNING, f"on_drop raised: {exc!r}", exc)
