"""The thread that writes, and what happens when it hangs."""

from __future__ import annotations

import itertools
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from tests.spool.keepers import about, event, events, keeper, recovered

from aiowatchtower._spool.files import DiskFiles
from aiowatchtower._spool.writer import BEHIND_SECONDS, Writer


class HangingFiles(DiskFiles):
    """A disk whose appends hang while ``may_append`` is not set."""

    def __init__(self) -> None:
        super().__init__()
        self.may_append = threading.Event()
        self.may_append.set()
        self.is_hanging = threading.Event()

    def append(self, fd: int, data: bytes) -> None:
        if not self.may_append.is_set():
            self.is_hanging.set()
            self.may_append.wait()
        super().append(fd, data)


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path / "spool")


def _writer(root: str, files: DiskFiles, clock=time.monotonic) -> Writer:
    writer = Writer(root, lambda: keeper(files, root), files, clock)
    writer.start()
    assert writer.opened.result() is None
    return writer


def _written(writer: Writer) -> None:
    """Wait until the thread has looked around."""
    writer.ask(lambda _keeper, _now: None).result()


def test_what_is_put_is_written_and_what_is_done_is_removed(root):
    """Records given to the thread are in a file soon, and gone when they are done with."""
    writer = _writer(root, DiskFiles())
    for each in events(1, 500):
        writer.tee(each)
    writer.wake()
    _written(writer)
    [log] = Path(root).glob("*/*.log")
    assert log.read_bytes().count(b"hello") == 500
    writer.note("sent", events(1, 500))
    writer.note("done", events(1, 500))
    writer.close().result()
    writer.join(60)
    assert list(Path(root).iterdir()) == []


def test_what_is_put_while_the_thread_sleeps_wakes_it(root):
    """One record alone is written without any other to push it."""
    writer = _writer(root, DiskFiles())
    while writer.is_awake:
        time.sleep(0)
    writer.tee(event(1))
    if not writer.is_awake:
        writer.wake()
    while writer.size_bytes == 0:
        time.sleep(0)
    writer.close().result()
    assert recovered(keeper(DiskFiles(), root)) == events(1, 1)


def test_records_put_by_many_threads_are_written_once_each(root):
    """Threads that log at the same time lose nothing to each other."""
    writer = _writer(root, DiskFiles())

    def put() -> None:
        for _ in range(2000):
            writer.tee(event(writer.next_number()))
            if not writer.is_awake:
                writer.wake()

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close().result()
    found = recovered(keeper(DiskFiles(), root))
    assert sorted(each[-1] for each in found) == list(range(1, 8001))


def test_a_thread_that_hangs_is_said_to_be_behind_and_costs_no_memory(root):
    """While a file call hangs, nothing piles up; afterwards records are written again."""
    ticks = itertools.count()
    files = HangingFiles()
    now = [0.0]
    writer = _writer(root, files, lambda: now[0])
    for each in events(1, 10):
        writer.tee(each)
    writer.wake()
    _written(writer)
    files.may_append.clear()
    # One alone: the thread looks by itself as well, and of several it may take some and hang with them.
    writer.tee(*events(11, 11))
    writer.wake()
    files.is_hanging.wait()
    for each in events(21, 30):
        writer.tee(each)
    writer.note("done", events(1, 5))
    writer.look_after(BEHIND_SECONDS - 1)
    assert writer.notices() == []
    writer.look_after(BEHIND_SECONDS + 1)
    [notice] = writer.notices()
    assert "the spool" in notice.text
    assert "is behind" in notice.text
    writer.note("done", events(6, 8))
    writer.look_after(BEHIND_SECONDS + 2)
    assert writer.notices() == []
    assert not writer._tee
    assert not writer._notes
    files.may_append.set()
    _written(writer)
    while writer._busy_since is not None:
        next(ticks)
    writer.look_after(BEHIND_SECONDS + 3)
    assert writer.notices()[-1].is_over
    for each in events(31, 35):
        writer.tee(each)
    writer.close().result()
    found = recovered(keeper(DiskFiles(), root))
    assert found == [*events(9, 11), *events(31, 35)]


class RefillingFiles(DiskFiles):
    """A disk during whose appends the application logs the next record."""

    def __init__(self) -> None:
        super().__init__()
        self.refill = lambda: None

    def append(self, fd: int, data: bytes) -> None:
        super().append(fd, data)
        if b"hello" in data:
            self.refill()


