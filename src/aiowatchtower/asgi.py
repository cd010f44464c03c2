"""Run a block for the life of an ASGI application, whatever its framework and server.

::

    application = wrap(get_asgi_application(), CloudWatchLogging("/app/web"))

For applications without a lifespan of their own (Django), for those that somebody else wrapped
(Datasette, plain ASGI), and for servers without one (Daphne).
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from typing import Final

from ._block import CloudWatchLogging
from ._diagnostics.own_log import say

__all__ = ["ASGIApplication", "wrap"]

_Message = MutableMapping[str, object]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
# After one of these a server may end the process at once, as uvicorn does by the signal that it was sent.
_LAST_MESSAGES: Final = {
    "lifespan.startup.failed",
    "lifespan.shutdown.complete",
    "lifespan.shutdown.failed",
}


class ASGIApplication:
    """What :func:`wrap` returns: an ASGI 3 application."""

    def __init__(self, app: Callable[..., Awaitable[object]], logs: CloudWatchLogging) -> None:
        self._app = app
        self._logs = logs
        self._has_lifespan = False
        # The entering at the first request, in the process that has made it.
        self._entering: asyncio.Task[CloudWatchLogging] | None = None
        self._process = 0

    async def __call__(
        self, scope: MutableMapping[str, object], receive: _Receive, send: _Send
    ) -> None:
        """Serve one connection, or run the block for a lifespan."""
        if scope["type"] == "lifespan":
            self._has_lifespan = True
            await _Lifespan(self._app, self._logs).run(scope, receive, send)
            return
        if not self._has_lifespan:
            await self._enter_once()
        await self._app(scope, receive, send)

    async def _enter_once(self) -> None:
        """Enter the block at the first request of a server that has no lifespan."""
        if self._process != os.getpid() or self._entering is None or _has_failed(self._entering):
            self._process = os.getpid()
            # The request's context would be the worker's for as long as the server runs.
            self._entering = contextvars.Context().run(
                asyncio.create_task, _enter(self._logs), name="aiowatchtower enters"
            )
        await asyncio.shield(self._entering)


class _Lifespan:
    """One lifespan of the server: the application's, or one answered here."""

    def __init__(self, app: Callable[..., Awaitable[object]], logs: CloudWatchLogging) -> None:
        self._app = app
        self._logs = logs
        self._has_started = False
        self._has_ended = False

    async def run(self, scope: MutableMapping[str, object], receive: _Receive, send: _Send) -> None:
        first: list[_Message] = [await receive()]

        async def receive_for_app() -> _Message:
            return first.pop() if first else await receive()

        async def send_for_app(message: _Message) -> None:
            if message["type"] in _LAST_MESSAGES:
                self._has_ended = True
                await self._logs.aclose()
            elif message["type"] == "lifespan.startup.complete":
                self._has_started = True
            await send(message)

        try:
            await self._logs.start()
        except Exception as exc:
            await send({"type": "lifespan.startup.failed", "message": str(exc)})
            raise
        try:
            await self._run_app(scope, receive_for_app, send_for_app)
            if not self._has_ended:
                await self._answer(receive, send)
        finally:
            await self._logs.aclose()

    async def _run_app(
        self, scope: MutableMapping[str, object], receive: _Receive, send: _Send
    ) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as exc:
            if self._has_started or self._has_ended:
                raise
            # The specification's way to say that an application has no lifespan.
            # https://asgi.readthedocs.io/en/latest/specs/lifespan.html
            say(
                logging.INFO,
                f"the application takes no ASGI lifespan ({type(exc).__name__}: {exc}): it is "
                "answered by aiowatchtower.asgi.wrap",
            )

    async def _answer(self, receive: _Receive, send: _Send) -> None:
        """Answer in the application's place, which has returned before the server shuts down."""
        if not self._has_started:
            await send({"type": "lifespan.startup.complete"})
        while (await receive())["type"] != "lifespan.shutdown":
            pass
        await self._logs.aclose()
        await send({"type": "lifespan.shutdown.complete"})


def wrap(app: Callable[..., Awaitable[object]], logs: CloudWatchLogging) -> ASGIApplication:
    """Return an ASGI application that runs the block for the life of ``app``.

    The block is entered before the application starts, and left when the application has shut
    down, before the server is told so: some servers end the process then. Where the application
    takes no lifespan, it is answered here. Where the server has none (Daphne), the block is
    entered at the first request, and left when Twisted's reactor shuts down; another server without
    a lifespan has to await ``logs.aclose()`` by itself.

    Args:
        app: An ASGI 3 application.
        logs: A block that is not entered.
    """
    return ASGIApplication(app, logs)


async def _enter(logs: CloudWatchLogging) -> CloudWatchLogging:
    await logs.start()
    _leave_with_twisted(logs)
    return logs


def _has_failed(task: asyncio.Task[CloudWatchLogging]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _leave_with_twisted(logs: CloudWatchLogging) -> None:
    """Leave the block before Twisted's reactor stops, if there is one in this process."""
    # Twisted puts the reactor itself there, once somebody has chosen one.
    reactor = sys.modules.get("twisted.internet.reactor")
    if reactor is None:
        return
    defer = import_module("twisted.internet.defer")
    loop = asyncio.get_running_loop()

    def leave() -> object:
        return defer.Deferred.fromFuture(loop.create_task(logs.aclose()))

    reactor.addSystemEventTrigger("before", "shutdown", leave)
