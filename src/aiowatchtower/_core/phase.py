"""The life of one handler's delivery, as a table of transitions. Pure.

::

                 enter             leave              end
    KEEPING ------------> OPEN ------------> LEAVING -------> CLOSED
       ^                   |  ^                |  ^             |
       +-------------------+  |         hurry  +--+             |
        lose_loop, fork       +---------------------------------+
                                           enter

A forked child has a copy of everything, and no worker: an open handler keeps records there, and one
whose block is being left is closed there.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Final, NamedTuple

from .choices import DropReason


class Phase(Enum):
    """What becomes of a record that is logged now."""

    KEEPING = "it is kept until a block is entered"
    OPEN = "a worker delivers it"
    LEAVING = "it is dropped; a worker delivers the earlier ones until the deadline"
    CLOSED = "it is dropped"


class Change(Enum):
    """What happens to the handler."""

    ENTER = "a block is entered"
    LEAVE = "the block is being left"
    HURRY = "the block is to be left sooner than was planned"
    END = "every record has its fate, and the worker has ended"
    LOSE_LOOP = "the event loop was closed inside the block"
    FORK = "this process is a forked child"


TRANSITIONS: Final = {
    (Phase.KEEPING, Change.ENTER): Phase.OPEN,
    (Phase.KEEPING, Change.FORK): Phase.KEEPING,
    (Phase.OPEN, Change.LEAVE): Phase.LEAVING,
    (Phase.OPEN, Change.LOSE_LOOP): Phase.KEEPING,
    (Phase.OPEN, Change.FORK): Phase.KEEPING,
    (Phase.LEAVING, Change.HURRY): Phase.LEAVING,
    (Phase.LEAVING, Change.END): Phase.CLOSED,
    (Phase.LEAVING, Change.FORK): Phase.CLOSED,
    (Phase.CLOSED, Change.ENTER): Phase.OPEN,
    (Phase.CLOSED, Change.FORK): Phase.CLOSED,
}
_TAKES_RECORDS: Final = frozenset({Phase.KEEPING, Phase.OPEN})


class State(NamedTuple):
    """One moment of a lifecycle.

    Attributes:
        phase: Where it stands.
        deadline: When a block that is being left must have been left, in seconds of the clock that the
            worker uses; infinite in every other phase.
        reason: Why records are dropped while they are; afterwards, why they last were.
    """

    phase: Phase
    deadline: float = math.inf
    reason: DropReason = "after_exit"


class Lifecycle:
    """Where one handler's delivery stands. Every part asks it; only the inbox changes it.

    May be read from any thread. ``state`` is replaced as a whole, so that what is read belongs together.

    Attributes:
        state: The present state.
        takes_records: Whether a record that is logged now is kept or delivered. An attribute of its own,
            because every record asks for it.
        run: The number of blocks entered so far. A worker that outlives its block tells by this number
            that the handler is no longer its own.
    """

    def __init__(self) -> None:
        self.state: State = State(Phase.KEEPING)
        self.takes_records: bool = True
        self.run: int = 0

    @property
    def phase(self) -> Phase:
        """Where it stands."""
        return self.state.phase

    @property
    def deadline(self) -> float:
        """When the block must have been left; infinite while it is not being left."""
        return self.state.deadline

    @property
    def reason(self) -> DropReason:
        """The reason that dropped records are counted under."""
        return self.state.reason

    def enter(self) -> None:
        """Let a block deliver from now on."""
        self._change(Change.ENTER)
        self.run += 1

    def leave(self, deadline: float, reason: DropReason) -> None:
        """Drop records from now on, for ``reason``; deliver the earlier ones until ``deadline``."""
        self._change(Change.LEAVE, deadline, reason)

    def hurry(self, deadline: float) -> None:
        """Leave by ``deadline``, unless the block was to be left even sooner."""
        self._change(Change.HURRY, min(deadline, self.state.deadline))

    def end(self) -> None:
        """Say that the worker has ended."""
        self._change(Change.END)

    def lose_loop(self) -> None:
        """Keep records as before the first entry: nothing runs that could deliver them."""
        self._change(Change.LOSE_LOOP)

    def fork(self) -> None:
        """Go on as a forked child, in which no worker runs."""
        self._change(Change.FORK)

    def _change(
        self, change: Change, deadline: float = math.inf, reason: DropReason | None = None
    ) -> None:
        before = self.state
        phase = TRANSITIONS.get((before.phase, change))
        if phase is None:
            msg = f"{change.name} is impossible in the phase {before.phase.name}"
            raise RuntimeError(msg)
        self.state = State(phase, deadline, reason or before.reason)
        self.takes_records = phase in _TAKES_RECORDS
