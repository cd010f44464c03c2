"""Credentials from a process, as sign-on tools have it: new ones each time, none, or no answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from aiobotocore.session import AioSession
from tests.virtual_time import until

GROUP = "/app"
PROGRAM = """
import json, os, pathlib, subprocess, sys, time
folder = pathlib.Path(sys.argv[1])
with open(folder / "calls", "a") as calls:
    calls.write("x")
how = (folder / "how").read_text()
if how == "hangs":
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (folder / "started").write_text(f"{os.getpid()} {helper.pid}")
    time.sleep(600)
if how == "fails":
    sys.exit("the session has expired")
print(json.dumps({
    "Version": 1, "AccessKeyId": "testing", "SecretAccessKey": "testing",
    "SessionToken": str(time.time_ns()), "Expiration": "2099-01-01T00:00:00Z",
}))
"""


class Source:
    """The process that credentials come from, and how often it was asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "calls").touch()
        (folder / "source.py").write_text(PROGRAM, encoding="utf-8")
        command = f"{json.dumps(sys.executable)} {folder / 'source.py'} {folder}"
        config = f"[default]\nregion = us-east-1\ncredential_process = {command}\n"
        (folder / "config").write_text(config, encoding="utf-8")
        self.becomes("answers")

    def becomes(self, how: str) -> None:
        """Say what it does from now on."""
        (self._folder / "how").write_text(how, encoding="utf-8")

    def started(self) -> list[int]:
        """Return the ids of the processes that hang, when there are some."""
        try:
            return [int(pid) for pid in (self._folder / "started").read_text().split()]
        except FileNotFoundError:
            return []

    @property
    def calls(self) -> int:
        """How often it was asked."""
        return len((self._folder / "calls").read_text(encoding="utf-8"))


@pytest.fixture
def source(monkeypatch, tmp_path) -> Source:
    """Return the only source of credentials there is."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    made = Source(tmp_path)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return made


@pytest.fixture
def expire(server) -> Callable[..., None]:
    """Return a function that lets the server find all credentials expired."""

    def begin(**match) -> None:
        server.faults.fail(400, "ExpiredTokenException", "The token is expired", **match)

    return begin


async def test_a_source_that_fails_costs_no_record(server, shop, ship, source, expire, balanced):
    """Expired credentials, and none to be had instead: the records wait, as with any other failure."""
    async with ship() as logs:
        shop.info("before")
        await logs.flush(60)
        source.becomes("fails")
        expire(times=2)
        shop.info("meanwhile")
        # The second that finds them expired: after the first, others were looked for.
        await asyncio.to_thread(server.wait_for_calls, 7, timeout=60)
        source.becomes("answers")
        shop.info("after")
        await logs.flush(60)
        balanced(logs)
    assert server.messages(GROUP) == ["before", "meanwhile", "after"]


async def test_a_source_with_new_credentials_each_time(server, shop, ship, source, expire):
    """However many streams fail, and how often: it is asked, and the client rebuilt, once."""
    names = [f"s{number}" for number in range(6)]
    async with ship("{thread_name}") as logs:
        for name in names:
            record = shop.makeRecord(shop.name, logging.INFO, __file__, 0, "hello", (), None)
            record.threadName = name
            shop.handle(record)
        await logs.flush(60)
        asked = source.calls
        expire(times=30)
        for name in names:
            record = shop.makeRecord(shop.name, logging.INFO, __file__, 0, "again", (), None)
            record.threadName = name
            shop.handle(record)
        await logs.flush(60)
    assert server.accepted == 12
    # A look whether there are others, and the new client's own.
    assert source.calls - asked == 2


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # What has ended and is not waited for yet by its new parent is no process any more.
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split()[2] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
async def test_a_source_that_hangs_is_ended(shop, ship, source):
    """The process, and what it has started, is gone when the block is left."""
    source.becomes("hangs")
    async with ship(shutdown_timeout=0.1) as logs:
        shop.info("hello")
        await until(source.started, 60)
    assert logs.statistics().dropped == {"shutdown": 1}
    assert source.calls == 1
    await until(lambda: not any(map(_is_running, source.started())), 60)


class Hanging(AioSession):  # type: ignore[misc]  # aiobotocore comes without types
    """A session whose source of credentials does not answer.

    Not that of a process: aiobotocore does not end one that nobody waits for any more.
    """

    @contextlib.asynccontextmanager
    async def create_client(self, *_, **__):
        await asyncio.Event().wait()
        yield


@pytest.mark.virtual_time
async def test_a_source_that_does_not_answer(server, shop, ship, said):
    """The warning names the credentials, and no request is taken for one that was made."""
    async with ship(session=Hanging(), shutdown_timeout=1) as logs:
        shop.info("hello")
        warning = await said.wait_for("credentials")
        assert "still being looked up after 9 s" in warning
    assert server.requests == []
    seen = logs.statistics()
    assert (seen.dropped, seen.possible_duplicates) == ({"shutdown": 1}, 0)
