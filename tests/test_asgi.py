"""The ASGI wrapper, driven message by message as a server drives it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from aiowatchtower import CloudWatchLogging, SetupError
from aiowatchtower.asgi import wrap

shop = logging.getLogger("shop")


@pytest.fixture(autouse=True)
def _shop():
    shop.setLevel(logging.INFO)
    yield
    shop.setLevel(logging.NOTSET)


@pytest.fixture
def logs(server):
    """Return a block for the logger `shop`."""
    return CloudWatchLogging("/app", "web", loggers=["shop"], endpoint_url=server.url)


class Lifespan:
    """A server's side of the lifespan, which notes what has arrived when each message passes."""

    def __init__(self, app, server):
        self._to_app: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        self._server = server
        self.arrived: dict[object, list[str]] = {}
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self.task = asyncio.create_task(app(scope, self._to_app.get, self._send))

    async def _send(self, message):
        found = self._server.messages("/app") if "/app" in self._server.groups else []
        self.arrived[message["type"]] = found
        self._from_app.put_nowait(message)

    async def startup(self):
        self._to_app.put_nowait({"type": "lifespan.startup"})
        return await self._from_app.get()

    async def shutdown(self):
        self._to_app.put_nowait({"type": "lifespan.shutdown"})
        return await self._from_app.get()


async def _ask(app, path="/"):
    """Make a request and return its answer's body."""
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b""}

    await app({"type": "http", "path": path}, receive, send)
    return b"".join(message.get("body", b"") for message in sent)


