"""What every fault test needs: a logger of its own, a block that ships it, and what the library said."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator

import pytest

from aiowatchtower import CloudWatchLogging

GROUP, STREAM = "/app", "web"


class Said(logging.Handler):
    """Keeps what the library says about itself, and wakes those who wait for a part of it."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self._waiting: list[tuple[str, asyncio.Future[str]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        for part, answer in self._waiting:
            if part in record.getMessage():
                answer.get_loop().call_soon_threadsafe(_resolve, answer, record.getMessage())

    @property
    def warnings(self) -> list[str]:
        """The texts at WARNING and above."""
        return [r.getMessage() for r in self.records if r.levelno >= logging.WARNING]

    @property
    def notices(self) -> list[str]:
        """The texts below WARNING."""
        return [r.getMessage() for r in self.records if r.levelno < logging.WARNING]

    async def wait_for(self, part: str, seconds: float = 60.0) -> str:
        """Return the first text that has this part, said before or from now on."""
        for record in self.records:
            if part in record.getMessage():
                return record.getMessage()
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((part, answer))
        return await asyncio.wait_for(answer, seconds)


def _resolve(answer: asyncio.Future[str], text: str) -> None:
    if not answer.done():
        answer.set_result(text)


@pytest.fixture
def said() -> Iterator[Said]:
    """Return what the logger `aiowatchtower` says while the test runs."""
    logger, kept = logging.getLogger("aiowatchtower"), Said()
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(kept)
    yield kept
    logger.removeHandler(kept)
    logger.setLevel(level)


@pytest.fixture
def shop() -> logging.Logger:
    """Return the application's logger: one that is in no tree, so that nobody else formats its records."""
    return logging.Logger("shop", logging.DEBUG)


@pytest.fixture
def ship(server, shop) -> Callable[..., CloudWatchLogging]:
    """Return a function that makes a block, which ships the logger `shop` to the served CloudWatch Logs."""

    def make(stream: str = STREAM, **arguments) -> CloudWatchLogging:
        chosen = {"endpoint_url": server.url, "send_interval": 0.05, "loggers": (shop,)}
        return CloudWatchLogging(GROUP, stream, **{**chosen, **arguments})

    return make


@pytest.fixture
def ship_to_memory(cloudwatch, shop) -> Callable[..., CloudWatchLogging]:
    """Return a function that makes a block, which ships the logger `shop` to `cloudwatch`, without a socket."""

    def make(stream: str = STREAM, **arguments) -> CloudWatchLogging:
        chosen = {"client": cloudwatch.client(), "send_interval": 0.05, "loggers": (shop,)}
        return CloudWatchLogging(GROUP, stream, **{**chosen, **arguments})

    return make


@pytest.fixture
def puts(server) -> Callable[..., list]:
    """Return a function that lists the puts the server has accepted, or with `accepted=False` the others."""

    def listed(stream: str | None = None, *, accepted: bool = True) -> list:
        return [
            request
            for request in server.calls("PutLogEvents")
            if (request.status == 200 and not request.fault) == accepted
            and stream in {None, request.stream}
        ]

    return listed


@pytest.fixture
def balanced() -> Callable[[CloudWatchLogging], None]:
    """Return a function that checks the law: every record has one fate."""

    def check(logs: CloudWatchLogging) -> None:
        seen = logs.statistics()
        fates = seen.delivered + sum(seen.rejected.values()) + sum(seen.dropped.values())
        assert seen.logged + seen.recovered == fates + seen.pending

    return check


@pytest.fixture
def age(shop) -> Callable[..., None]:
    """Return a function that logs a record made so many seconds ago."""

    def log(now: float, seconds: float, message: str) -> None:
        record = shop.makeRecord(shop.name, logging.INFO, __file__, 0, message, (), None)
        record.created = now - seconds
        shop.handle(record)

    return log
