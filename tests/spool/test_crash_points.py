"""A kill at every moment of a run: after each file call, and at each byte of each append."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from tests.spool.keepers import event, events, keeper, numbers, own, recovered
from tests.spool.memory_files import Disk, MemoryFiles

from aiowatchtower._core.events import LogEvent
from aiowatchtower._spool.keeper import Keeper
from aiowatchtower._spool.owner import SEGMENT_SECONDS


@dataclass
class Known:
    """What the application knew at one moment."""

    handed_over: set[LogEvent] = field(default_factory=set)
    stored: set[LogEvent] = field(default_factory=set)
    sent: set[LogEvent] = field(default_factory=set)
    maybe_done: set[LogEvent] = field(default_factory=set)
    done: set[LogEvent] = field(default_factory=set)

    def copy(self) -> Known:
        return Known(*(set(each) for each in vars(self).values()))


class Run:
    """Runs an application on a disk in memory, and keeps what each kill would have left."""

    def __init__(self, disk: Disk, known: Known) -> None:
        self.known = known
        self.points: list[tuple[Disk, Known]] = []
        self._disk = disk
        self.files = MemoryFiles(disk, self._before)
        self.keeper = keeper(self.files, max_bytes=100_000)

    def _before(self, name: str, data: bytes) -> None:
        disk = self._disk.after_kill()
        self.points.append((disk, self.known.copy()))
        for cut in range(1, len(data)):
            torn = disk.after_kill()
            torn.files[name].data += data[:cut]
            self.points.append((torn, self.known.copy()))

    def store(self, several: Sequence[LogEvent], now: float, *, cold: bool = False) -> None:
        self.known.handed_over |= set(several)
        self.keeper.store([] if cold else several, several if cold else [], now)
        self.known.stored |= {each for each in several if self.keeper.held(numbers([each]))}

    def sent(self, several: Sequence[LogEvent], now: float) -> None:
        self.keeper.note("sent", numbers(several), now)
        self.known.sent |= {own(each) for each in several}

    def done(self, several: Sequence[LogEvent], now: float) -> None:
        self.known.maybe_done |= {own(each) for each in several}
        self.keeper.note("done", numbers(several), now)
        self.known.done |= {own(each) for each in several}

    def finish(self) -> None:
        """Leave without a further word, as a kill does."""
        self.points.append((self._disk.after_kill(), self.known.copy()))


def _put_acknowledge_rotate(run: Run) -> None:
    run.keeper.open(0.0)
    run.store(events(1, 4), 0.0)
    run.sent(events(1, 3), 1.0)
    run.done(events(1, 2), 2.0)
    run.store([event(5, "h\u00e9llo\n"), event(7, "\u2028"), event(6)], 3.0)
    run.done([event(3)], 3.0)
    run.keeper.tidy(SEGMENT_SECONDS)
    run.store(events(8, 9), SEGMENT_SECONDS + 1)
    run.sent([event(4), *events(7, 8)], SEGMENT_SECONDS + 2)
    run.done([event(4), event(8), event(6)], SEGMENT_SECONDS + 3)
    run.done([event(5, "h\u00e9llo\n"), event(7, "\u2028")], SEGMENT_SECONDS + 4)
    run.keeper.tidy(3 * SEGMENT_SECONDS)
    run.store(events(10, 11), 3 * SEGMENT_SECONDS)


def _overflow(run: Run) -> None:
    run.keeper.open(0.0)
    run.store(events(1, 2), 0.0)
    run.store(events(3, 6), 0.0, cold=True)
    run.keeper.tidy(SEGMENT_SECONDS)
    run.store(events(7, 8), SEGMENT_SECONDS, cold=True)
    run.done(events(1, 2), SEGMENT_SECONDS)
    while taken := list(run.keeper.take(SEGMENT_SECONDS).cold):
        run.sent(taken, SEGMENT_SECONDS)
        run.done(taken[::2], SEGMENT_SECONDS)


def _adopt(run: Run) -> None:
    run.keeper.open(100.0)
    while taken := list(run.keeper.take(100.0).recovered):
        run.sent(taken, 100.0)
        run.done(taken[:1], 100.0)
        run.done(taken[1:], 100.0)
    run.store(events(21, 22), 100.0)


def _leave(run: Run) -> None:
    run.keeper.open(0.0)
    run.store(events(1, 2), 0.0)
    run.done([event(1)], 0.0)
    run.keeper.close()


def _recover(disk: Disk, known: Known) -> None:
    """Check what the next process finds on the disk after the kill."""
    files = MemoryFiles(disk)
    after: Keeper = keeper(files)
    in_doubt = 0
    found: list[LogEvent] = []
    while True:
        taken = after.take(1000.0)
        if not taken.recovered:
            break
        in_doubt += taken.in_doubt
        found += map(own, taken.recovered)
        after.note("done", numbers(taken.recovered), 1000.0)
    times = Counter(found)
    assert max(times.values(), default=1) == 1, "twice"
    assert set(found) <= known.handed_over, "invented"
    assert known.stored - known.maybe_done <= set(found), "lost"
    assert not set(found) & known.done, "done with, and here again"
    assert in_doubt >= len(set(found) & (known.sent - known.done)), "doubt is forgotten"
    assert disk.tree() in (["/", "/spool"], ["/"]), "something is left over"


@pytest.mark.parametrize(
    ("run", "at_least"),
    [(_put_acknowledge_rotate, 800), (_overflow, 550), (_leave, 270)],
    ids=["put, acknowledge, rotate", "overflow", "leave"],
)
def test_a_kill_at_any_moment_loses_and_invents_nothing(run, at_least):
    """Whatever was confirmed to be written is found once, and nothing else is."""
    living = Run(Disk(), Known())
    run(living)
    living.finish()
    assert len(living.points) >= at_least
    for disk, known in living.points:
        _recover(disk, known)


def test_a_kill_of_the_adopter_loses_and_invents_nothing():
    """A second kill, while the first one's records are delivered, is as harmless as the first."""
    first = Run(Disk(), Known())
    _put_acknowledge_rotate(first)
    first.finish()
    count = 0
    for disk, known in first.points[:: len(first.points) // 12] + first.points[-1:]:
        second = Run(disk.after_kill(), known.copy())
        _adopt(second)
        second.finish()
        count += len(second.points)
        for point, so_far in second.points:
            _recover(point, so_far)
    assert count >= 4000


def test_what_is_left_to_the_next_process_is_all_that_is_left():
    """A process that leaves by itself keeps nothing that is done with, and loses nothing that is not."""
    living = Run(Disk(), Known())
    _leave(living)
    assert recovered(keeper(living.files)) == [event(2)]
