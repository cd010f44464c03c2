"""`on_drop`: told of every loss, in a thread that can hurt nobody."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading

import anyio
import pytest

from aiowatchtower import Lost
from aiowatchtower._diagnostics.self_feeding import is_shipping
from aiowatchtower._shipping.on_drop import DropNotifier

NAME = "aiowatchtower-on-drop"


def _lost(number=1):
    return Lost("buffer_full", "web", number, 30, 0, 0)


def _threads():
    return [thread for thread in threading.enumerate() if thread.name == NAME]


async def test_every_loss_is_told_in_order():
    """Each loss is told once, in the order in which they came, before closing ends."""
    told: list[int] = []
    notices = DropNotifier(lambda lost: told.append(lost.count))
    for number in range(1, 101):
        notices.tell(_lost(number))
    await notices.aclose(10)
    assert told == list(range(1, 101))


async def test_it_is_told_in_a_thread_of_its_own():
    """The application's function runs off the loop, as shipping, in one thread that then ends."""
    seen = []
    notices = DropNotifier(lambda lost: seen.append((threading.current_thread(), is_shipping())))
    notices.tell(_lost())
    notices.tell(_lost())
    await notices.aclose(10)
    ((thread, is_marked), second) = seen
    assert (thread, is_marked) == second
    assert (thread.name, thread.daemon, is_marked) == (NAME, True, True)
    await asyncio.to_thread(thread.join, 10)
    assert not thread.is_alive()


@pytest.mark.parametrize("on_drop", [None, print])
async def test_without_a_loss_there_is_no_thread(on_drop):
    """As long as nothing is lost, or nobody wants to know, no thread is started."""
    notices = DropNotifier(on_drop)
    if on_drop is None:
        notices.tell(_lost())
    assert _threads() == []
    await notices.aclose(10)


@pytest.fixture
def no_threads():
    """Ask for stacks that no machine has, so that no thread can be started; return what ends that."""
    before = threading.stack_size(2**47)
    yield lambda: threading.stack_size(before)
    threading.stack_size(before)


@pytest.mark.parametrize("then", ["another loss", "the end"])
async def test_without_a_thread_a_loss_is_told_later(no_threads, then):
    """A loss for which no thread can be started raises nothing, and is told when there are threads again."""
    told: list[int] = []
    notifier = DropNotifier(lambda lost: told.append(lost.count))
    notifier.tell(_lost(1))
    assert _threads() == []
    no_threads()
    if then == "another loss":
        notifier.tell(_lost(2))
    await notifier.aclose(10)
    assert told == ([1, 2] if then == "another loss" else [1])


async def test_a_function_that_raises_is_told_again(caplog):
    """What the application's function raises is said, and the next loss is told all the same."""
    told = []

    def on_drop(lost):
        told.append(lost.count)
        if lost.count == 1:
            raise ValueError("no pager")

    notices = DropNotifier(on_drop)
    notices.tell(_lost(1))
    notices.tell(_lost(2))
    await notices.aclose(10)
    assert told == [1, 2]
    (record,) = [record for record in caplog.records if record.name == "aiowatchtower"]
    assert record.getMessage() == "on_drop raised: ValueError('no pager')"
    assert record.levelno == logging.WARNING
    assert record.exc_info is not None


async def test_a_function_that_never_returns_is_left_to_itself():
    """Closing waits for its time, and the thread does not keep the process."""
    release = threading.Event()
    notices = DropNotifier(lambda lost: release.wait(30))
    notices.tell(_lost())
    with anyio.fail_after(60):
        await notices.aclose(0.01)
    (thread,) = _threads()
    assert thread.is_alive()
    assert thread.daemon
    release.set()
    await asyncio.to_thread(thread.join, 10)


def test_a_loop_that_is_gone_is_no_error():
    """A call that outlives the loop ends without a word."""
    release = threading.Event()

    async def lose():
        notices = DropNotifier(lambda lost: release.wait(30))
        notices.tell(_lost())
        await notices.aclose(0)

    asyncio.run(lose())
    (thread,) = _threads()
    release.set()
    thread.join(60)
    assert not thread.is_alive()


async def test_a_function_that_exits_is_told_again(caplog):
    """SystemExit in the application's function ends nothing, and is said like any exception."""
    told = []

    def on_drop(lost):
        told.append(lost.count)
        sys.exit("fatal")

    notices = DropNotifier(on_drop)
    notices.tell(_lost(1))
    notices.tell(_lost(2))
    await notices.aclose(10)
    assert told == [1, 2]
    said = [r.getMessage() for r in caplog.records if r.name == "aiowatchtower"]
    assert said == ["on_drop raised: SystemExit('fatal')"] * 2


async def test_a_busy_function_does_not_keep_all_texts():
    """While a call lasts, a megabyte of texts and a thousand losses wait; later ones are added up."""
    told: list[Lost] = []
    entered, release = threading.Event(), threading.Event()

    def on_drop(lost):
        told.append(lost)
        entered.set()
        release.wait(60)

    def lost(text: str, at: int) -> Lost:
        return Lost.of("shutdown", [("web", at, text, len(text) + 26, 0)])

    notices = DropNotifier(on_drop)
    notices.tell(lost("x" * 3_000_000, 0))
    assert await asyncio.to_thread(entered.wait, 60)
    for number in range(1, 3_001):
        notices.tell(lost("y" * 10_000, number))
    release.set()
    await notices.aclose(60)
    assert sum(each.count for each in told) == 3_001
    assert sum(each.size_bytes for each in told) == 3_000_026 + 3_000 * 10_026
    texts = [text for each in told[1:] for text in each.messages]
    assert sum(map(len, texts)) <= 2**20
    assert len(told) == 1_001
    assert (told[-1].count, told[-1].first_timestamp_ms, told[-1].last_timestamp_ms) == (
        2_001, 1_000, 3_000,
    )  # fmt: skip
