"""What stands between a program and CloudWatch Logs: proxies, gateways, stand-ins that read no gzip."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from aiohttp import ClientSession, web

ON_THE_WAY = ("connection", "content-length", "keep-alive", "transfer-encoding", "date", "server")


class Page(NamedTuple):
    """An answer that does not come from the endpoint."""

    status: int
    body: bytes
    content_type: str = "text/html"


class Middlebox:
    """Forwards requests to the endpoint, but for those that it answers by itself, and keeps a list of both."""

    def __init__(
        self,
        endpoint: str,
        answers: Callable[[web.BaseRequest], Page | None] = lambda _: None,
        *,
        unpacks: bool = False,
    ) -> None:
        self._unpacks = unpacks
        self._endpoint = endpoint
        self._answers = answers
        self.url = ""
        # The action and the encoding of each PutLogEvents.
        self.puts: list[str] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Middlebox]:
        """Listen on loopback."""
        runner = web.ServerRunner(
            web.Server(self._answer, auto_decompress=self._unpacks), shutdown_timeout=0.1
        )
        async with ClientSession(auto_decompress=False) as self._session:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            try:
                yield self
            finally:
                await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("X-Amz-Target", "").endswith("PutLogEvents"):
            self.puts.append(request.headers.get("Content-Encoding", "plain"))
        page = self._answers(request)
        if page is not None:
            await request.read()
            return web.Response(status=page.status, body=page.body, content_type=page.content_type)
        async with self._session.post(
            self._endpoint, data=await request.read(), headers=request.headers
        ) as answer:
            headers = {k: v for k, v in answer.headers.items() if k.lower() not in ON_THE_WAY}
            return web.Response(status=answer.status, body=await answer.read(), headers=headers)


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read what comes and never answer."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(2**16):
            pass
    writer.close()
