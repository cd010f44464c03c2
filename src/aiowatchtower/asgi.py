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

import anyio

from ._block import CloudWatchLogging
from ._diagnostics.own_log import say

__all__ = ["ASGIApplication", "wrap"]

_Message = MutableMapping[str, object]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
# For requests that are under way when a server without a lifespan shuts down.
_ANSWER_SECONDS: Final = 3.0
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
        self._entering: asyncio.Task[None] | None = None
        self._process = 0
        self._under_way = 0
        # Set while a server without a lifespan shuts down; set itself when no request is under way.
        self._all_answered: asyncio.Event | None = None

    async def __call__(
        self, scope: MutableMapping[str, object], receive: _Receive, send: _Send
    ) -> None:
        """Serve one connection, or run the block for a lifespan."""
        if scope["type"] == "lifespan":
            self._has_lifespan = True
            await _Lifespan(self._app, self._logs).run(scope, receive, send)
        elif self._all_answered is not None:
            await _refuse(scope, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(
        self, scope: MutableMapping[str, object], receive: _Receive, send: _Send
    ) -> None:
        if not self._has_lifespan:
            await self._enter_once()
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1
            if self._all_answered is not None and not self._under_way:
                self._all_answered.set()

    async def _enter_once(self) -> None:
        """Enter the block at the first request of a server that has no lifespan."""
        if self._process != os.getpid() or self._entering is None or _has_failed(self._entering):
            self._process = os.getpid()
            # The request's context would be the worker's for as long as the server runs.
            self._entering = contextvars.Context().run(
                asyncio.create_task, self._enter(), name="aiowatchtower enters"
            )
        await asyncio.shield(self._entering)

    async def _enter(self) -> None:
        await self._logs.start()
        # Twisted puts the reactor itself there, once somebody has chosen one.
        reactor = sys.modules.get("twisted.internet.reactor")
        if reactor is None:
            return
        defer = import_module("twisted.internet.defer")
        loop = asyncio.get_running_loop()

        def leave() -> object:
            return defer.Deferred.fromFuture(loop.create_task(self._leave()))

        reactor.addSystemEventTrigger("before", "shutdown", leave)

    async def _leave(self) -> None:
        """Leave the block when the requests under way are answered: Daphne takes new ones until the end."""
        self._all_answered = asyncio.Event()
        if self._under_way:
            with anyio.move_on_after(_ANSWER_SECONDS):
                await self._all_answered.wait()
        await self._logs.aclose()


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
    entered at the first request, and left when Twisted's reactor shuts down: requests that come
    from then on are answered by 503. Another server without a lifespan has to await
    ``logs.aclose()`` by itself.

    Args:
        app: An ASGI 3 application.
        logs: A block that is not entered.
    """
    return ASGIApplication(app, logs)


async def _refuse(scope: MutableMapping[str, object], send: _Send) -> None:
    """Answer that the server shuts down: what the application would log now could not be delivered."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b""})
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1012})


def _has_failed(task: asyncio.Task[None]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