async def _answer(scope, send):
    shop.info("request %s", scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def with_lifespan(scope, receive, send):
    """An application with a lifespan of its own."""
    if scope["type"] != "lifespan":
        await _answer(scope, send)
        return
    assert (await receive())["type"] == "lifespan.startup"
    shop.info("starts")
    await send({"type": "lifespan.startup.complete"})
    assert (await receive())["type"] == "lifespan.shutdown"
    shop.info("ends")
    await send({"type": "lifespan.shutdown.complete"})


async def raises(scope, receive, send):
    """An application that takes requests only, as Django's does."""
    if scope["type"] != "http":
        raise ValueError("Django can only handle ASGI/HTTP connections, not lifespan.")
    await _answer(scope, send)


async def returns(scope, receive, send):
    """An application that does nothing for a lifespan."""
    if scope["type"] == "http":
        await _answer(scope, send)


async def test_application_with_a_lifespan(server, logs):
    """Everything, from the application's start to its end, has arrived when the server learns of the end."""
    app = wrap(with_lifespan, logs)
    lifespan = Lifespan(app, server)
    assert (await lifespan.startup())["type"] == "lifespan.startup.complete"
    assert await _ask(app, "/tea") == b"ok"
    assert (await lifespan.shutdown())["type"] == "lifespan.shutdown.complete"
    await lifespan.task
    assert lifespan.arrived["lifespan.shutdown.complete"] == ["starts", "request /tea", "ends"]
    assert logs.handler not in shop.handlers


@pytest.mark.parametrize("inner", [raises, returns])
async def test_application_without_a_lifespan(server, logs, inner):
    """The lifespan is answered in its place; the rest is the same."""
    app = wrap(inner, logs)
    lifespan = Lifespan(app, server)
    assert (await lifespan.startup())["type"] == "lifespan.startup.complete"
    assert await _ask(app) == b"ok"
    assert (await lifespan.shutdown())["type"] == "lifespan.shutdown.complete"
    await lifespan.task
    assert lifespan.arrived["lifespan.shutdown.complete"] == ["request /"]


@pytest.mark.parametrize("when", ["startup", "shutdown"])
async def test_application_that_fails(server, logs, when):
    """A failure that the application reports is passed on, once its records have arrived."""

    async def failing(scope, receive, send):
        await receive()
        if when == "shutdown":
            await send({"type": "lifespan.startup.complete"})
            await receive()
        shop.error("wrong")
        await send({"type": f"lifespan.{when}.failed", "message": "wrong"})
        raise RuntimeError("wrong")

    lifespan = Lifespan(wrap(failing, logs), server)
    answer = await lifespan.startup()
    if when == "shutdown":
        answer = await lifespan.shutdown()
    assert answer["type"] == f"lifespan.{when}.failed"
    assert lifespan.arrived[f"lifespan.{when}.failed"] == ["wrong"]
    with pytest.raises(RuntimeError, match="wrong"):
        await lifespan.task


async def test_application_that_crashes_while_it_shuts_down(server, logs):
    """An exception instead of an answer goes on to the server, and the records arrive."""

    async def crashing(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        shop.error("wrong")
        raise RuntimeError("wrong")

    lifespan = Lifespan(wrap(crashing, logs), server)
    await lifespan.startup()
    lifespan._to_app.put_nowait({"type": "lifespan.shutdown"})
    with pytest.raises(RuntimeError, match="wrong"):
        await lifespan.task
    assert server.messages("/app") == ["wrong"]


async def test_server_that_cancels_the_lifespan(server, logs):
    """A lifespan that the server cancels delivers what there is."""
    app = wrap(with_lifespan, logs)
    lifespan = Lifespan(app, server)
    await lifespan.startup()
    lifespan.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lifespan.task
    assert server.messages("/app") == ["starts"]


async def test_strict_block_that_cannot_deliver(server):
    """With `strict=True` the server learns that the application has not started, and why."""
    server.faults.deny()
    logs = CloudWatchLogging("/app", "web", loggers=["shop"], endpoint_url=server.url, strict=True)
    lifespan = Lifespan(wrap(with_lifespan, logs), server)
    answer = await lifespan.startup()
    assert answer["type"] == "lifespan.startup.failed"
    assert "AccessDenied" in str(answer["message"])
    with pytest.raises(SetupError):
        await lifespan.task


async def test_server_without_a_lifespan(server, logs):
    """The block is entered at the first request, once for all that come together, and may be left by hand."""
    app = wrap(raises, logs)
    answers = await asyncio.gather(*(_ask(app, f"/{number}") for number in range(20)))
    assert answers == [b"ok"] * 20
    await logs.aclose()
    assert sorted(server.messages("/app")) == sorted(f"request /{number}" for number in range(20))


async def test_first_request_that_cannot_enter(server):
    """Where entering fails the request fails, and the next one tries again."""
    server.faults.deny(times=1)
    logs = CloudWatchLogging("/app", "web", loggers=["shop"], endpoint_url=server.url, strict=True)
    app = wrap(raises, logs)
    with pytest.raises(SetupError):
        await _ask(app)
    assert await _ask(app) == b"ok"
    await logs.aclose()
    assert server.messages("/app")[-1:] == ["request /"]


async def test_lifespan_after_lifespan(server, logs):
    """An application that is started again, as test clients do, ships again."""
    app = wrap(with_lifespan, logs)
    for _ in range(2):
        lifespan = Lifespan(app, server)
        await lifespan.startup()
        await lifespan.shutdown()
        await lifespan.task
    assert server.messages("/app") == ["starts", "ends"] * 2


async def test_requests_while_a_server_without_a_lifespan_shuts_down(server, logs):
    """Requests under way are answered and logged before the block is left; new ones are refused."""
    is_asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(scope, receive, send):
        is_asked.set()
        await may_answer.wait()
        await _answer(scope, send)

    app = wrap(slow, logs)
    first = asyncio.create_task(_ask(app, "/first"))
    await is_asked.wait()
    leaving = asyncio.create_task(app._leave())
    await asyncio.sleep(0)
    assert await _ask(app, "/second") == b""
    closed = []

    async def send(message):
        closed.append(message["type"])

    await app({"type": "websocket", "path": "/"}, asyncio.Queue().get, send)
    may_answer.set()
    assert await first == b"ok"
    await leaving
    assert closed == ["websocket.close"]
    assert server.messages("/app") == ["request /first"]
