"""A handler that no block runs, and a block that is never entered, say so while there is time to act."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys

import pytest

from aiowatchtower import CloudWatchLogging, CloudWatchLogHandler


class Handler(CloudWatchLogHandler):
    """A handler whose clock goes when it is told to."""

    now = 1_000.0

    def _clock(self):
        return Handler.now


class ImpatientLoop(asyncio.SelectorEventLoop):
    """A loop whose time can be set forward."""

    ahead = 0.0

    def time(self):
        return super().time() + self.ahead


def _log(handler, count=1, size=1, level=logging.INFO):
    for _ in range(count):
        handler.handle(logging.makeLogRecord({"msg": "x" * size, "levelno": level}))


async def test_kept_for_a_minute(said):
    """The first record after a minute without a block says what waits and what to do, and no later one."""
    handler = Handler("/app")
    _log(handler)
    Handler.now += 59
    _log(handler)
    assert said == []
    Handler.now += 1
    _log(handler)
    Handler.now += 3600
    _log(handler, 5)
    (text,) = said
    assert text.startswith("3 records for /app are waiting, and no block has come")
    assert "async with CloudWatchLogging.configured():" in text


async def test_kept_until_a_block_comes(server, said):
    """A handler that a block has run is not watched any more."""
    handler = Handler("/app", endpoint_url=server.url)
    _log(handler)
    async with CloudWatchLogging.from_handler(handler):
        _log(handler)
        Handler.now += 120
        _log(handler)
    assert said == []
    assert len(server.messages("/app")) == 3


def test_kept_after_the_loop_was_closed(said):
    """When the loop was closed inside the block, records wait again, and are told of after a minute."""
    handler, loop = Handler("/app"), asyncio.new_event_loop()
    handler.inbox.enter(loop)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    _log(handler)
    Handler.now += 60
    _log(handler)
    (text,) = said
    assert text.startswith("2 records for /app are waiting")


def test_full_before_a_block_comes(said):
    """The first record that finds no room says so at once, and the later ones do not."""
    handler = Handler("/app", max_buffer_size=1_000)
    _log(handler, 5, size=300)
    (text,) = said
    assert text.startswith(
        "the buffer of the handler for /app is full and no block runs the handler"
    )
    Handler.now += 120
    _log(handler, 5, size=300)
    assert len(said) == 1


def test_the_process_ends(said):
    """What is said at exit counts the records that were dropped, too."""
    handler = Handler("/app", max_buffer_size=1_000)
    _log(handler, 10, size=300)
    kept = handler.statistics().pending
    del said[:]
    handler.at_exit()
    assert said[0].startswith(
        f"10 records for /app are lost ({10 - kept} of them were dropped before)"
    )
    assert 0 < kept < 10


def test_made_and_thrown_away(said):
    """A block that was only made, as if that did something, says what to write."""
    CloudWatchLogging("/app/web")
    (text,) = said
    assert text.startswith("CloudWatchLogging('/app/web') was made and never entered: nothing was")
    assert "async with CloudWatchLogging(...):" in text


async def test_made_and_entered(said, server):
    """A block that was entered is not told of when it goes."""
    async with CloudWatchLogging("/app/web", loggers=["other"], endpoint_url=server.url):
        pass
    assert said == []


@pytest.mark.parametrize("switched_by", ["argument", "variable"])
def test_made_and_switched_off(said, monkeypatch, switched_by):
    """A block that would deliver nothing anyway says nothing."""
    if switched_by == "variable":
        monkeypatch.setenv("AIOWATCHTOWER_ENABLED", "0")
    CloudWatchLogging("/app/web", enabled=switched_by == "variable")
    assert said == []


def test_made_where_a_loop_runs(said):
    """A block that is made while a loop runs, as a server imports an application, has a minute."""
    loop = ImpatientLoop()

    async def serve(block):
        made = CloudWatchLogging("/app") if block is None else block
        await asyncio.sleep(0)
        assert said == []
        loop.ahead += 61
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return made

    made = loop.run_until_complete(serve(None))
    (text,) = said
    assert text.startswith("CloudWatchLogging('/app') has not been entered for a minute")
    del made
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert len(said) == 1


SCRIPT = """
import logging, os, sys
from aiowatchtower import CloudWatchLogging

logs = CloudWatchLogging("/app/web")
logging.warning("hello")
if sys.argv[1] == "forks":
    child = os.fork()
    if child == 0:
        sys.exit()
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(("kind", "times"), [("plain", 1), ("forks", 0)])
def test_left_over_at_exit(kind, times):
    """A script says it when it ends; a server that has forked workers since cannot know, nor can they."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT, kind]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.count("was made and never entered") == times
