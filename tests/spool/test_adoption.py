"""Who adopts whose records, and when nobody does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.spool.keepers import ROOT, about, event, events, keeper, numbers, own, recovered
from tests.spool.memory_files import Disk, MemoryFiles

from aiowatchtower._core.events import NUMBER, NUMBERS_PER_OWNER
from aiowatchtower._spool.adopter import LOOK_SECONDS
from aiowatchtower._spool.adoption import PROVEN_SECONDS, STRIKES
from aiowatchtower._spool.format import About, line


def _killed(disk: Disk | None = None, first: int = 1, last: int = 6, **whose: str) -> Disk:
    disk = disk or Disk()
    living = keeper(MemoryFiles(disk), whose=about(1, **whose))
    living.store(events(first, last), [], 0.0)
    return disk.after_kill()


def test_a_living_owner_is_left_alone():
    """Nobody takes the records of a process that lives."""
    disk = Disk()
    living = keeper(MemoryFiles(disk))
    living.store(events(1, 3), [], 0.0)
    other = keeper(MemoryFiles(disk))
    assert recovered(other) == []
    living.close()
    assert recovered(other, LOOK_SECONDS - 1) == []
    assert recovered(other, LOOK_SECONDS) == events(1, 3)


@pytest.mark.parametrize("whose", [{"group": "/app/other"}, {"region": "us-east-1"}])
def test_another_group_or_region_is_left_to_its_own_application(whose):
    """Records are adopted by those who log to the same group in the same region only."""
    disk = _killed(**whose)
    assert recovered(keeper(MemoryFiles(disk))) == []
    assert recovered(keeper(MemoryFiles(disk), whose=about(**whose))) == events(1, 6)


def test_a_later_versions_directory_is_left_alone():
    """What a newer version of this library has written is left to it."""
    disk = _killed()
    for name, inode in disk.files.items():
        if name.endswith("lock"):
            inode.data = line({"pid": 1, "host": "x", "started_ms": 1, "group": "/app/web",
                               "region": "eu-central-1", "version": 2})  # fmt: skip
    before = disk.tree()
    assert recovered(keeper(MemoryFiles(disk))) == []
    assert disk.tree() == before


def test_one_owner_is_adopted_at_a_time():
    """Several workers that start together share what many have left."""
    disk = Disk()
    for first in (1, 11, 21):
        disk = _killed(disk, first, first + 5)
    workers = [keeper(MemoryFiles(disk)) for _ in range(3)]
    taken = [worker.take(0.0).recovered for worker in workers]
    assert sorted(own(each)[NUMBER] for several in taken for each in several) == [
        *range(1, 7), *range(11, 17), *range(21, 27)
    ]  # fmt: skip
    assert all(worker.take(0.0).recovered == () for worker in workers)


def test_numbers_of_several_dead_owners_do_not_meet():
    """The number under which a record is taken tells whose it is."""
    disk = _killed(_killed())
    after = keeper(MemoryFiles(disk))
    after.store(events(1, 6), [], 0.0)
    first = after.take(0.0).recovered
    after.note("done", numbers(first), 0.0)
    second = after.take(0.0).recovered
    assert {each[NUMBER] // NUMBERS_PER_OWNER for each in first} == {1}
    assert {each[NUMBER] // NUMBERS_PER_OWNER for each in second} == {2}
    assert len(after.held(numbers(events(1, 6)))) == 6


def test_an_adopter_that_dies_is_adopted_from_where_it_was():
    """What the first adopter has delivered is not delivered again by the second."""
    disk = _killed()
    first = keeper(MemoryFiles(disk))
    taken = first.take(0.0).recovered
    first.note("sent", numbers(taken[:4]), 0.0)
    first.note("done", numbers(taken[:2]), 0.0)
    second = keeper(MemoryFiles(disk.after_kill()))
    found = second.take(0.0)
    assert [own(each) for each in found.recovered] == events(3, 6)
    assert found.in_doubt == 2


_MINUTE_MS = 60_000


def _about(minutes: int) -> About:
    return replace(about(), started_ms=about().started_ms + minutes * _MINUTE_MS)


@pytest.mark.parametrize(("minutes", "is_set_aside"), [(0, False), (4, False), (6, True)])
def test_records_that_were_handed_over_get_minutes(minutes, is_set_aside):
    """Adopters that are killed soon after they took records are not blamed on these at once."""
    disk = _killed()
    for _ in range(2 * STRIKES):
        adopter = keeper(MemoryFiles(disk))
        assert len(adopter.take(0.0).recovered) == 6
        adopter.take(0.0)
        disk = disk.after_kill()
    last = keeper(MemoryFiles(disk), whose=_about(minutes))
    assert recovered(last) == ([] if is_set_aside else events(1, 6))


def test_records_that_kill_their_adopters_are_set_aside():
    """After three adopters that died at once, the fourth sets them aside, and says so once."""
    disk = _killed()
    for _ in range(STRIKES):
        adopter = keeper(MemoryFiles(disk))
        assert len(adopter.take(0.0).recovered) == 6
        disk = disk.after_kill()
    last = keeper(MemoryFiles(disk))
    assert recovered(last) == []
    [notice] = last.notices
    assert "set aside" in notice.text
    assert "spool" in notice.text
    [name] = MemoryFiles(disk).names(ROOT)
    assert name.endswith(".bad")
    assert last.size_bytes > 0
    assert recovered(last, LOOK_SECONDS) == []
    assert len(last.notices) == 1


@pytest.mark.parametrize("sign", ["acknowledges", "lives on", "leaves"])
def test_an_adopter_that_makes_progress_clears_its_predecessors(sign):
    """Records are not set aside while adopters deliver, live on with them, or leave by themselves."""
    disk = _killed(last=6)
    for round_ in range(2 * STRIKES):
        adopter = keeper(MemoryFiles(disk))
        taken = adopter.take(0.0).recovered
        if round_ % STRIKES == STRIKES - 1:
            if sign == "acknowledges":
                adopter.note("done", numbers(taken[:1]), 0.0)
            elif sign == "lives on":
                assert adopter.tidy_at(0.0) == PROVEN_SECONDS
                adopter.tidy(PROVEN_SECONDS)
            else:
                adopter.close()
        disk = disk.after_kill()
    assert event(6) in recovered(keeper(MemoryFiles(disk)))


def test_set_aside_records_count_towards_the_limit():
    """The space that set-aside records hold is not available to new ones."""
    disk = _killed(last=200)
    for _ in range(STRIKES):
        keeper(MemoryFiles(disk)).take(0.0)
        disk = disk.after_kill()
    after = keeper(MemoryFiles(disk), max_bytes=7_500)
    after.take(0.0)
    after.store(events(1, 100), [], 0.0)
    assert len(after.held(numbers(events(1, 100)))) == 0
    assert [notice.kind for notice in after.notices][1:] == ["spool_full"]


def test_nothing_is_left_when_all_is_delivered():
    """Once everything is done with and the process leaves, the directory is empty."""
    disk = _killed(_killed())
    after = keeper(MemoryFiles(disk))
    after.store(events(1, 3), [], 0.0)
    recovered(after)
    after.note("done", numbers(events(1, 3)), 0.0)
    after.close()
    assert MemoryFiles(disk).names(ROOT) == []
