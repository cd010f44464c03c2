"""Faults: what goes wrong with a request, when, and how often."""

from __future__ import annotations

import random
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from ._operations import check_operations
from ._types import DENIED, INVALID, THROTTLED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import TypedDict, Unpack

    class Match(TypedDict, total=False):
        """Which requests a fault hits; see `Fault`."""

        action: str | None
        group: str | None
        stream: str | None
        containing: str | None
        times: int | None
        seconds: float | None
        after: int
        every: int
        probability: float
        seed: int

    class FaultFields(Match, total=False):
        """All that makes a fault."""

        effect: Effect
        status: int
        code: str
        message: str
        delay_reading: float
        delay_answer: float
        accepts: bool


Garbage = Literal["html_200", "html_502", "empty_200", "truncated_200", "not_http", "empty_413"]
Effect = Literal["error", "none", "reset_before_reading", "never_read", "hang", "cut", Garbage]

_EFFECTS: tuple[str, ...] = get_args(Effect)
_EARLY = ("reset_before_reading", "never_read")


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong. The first fault of the plan that matches a request hits it.

    Faults that act before the body is read (`reset_before_reading`, `never_read`, `delay_reading`) know
    only the action, and are tried before all others.
    """

    effect: Effect = "error"
    """`error` answers `status`, `code` and `message`; `none` only delays; `hang` reads the request and never answers;
    `cut` reads it and closes the connection; the other effects answer what AWS never would."""
    action: str | None = "PutLogEvents"
    """The action whose requests are hit, such as "PutLogEvents"; None hits those of every action."""
    group: str | None = None
    """Hit only requests for this log group."""
    stream: str | None = None
    """Hit only requests for this log stream."""
    containing: str | None = None
    """Hit only batches with a message that contains this text."""
    times: int | None = None
    """`times=3` hits three requests and then none; None has no end."""
    seconds: float | None = None
    """`seconds=10` hits for ten seconds from the moment the fault is added."""
    after: int = 0
    """`after=2` leaves the first two matching requests alone."""
    every: int = 1
    """`every=3` hits every third matching request."""
    probability: float = 1.0
    """`probability=0.1` hits one matching request in ten, at random."""
    seed: int = 0
    """Seed of the random numbers for `probability`: the same seed hits the same requests."""
    status: int = 500
    """HTTP status of an `error`."""
    code: str = "InternalFailure"
    """AWS's code of an `error`, such as "ThrottlingException"."""
    message: str = ""
    """Text of an `error`."""
    delay_reading: float = 0.0
    """Seconds to wait after reading the head of a request and before reading its body."""
    delay_answer: float = 0.0
    """Seconds to wait after the service has handled a request and before it is answered."""
    accepts: bool = False
    """True: the service handles the request first, so that only its answer is lost."""

    def __post_init__(self) -> None:
        check_operations("action", [self.action] if self.action is not None else [])
        if self.effect not in _EFFECTS:
            message = f"no effect {self.effect!r}; there are {', '.join(_EFFECTS)}"
            raise ValueError(message)
        narrowed = (self.group, self.stream, self.containing) != (None, None, None)
        if self.is_early and narrowed:
            message = f"{self.effect} acts before the body is read: group, stream, containing are not known yet"
            raise ValueError(message)

    @property
    def is_early(self) -> bool:
        """Whether the fault acts before the body is read."""
        return self.effect in _EARLY or self.delay_reading > 0

    @property
    def reaches_service(self) -> bool:
        """Whether the service handles a request that this fault hits."""
        return self.accepts or self.effect == "none"

    def to_dict(self) -> dict[str, object]:
        """Return the arguments that make this fault again."""
        return asdict(self)