def test_records_without_end_do_not_keep_the_thread_from_its_other_work(root):
    """While records come as fast as they are written, questions are answered, and nothing hangs."""
    files = RefillingFiles()
    now = [0.0]
    writer = _writer(root, files, lambda: now[0])
    numbers = itertools.count(2)

    def refill() -> None:
        now[0] += BEHIND_SECONDS / 2
        writer.look_after(now[0])
        writer.tee(event(next(numbers)))

    files.refill = refill
    writer.tee(event(1))
    writer.wake()
    for _ in range(5):
        _written(writer)
    files.refill = lambda: None
    assert writer.notices() == []
    writer.close().result()
    assert len(recovered(keeper(DiskFiles(), root))) == next(numbers) - 1


def test_only_its_own_thread_touches_files(root):
    """Whatever others ask of it, no file call is made in their threads: the event loop is one of them."""
    threads: set[int] = set()

    class WatchedFiles(DiskFiles):
        def __getattribute__(self, name: str) -> object:
            if not name.startswith("_"):
                threads.add(threading.get_ident())
            return super().__getattribute__(name)

    writer = _writer(root, WatchedFiles())
    for each in events(1, 50):
        writer.tee(each)
        if not writer.is_awake:
            writer.wake()
    assert writer.put_cold(event(51)) in {True, False}
    writer.note("sent", events(1, 20))
    writer.note("done", events(1, 20))
    writer.look_after(time.monotonic())
    assert writer.notices() == []
    assert writer.has_cold in {True, False}
    writer.ask(lambda keeper, now: keeper.take(now)).result()
    assert writer.path.startswith(root)
    assert writer.size_bytes > 0
    writer.close().result()
    assert threads == {writer._thread.ident}


def test_records_for_the_disk_alone_are_bounded_while_they_wait(root):
    """When the disk does not keep up, the caller is told to drop instead of piling up in memory."""
    files = HangingFiles()
    writer = _writer(root, files)
    writer.tee(event(1))
    writer.wake()
    _written(writer)
    files.may_append.clear()
    writer.tee(event(2))
    writer.wake()
    files.is_hanging.wait()
    big = event(3, "x" * 1_000_000)
    taken = sum(writer.put_cold((*big[:4], number)) for number in range(3, 30))
    assert 7 <= taken <= 8
    files.may_append.set()
    _written(writer)
    cold = writer.ask(lambda keeper, now: keeper.take(now).cold).result()
    assert cold[0][-1] == 3
    writer.close().result()


def test_waking_may_interrupt_itself(root):
    """Nothing in it blocks or raises when a signal handler wakes the thread in the middle of waking it."""
    writer = Writer(root, lambda: keeper(DiskFiles(), root), DiskFiles(), time.monotonic)
    for _ in range(3):
        writer.wake()
    writer.start()
    assert writer.opened.result() is None
    writer.close().result()


def test_a_bug_in_the_thread_does_not_end_it(root):
    """An exception that nobody expected is said, goes to whoever asked, and the thread goes on."""
    writer = _writer(root, DiskFiles())

    def fail(_keeper: object, _now: float) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        writer.ask(fail).result()
    writer.tee(("s", 1, "m", "no number", 7))  # type: ignore[arg-type]
    writer.wake()
    while not (notices := writer.notices()):
        time.sleep(0)
    assert "a bug in the spool" in notices[0].text
    writer.tee(event(1))
    _written(writer)
    writer.close().result()
    assert recovered(keeper(DiskFiles(), root)) == events(1, 1)


_FORKED = """
    import os, signal, sys
    from tests.spool.keepers import events, keeper
    from aiowatchtower._spool.files import DiskFiles
    from aiowatchtower._spool.writer import Writer
    import time

    files = DiskFiles()
    writer = Writer(sys.argv[1], lambda: keeper(files, sys.argv[1]), files, time.monotonic)
    writer.start()
    for each in events(1, 5):
        writer.tee(each)
    writer.ask(lambda keeper, now: None).result()
    os.register_at_fork(after_in_child=writer.forget)
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        signal.pause()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_forked_child_that_lives_on_does_not_hold_up_adoption(root):
    """The parent's records are adopted after its death, although its child still runs."""
    import os
    import signal

    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_FORKED), root],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        assert parent.wait(30) == -signal.SIGKILL
        os.kill(child, 0)
        assert recovered(keeper(DiskFiles(), root)) == events(1, 5)
    finally:
        os.kill(child, signal.SIGKILL)
        parent.stdout.close()


def test_what_a_kill_leaves_is_found(root):
    """The records of a process that was killed are found by the next, with who it was."""
    living = keeper(DiskFiles(), root, whose=about(pid=77))
    living.store(events(1, 3), [], 0.0)
    living._files.forget()
    assert recovered(keeper(DiskFiles(), root)) == events(1, 3)
