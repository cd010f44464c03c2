"""The life of one handler's delivery: every transition that there is, and no other."""

from __future__ import annotations

import itertools
import math

import pytest

from aiowatchtower._core.phase import TRANSITIONS, Change, Lifecycle, Phase

WAYS_TO = {
    Phase.KEEPING: (),
    Phase.OPEN: (Change.ENTER,),
    Phase.LEAVING: (Change.ENTER, Change.LEAVE),
    Phase.CLOSED: (Change.ENTER, Change.LEAVE, Change.END),
}
ALL = list(itertools.product(Phase, Change))


def _apply(lifecycle, change, deadline=10.0):
    arguments = {
        Change.LEAVE: (deadline, "after_exit"),
        Change.HURRY: (deadline,),
    }
    getattr(lifecycle, change.name.lower())(*arguments.get(change, ()))


def _in(phase):
    lifecycle = Lifecycle()
    for change in WAYS_TO[phase]:
        _apply(lifecycle, change)
    assert lifecycle.phase is phase
    return lifecycle


@pytest.mark.parametrize(("phase", "change"), [pair for pair in ALL if pair in TRANSITIONS])
def test_each_transition_of_the_table_is_made(phase, change):
    """A change that the table has leads to the phase that it names, and takes records or not with it."""
    lifecycle = _in(phase)
    _apply(lifecycle, change)
    assert lifecycle.phase is TRANSITIONS[phase, change]
    assert lifecycle.takes_records is (lifecycle.phase in {Phase.KEEPING, Phase.OPEN})
    assert math.isinf(lifecycle.deadline) is (lifecycle.phase is not Phase.LEAVING)


@pytest.mark.parametrize(("phase", "change"), [pair for pair in ALL if pair not in TRANSITIONS])
def test_every_other_transition_is_refused(phase, change):
    """A change that the table does not have raises, names both, and leaves everything as it was."""
    lifecycle = _in(phase)
    before = (lifecycle.state, lifecycle.takes_records, lifecycle.run)
    with pytest.raises(RuntimeError, match=f"{change.name} is impossible.*{phase.name}"):
        _apply(lifecycle, change)
    assert (lifecycle.state, lifecycle.takes_records, lifecycle.run) == before


def test_every_phase_is_reached_and_left():
    """From each phase there is a way to each other phase, so that no handler is stuck for ever."""
    reached = {phase: {phase} for phase in Phase}
    for _ in Phase:
        for (source, _change), target in TRANSITIONS.items():
            for found in reached.values():
                if source in found:
                    found.add(target)
    assert reached[Phase.KEEPING] == set(Phase)
    assert all({Phase.OPEN, Phase.LEAVING, Phase.CLOSED} <= found for found in reached.values())


def test_leaving_has_a_deadline_and_a_reason():
    """From leaving on, records are dropped for a reason, which stays until the next one."""
    lifecycle = _in(Phase.LEAVING)
    assert (lifecycle.deadline, lifecycle.reason) == (10.0, "after_exit")
    lifecycle.end()
    assert lifecycle.reason == "after_exit"


@pytest.mark.parametrize(("deadline", "kept"), [(3.0, 3.0), (99.0, 10.0)])
def test_hurrying_never_gives_more_time(deadline, kept):
    """A block that is being left can be hurried, and gets no later deadline by it."""
    lifecycle = _in(Phase.LEAVING)
    lifecycle.hurry(deadline)
    assert lifecycle.deadline == kept


def test_each_entry_is_a_run_of_its_own():
    """Entering again gives a new number, by which an old worker tells that its run is over."""
    lifecycle = _in(Phase.CLOSED)
    first = lifecycle.run
    lifecycle.enter()
    assert lifecycle.run == first + 1
