"""The side door of the served service: JSON over HTTP, on a port that works while the other is down."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiowatchtower.testing._faults import Fault
from aiowatchtower.testing._standin import ORDERS

from .http import READ_LIMIT, Head, read_body, read_head, render
from .listener import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from typing_extensions import Unpack

    from aiowatchtower.testing._faults import FaultFields

    from .listener import Listener

PREFIX = "/_control/"


class Control:
    """Answers the questions and orders of the process that has started the server."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._service = listener.service

    async def start(self, port: int = 0) -> asyncio.Server:
        """Listen on 127.0.0.1."""
        return await asyncio.start_server(self._connect, LOOPBACK, port, limit=READ_LIMIT)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await read_head(reader)
            if head is not None:
                status, answer = await self._answer(head, await read_body(reader, head))
                writer.write(render(status, json.dumps(answer).encode(), "application/json"))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the asking process has left
        finally:
            writer.close()

    async def _answer(self, head: Head, body: bytes) -> tuple[int, object]:
        name = head.target.removeprefix(PREFIX)
        order: Callable[..., Awaitable[object]] | None = getattr(self, f"do_{name}", None)
        try:
            arguments = json.loads(body or b"{}")
            if name in ORDERS:
                asked = getattr(self._service, name)
                return 200, asked(**arguments) if callable(asked) else asked
            if order is not None:
                return 200, await order(**arguments)
        except LookupError as error:
            return 404, str(error)
        except (TypeError, ValueError) as error:
            return 400, f"{type(error).__name__}: {error}"
        return 400, f"no such order: {head.target}"

    async def do_counts(self) -> object:
        return {
            "accepted": self._service.accepted,
            "signatures_verified": self._listener.signatures_verified,
            "open_connections": self._listener.open_connections,
        }

    async def do_wait_for(
        self, events: int, group: str | None, stream: str | None, timeout: float
    ) -> object:
        return await self._wait(lambda: self._service.count(group, stream), events, timeout)

    async def do_wait_for_calls(self, calls: int, action: str | None, timeout: float) -> object:
        return await self._wait(lambda: self._service.count_calls(action), calls, timeout)

    async def do_add_fault(self, **fault: Unpack[FaultFields]) -> object:
        self._service.faults.add(Fault(**fault))
        return None

    async def do_clear_faults(self) -> object:
        self._service.faults.clear()
        return None

    async def do_reset(self) -> object:
        await self._listener.drop_connections()
        await self._listener.up()
        self._service.reset()
        self._listener.signatures_verified = 0
        return None

    async def do_down(self) -> object:
        await self._listener.down()
        return None

    async def do_up(self) -> object:
        await self._listener.up()
        return None

    async def do_drop_connections(self) -> object:
        await self._listener.drop_connections()
        return None

    async def _wait(
        self, count: Callable[[], int], wanted: int, seconds: float
    ) -> dict[str, object]:
        changed = self._listener.changed

        async def enough() -> None:
            async with changed:
                await changed.wait_for(lambda: count() >= wanted)

        try:
            await asyncio.wait_for(enough(), seconds)
        except asyncio.TimeoutError:
            return {"reached": False, "count": count(), "groups": list(self._service.groups)}
        return {"reached": True, "count": count()}
