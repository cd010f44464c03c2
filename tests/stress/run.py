"""Many threads log while blocks are entered, flushed and left: every record is counted, once.

    nox -s stress                                  # on every Python found
    python tests/stress/run.py --rounds 20         # on this one, which may be a free-threaded build

Each round checks the law of the statistics at its end, that each thread's records arrive in order, and that the
buffer is never exceeded by more than the records that are being put at the moment.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import signal
import sys
import sysconfig
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from aiowatchtower import CloudWatchLogging, CloudWatchLogHandler, Statistics
from aiowatchtower.testing import CloudWatchLogs

GROUP = "/stress"
THREADS = 8
_RECORD_BYTES = 100
# Records of each thread after the block was left.
_LATE = 1_000
_FORKS = 5
_FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def _threads(work) -> list[threading.Thread]:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    return threads


async def _joined(threads: list[threading.Thread]) -> None:
    for thread in threads:
        await asyncio.to_thread(thread.join)


def _law(seen: Statistics) -> None:
    fates = seen.delivered + sum(seen.rejected.values()) + sum(seen.dropped.values())
    assert seen.logged + seen.recovered == fates + seen.pending, seen
    assert seen.pending >= 0, seen
    assert seen.pending_bytes >= 0, seen


def _logger() -> logging.Logger:
    logger = logging.getLogger("stress")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return logger


def _block(
    cloudwatch: CloudWatchLogs, max_buffer_size: int = 2**30, shutdown_timeout: float = 120.0
) -> CloudWatchLogging:
    return CloudWatchLogging(
        GROUP,
        "all",
        loggers=("stress",),
        client=cloudwatch.client(),
        send_interval=0.05,
        max_buffer_size=max_buffer_size,
        shutdown_timeout=shutdown_timeout,
    )


async def ship(count: int) -> str:
    """Ship from all threads: all arrive, each thread's in order."""
    cloudwatch, logger = CloudWatchLogs(), _logger()

    def work(number: int) -> None:
        for sequence in range(count):
            logger.info("%d %d", number, sequence)

    async with _block(cloudwatch) as logs:
        await _joined(_threads(work))
        await logs.flush(120)
        _law(logs.statistics())
    seen = logs.statistics()
    assert seen.logged == seen.delivered == THREADS * count, seen
    found = defaultdict(list)
    for message in cloudwatch.messages(GROUP):
        number, sequence = message.split()
        found[number].append(int(sequence))
    assert all(sequences == list(range(count)) for sequences in found.values())
    return f"{seen.delivered} delivered"


async def overflow(count: int) -> str:
    """Fill a small buffer from all threads: it keeps its bound, and all are counted."""
    cloudwatch, logger = CloudWatchLogs(), _logger()
    cloudwatch.faults.throttle()
    bound = 500 * _RECORD_BYTES
    largest = 0

    def work(_: int) -> None:
        for _ in range(count):
            logger.info("x" * (_RECORD_BYTES - 26))

    async with _block(cloudwatch, bound, 0.0) as logs:
        threads = _threads(work)
        while any(thread.is_alive() for thread in threads):
            largest = max(largest, logs.statistics().pending_bytes)
            await asyncio.sleep(0)
        await _joined(threads)
        _law(logs.statistics())
    seen = logs.statistics()
    _law(seen)
    assert seen.logged == THREADS * count, seen
    # With the GIL, each thread may find the room that is there for one of them.
    most = bound if _FREE_THREADED else bound + THREADS * _RECORD_BYTES
    assert largest <= most, f"{largest} of {bound} bytes"
    return f"{largest / bound:.2f} of the buffer at most"


async def close(count: int) -> str:
    """Leave the block while all threads log: what comes too late is counted as such, and nothing is stranded."""
    cloudwatch, logger = CloudWatchLogs(), _logger()
    begun, left = threading.Barrier(THREADS + 1), threading.Event()

    def work(_: int) -> None:
        begun.wait()
        for sequence in range(count):
            logger.info(sequence)
            handler.handle(logging.makeLogRecord({"name": "late", "msg": "late", "levelno": 20}))
            if left.is_set():
                break
        for _ in range(_LATE):
            handler.handle(logging.makeLogRecord({"name": "late", "msg": "late", "levelno": 20}))

    block = _block(cloudwatch)
    async with block as logs:
        handler = logs.handler
        threads = _threads(work)
        await asyncio.to_thread(begun.wait)
        await asyncio.sleep(random.uniform(0, 0.2))
    left_with = logs.statistics()
    left.set()
    await _joined(threads)
    seen = logs.statistics()
    _law(seen)
    assert (seen.pending, left_with.pending) == (0, 0), seen
    assert seen.logged == seen.delivered + seen.dropped.get("after_exit", 0), seen
    assert seen.delivered == len(cloudwatch.messages(GROUP)), seen
    return f"{seen.delivered} delivered, {seen.dropped.get('after_exit', 0)} too late"


