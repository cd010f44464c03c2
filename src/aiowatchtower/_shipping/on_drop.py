"""Telling the application what was lost, where it can neither block nor break anything."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable

import anyio

from aiowatchtower._core.events import Lost
from aiowatchtower._diagnostics.own_log import say
from aiowatchtower._diagnostics.self_feeding import start_shipping


class DropNotifier:
    """Calls ``on_drop`` in a daemon thread of its own, started with the first loss."""

    def __init__(self, on_drop: Callable[[Lost], object] | None) -> None:
        self._on_drop = on_drop
        self._losses: queue.SimpleQueue[Lost | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._all_told = asyncio.Event()

    def tell(self, lost: Lost) -> None:
        """Have ``on_drop`` called with it soon. To be called on the loop."""
        if self._on_drop is None:
            return
        self._losses.put(lost)
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._call_each,
                args=(self._on_drop, asyncio.get_running_loop()),
                name="aiowatchtower-on-drop",
                daemon=True,
            )
            self._thread.start()

    async def aclose(self, seconds: float) -> None:
        """End the thread after its last call; a call that takes longer is left to itself."""
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
            try:
                on_drop(lost)
            except Exception as exc:  # noqa: BLE001 - the application's code, and only told
                say(logging.WARNING, f"on_drop raised: {exc!r}", exc)
        try:
            loop.call_soon_threadsafe(self._all_told.set)
        except RuntimeError:
            # The loop was closed while the last call ran: nobody waits any more.
            return
