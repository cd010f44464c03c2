"""The clients that are compared, one module each, so that a process imports only its own."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol, cast

FLOOR = "floor"
WATCHTOWER = "watchtower"
BY_HAND = "by_hand"
OURS = "aiowatchtower"
NAMES = (FLOOR, WATCHTOWER, BY_HAND, OURS)

GROUP = "/bench/app"
STREAM = "bench"

Flush = Callable[[], Awaitable[None]]


class Client(Protocol):
    """Ship what a logger logs inside the block; leaving it delivers the rest."""

    def connect(
        self, endpoint: str, logger: str, stream: str, **settings: Any
    ) -> AbstractAsyncContextManager[Flush | None]:
        """Attach to the logger, and give a way to flush if the client has an awaitable one."""

    def attached(self, endpoint: str, logger: str, stream: str) -> AbstractContextManager[None]:
        """Do the same in a program without an event loop; not every client can."""


def load(name: str) -> Client:
    """Import one client."""
    return cast("Client", importlib.import_module(f"clients.{name}"))