class _Standstill:
    """Lets threads stand still while their process forks.

    CPython 3.13 without the GIL needs that: a lock of a dictionary that another thread holds at the
    moment is never released in the child. Without this library, 3 children of 180 hung in
    `logging.LogRecord`, at `sys.modules.get`.
    """

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._is_wanted = False
        self._standing = 0

    def pass_by(self) -> None:
        """Wait here for as long as somebody wants a standstill."""
        if self._is_wanted:
            with self._news:
                self._standing += 1
                self._news.notify_all()
                self._news.wait_for(lambda: not self._is_wanted)
                self._standing -= 1

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold up all threads; let them go on afterwards."""
        with self._news:
            self._is_wanted = True
            self._news.wait_for(lambda: self._standing == THREADS)
            try:
                yield
            finally:
                self._is_wanted = False
                self._news.notify_all()


async def fork(count: int) -> str:
    """Fork while all threads log: the child starts with nothing, and ships all that it logs by itself."""
    cloudwatch, logger, done = CloudWatchLogs(), _logger(), threading.Event()
    standstill = _Standstill()

    def work(_: int) -> None:
        sequence = 0
        while sequence < count or not done.is_set():
            logger.info(sequence)
            sequence += 1
            if _FREE_THREADED:
                standstill.pass_by()

    def fork_once() -> int:
        with standstill.hold() if _FREE_THREADED else nullcontext():
            child = _fork_child(logs.handler)
        return os.waitpid(child, 0)[1]

    async with _block(cloudwatch) as logs:
        threads = _threads(work)
        try:
            codes = [await asyncio.to_thread(fork_once) for _ in range(_FORKS)]
        finally:
            done.set()
            await _joined(threads)
        await logs.flush(120)
    seen = logs.statistics()
    _law(seen)
    assert codes == [0] * _FORKS, codes
    assert seen.logged == seen.delivered == len(cloudwatch.messages(GROUP)), seen
    return f"{_FORKS} children shipped all of theirs, the parent {seen.delivered}"


def _fork_child(handler: CloudWatchLogHandler) -> int:
    child = os.fork()
    if child:
        return child
    try:
        # Ends a child that hangs, by a signal that its parent sees.
        signal.alarm(60)
        assert handler.statistics().logged == 0, handler
        logger = _logger()
        logger.info("kept")
        assert handler.statistics().pending == 1, handler
        logger.removeHandler(handler)
        asyncio.run(ship(100))
    except BaseException:  # noqa: BLE001 - the child must not go on as its parent
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


async def wake_up(count: int) -> str:
    """Log one record at a time from changing threads: no wake-up is lost."""
    cloudwatch, logger = CloudWatchLogs(), _logger()
    async with _block(cloudwatch) as logs:
        for sequence in range(count):
            await asyncio.to_thread(logger.info, str(sequence))
            if sequence % 20 == 0:
                await logs.flush(60)
        await logs.flush(60)
    assert cloudwatch.messages(GROUP) == [str(sequence) for sequence in range(count)]
    return f"{count} arrived"


def main() -> int:
    """Run every round; print what each kind has seen last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=10_000, help="records of each thread")
    arguments = parser.parse_args()
    logging.getLogger("aiowatchtower").addHandler(logging.NullHandler())
    logging.getLogger("aiowatchtower").propagate = False
    build = "free-threaded" if _FREE_THREADED else "with the GIL"
    print(f"Python {sys.version.split()[0]}, {build}")
    kinds = [(ship, 1), (overflow, 1), (close, 1), (wake_up, 100)]
    if hasattr(os, "fork"):
        kinds.append((fork, 10))
    failed = 0
    for kind, part in kinds:
        begun, said, bad = time.perf_counter(), "", 0
        for _ in range(arguments.rounds):
            try:
                said = asyncio.run(kind(max(1, arguments.count // part)))
            except AssertionError as error:
                bad += 1
                said = str(error)
        took = time.perf_counter() - begun
        failed += bad
        print(
            f"{kind.__name__:10} {arguments.rounds - bad} of {arguments.rounds} exact, {took:.1f} s: {said}",
            flush=True,
        )
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