class Faults:
    """Adds faults. Each method also takes the arguments of `Fault` that narrow it, such as `times=3` or `stream="web"`."""

    def add(self, fault: Fault) -> None:
        """Put a fault at the end of the plan."""
        raise NotImplementedError

    def clear(self) -> None:
        """Remove all faults. What they have done to earlier requests stays done."""
        raise NotImplementedError

    def fail(
        self,
        status: int = 500,
        code: str = "InternalFailure",
        message: str = "",
        **match: Unpack[Match],
    ) -> None:
        """Answer an AWS error; AccessDeniedException gets AWS's text when `message` is empty."""
        self.add(Fault("error", status=status, code=code, message=message, **match))

    def throttle(self, **match: Unpack[Match]) -> None:
        """Answer ThrottlingException."""
        self.fail(400, THROTTLED, "Rate exceeded", **match)

    def deny(self, **match: Unpack[Match]) -> None:
        """Answer AccessDeniedException."""
        self.fail(400, DENIED, **match)

    def poison(self, text: str, **match: Unpack[Match]) -> None:
        """Refuse every batch that contains `text` in a message."""
        match["containing"] = text
        self.fail(400, INVALID, "Invalid log event", **match)

    def delay(self, answer: float = 0.0, reading: float = 0.0, **match: Unpack[Match]) -> None:
        """Answer correctly, but late."""
        self.add(Fault("none", delay_answer=answer, delay_reading=reading, **match))

    def reset_before_reading(self, **match: Unpack[Match]) -> None:
        """Reset the connection as soon as the head of the request has been read."""
        self.add(Fault("reset_before_reading", **match))

    def never_read(self, **match: Unpack[Match]) -> None:
        """Accept the connection and never read the body of the request."""
        self.add(Fault("never_read", **match))

    def hang(self, *, accepts: bool = False, **match: Unpack[Match]) -> None:
        """Read the request and never answer it."""
        self.add(Fault("hang", accepts=accepts, **match))

    def cut(self, **match: Unpack[Match]) -> None:
        """Read the request, drop it, and close the connection."""
        self.add(Fault("cut", **match))

    def cut_after_accepting(self, **match: Unpack[Match]) -> None:
        """Accept the events and close the connection without an answer."""
        self.add(Fault("cut", accepts=True, **match))

    def garbage(self, kind: Garbage, *, accepts: bool = False, **match: Unpack[Match]) -> None:
        """Answer as proxies and captive portals do, and AWS never does."""
        self.add(Fault(kind, accepts=accepts, **match))


@dataclass
class _Planned:
    fault: Fault
    dice: random.Random
    until: float | None
    seen: int = 0
    hits: int = 0


@dataclass
class FaultPlan(Faults):
    """The faults of one service, in order."""

    monotonic: Callable[[], float] = time.monotonic
    _planned: list[_Planned] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Put a fault at the end of the plan."""
        until = None if fault.seconds is None else self.monotonic() + fault.seconds
        self._planned.append(_Planned(fault, random.Random(fault.seed), until))  # noqa: S311

    def clear(self) -> None:
        """Forget all faults."""
        self._planned.clear()

    def pick_early(self, action: str) -> Fault | None:
        """Return the fault that hits a request of which only the head is known."""
        return self._pick(
            p for p in self._planned if p.fault.is_early and _is(p.fault.action, action)
        )

    def pick(self, action: str, members: dict[str, object]) -> Fault | None:
        """Return the fault that hits a request of which all is known."""
        return self._pick(
            p
            for p in self._planned
            if not p.fault.is_early and _is(p.fault.action, action) and _fits(p.fault, members)
        )

    def _pick(self, matching: Iterator[_Planned]) -> Fault | None:
        return next((planned.fault for planned in matching if self._strikes(planned)), None)

    def _strikes(self, planned: _Planned) -> bool:
        fault = planned.fault
        if planned.until is not None and self.monotonic() >= planned.until:
            return False
        if fault.times is not None and planned.hits >= fault.times:
            return False
        planned.seen += 1
        counted = planned.seen - fault.after
        if counted < 1 or counted % fault.every or planned.dice.random() >= fault.probability:
            return False
        planned.hits += 1
        return True


def _is(wanted: str | None, value: object) -> bool:
    return wanted is None or wanted == value


def _fits(fault: Fault, members: dict[str, object]) -> bool:
    return (
        _is(fault.group, members.get("logGroupName"))
        and _is(fault.stream, members.get("logStreamName"))
        and (fault.containing is None or _contains(members.get("logEvents"), fault.containing))
    )


def _contains(events: object, text: str) -> bool:
    if not isinstance(events, list):
        return False
    return any(
        isinstance(event, dict) and text in str(event.get("message", "")) for event in events
    )
