"""What happens in one run of the pipeline, as plain values that can be printed and written down as a test."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

from aiowatchtower.testing import Fault

DAY = 86_400.0
# Seconds within which a service that is well again takes what a schedule has logged.
ENOUGH = 2.0


@dataclass(frozen=True)
class Log:
    """Log so many records of about so many bytes."""

    count: int
    size: int = 30
    stream: str = "a"
    level: int = 20
    age: float = 0.0
    """How many seconds ago the records were made; negative: in the future."""
    mark: str = ""
    """A part of each text, for `Poison` to find."""
    in_thread: bool = False


@dataclass(frozen=True)
class Turn:
    """Give the loop so many turns."""

    count: int


@dataclass(frozen=True)
class Pause:
    """Let so many seconds pass."""

    seconds: float


@dataclass(frozen=True)
class Flush:
    """Wait until everything logged before has met its fate, or for so long; or be cancelled while waiting."""

    timeout: float
    is_cancelled: bool = False


@dataclass(frozen=True)
class Break:
    """Let so many requests fail in a way of `FAULTS`."""

    kind: str
    times: int = 1
    stream: str | None = None


@dataclass(frozen=True)
class Poison:
    """Refuse every batch with a record so marked."""

    mark: str


@dataclass(frozen=True)
class Deny:
    """Change what the role may do: these actions are denied from now on."""

    actions: tuple[str, ...]


@dataclass(frozen=True)
class Heal:
    """End all faults and denials."""


@dataclass(frozen=True)
class DeleteStream:
    """Delete a stream behind the library's back."""

    stream: str = "a"


@dataclass(frozen=True)
class DeleteGroup:
    """Delete the group behind the library's back."""


@dataclass(frozen=True)
class CancelWorker:
    """Cancel the library's own task, as applications do that cancel every task there is."""


@dataclass(frozen=True)
class GoDown:
    """Refuse connections and drop the open ones (over the socket only)."""


@dataclass(frozen=True)
class ComeUp:
    """Listen again on the same port."""


Step: TypeAlias = (
    Log
    | Turn
    | Pause
    | Flush
    | Break
    | Poison
    | Deny
    | Heal
    | DeleteStream
    | DeleteGroup
    | CancelWorker
    | GoDown
    | ComeUp
)
End: TypeAlias = Literal["leave", "raise", "cancel", "cancel twice", "anyio"]
ENDS: tuple[End, ...] = ("leave", "raise", "cancel", "cancel twice", "anyio")


@dataclass(frozen=True)
class Schedule:
    """One block from entry to exit, and all that goes wrong meanwhile."""

    steps: tuple[Step, ...]
    end: End = "leave"
    is_calm: bool = False
    """Everything is well again before the block is left, so everything has to be delivered."""
    over_socket: bool = False
    is_warm: bool = False
    """Group and streams exist from the start; else the first faults meet puts that nobody could accept."""
    max_buffer_size: int = 2**20
    max_batch_count: int = 10_000
    max_in_flight: int = 4
    send_interval: float = 0.02
    shutdown_timeout: float = 0.4
    retention_days: Literal[1] | None = None
    eventual_consistency: int = 0
    on_drop_raises: bool = False


FAULTS: dict[str, Fault] = {
    "throttle": Fault(status=400, code="ThrottlingException", message="Rate exceeded"),
    "500": Fault(status=500, code="InternalFailure"),
    "503": Fault(status=503, code="ServiceUnavailableException"),
    "expired": Fault(status=400, code="ExpiredTokenException", message="The token is expired"),
    "denied": Fault(status=400, code="AccessDeniedException"),
    "not found": Fault(status=400, code="ResourceNotFoundException", message="No such stream"),
    "unknown": Fault(status=400, code="SomethingNewException"),
    "redirect": Fault(status=307, code="307"),
    "slow": Fault("none", delay_answer=0.05),
    "slow to read": Fault("none", delay_reading=0.05),
    "reset": Fault("reset_before_reading"),
    "cut": Fault("cut"),
    "cut after accepting": Fault("cut", accepts=True),
    "hang": Fault("hang"),
    "hang after accepting": Fault("hang", accepts=True),
    "never read": Fault("never_read"),
    "html 200": Fault("html_200"),
    "html 200 after accepting": Fault("html_200", accepts=True),
    "html 502": Fault("html_502"),
    "html 502 after accepting": Fault("html_502", accepts=True),
    "empty 200": Fault("empty_200"),
    "truncated 200 after accepting": Fault("truncated_200", accepts=True),
    "not http": Fault("not_http"),
    "413": Fault("empty_413"),
    "stream throttled": Fault(action="CreateLogStream", status=400, code="ThrottlingException"),
    "group throttled": Fault(action="CreateLogGroup", status=400, code="ThrottlingException"),
    "group aborted": Fault(action="CreateLogGroup", status=400, code="OperationAbortedException"),
    "stream cut": Fault("cut", action="CreateLogStream", accepts=True),
    "group 500": Fault(action="CreateLogGroup", status=500, code="InternalFailure"),
}
HANGS = frozenset({"hang", "hang after accepting", "never read"})
EARLY = frozenset({"reset", "never read", "slow to read"})
STREAMS = ("a", "b", "c")
DENIALS = (
    ("PutLogEvents",),
    ("CreateLogStream",),
    ("CreateLogGroup",),
    ("PutRetentionPolicy", "CreateLogStream"),
)
AGES = (0.0, 3600.0, 1.5 * DAY, 3 * DAY, 15 * DAY, -3 * 3600.0)


def random_schedule(random: Random, *, over_socket: bool = False) -> Schedule:
    """Draw a schedule; equal seeds draw equal ones."""
    steps = tuple(_random_step(random) for _ in range(random.randint(1, 14)))
    end = random.choice(ENDS)
    is_calm = end != "cancel twice" and random.random() < 0.5
    return Schedule(
        steps=steps,
        end=end,
        is_calm=is_calm,
        over_socket=over_socket,
        is_warm=random.random() < 0.6,
        max_buffer_size=random.choices((600, 4_000, 40_000, 2**20), (1, 2, 3, 8))[0],
        max_batch_count=random.choices((1, 3, 50, 10_000), (1, 2, 4, 8))[0],
        max_in_flight=random.choice((1, 2, 4)),
        send_interval=random.choice((0.0, 0.02, 0.1, 3600.0)),
        shutdown_timeout=ENOUGH if is_calm else random.choice((0.0, 0.1, 0.4, 0.8)),
        retention_days=random.choice((None, None, 1)),
        eventual_consistency=random.choice((0, 0, 0, 1, 2)),
        on_drop_raises=random.random() < 0.1,
    )


def _random_step(random: Random) -> Step:
    kind = random.choices(
        ("log", "break", "flush", "turn", "pause", "heal", "rare"), (40, 22, 8, 10, 8, 3, 14)
    )[0]
    if kind == "log":
        return Log(
            count=random.choice((1, 2, 7, 40, 300)),
            size=random.choice((20, 30, 200, 2_000)),
            stream=random.choice(STREAMS),
            level=random.choice((20, 20, 20, 40)),
            age=random.choices(AGES, (30, 2, 2, 1, 1, 1))[0],
            mark=random.choice(("", "", "", "bad", "worse")),
            in_thread=random.random() < 0.15,
        )
    if kind == "break":
        fault = random.choice(tuple(FAULTS))
        stream = random.choice((None, *STREAMS)) if knows_stream(fault) else None
        return Break(fault, random.choice((1, 1, 2, 3)), stream)
    if kind == "flush":
        return Flush(random.choice((0.02, 0.1, 0.3)), is_cancelled=random.random() < 0.2)
    if kind == "turn":
        return Turn(random.randint(1, 30))
    if kind == "pause":
        return Pause(random.choice((0.01, 0.03, 0.1)))
    return Heal() if kind == "heal" else _random_rarity(random)


def knows_stream(fault: str) -> bool:
    """Return whether the fault can be confined to a stream."""
    return fault not in EARLY and FAULTS[fault].action == "PutLogEvents"


def _random_rarity(random: Random) -> Step:
    rarities: tuple[Step, ...] = (
        Poison("bad"),
        Poison("worse"),
        Deny(random.choice(DENIALS)),
        DeleteStream(random.choice(STREAMS)),
        DeleteGroup(),
        CancelWorker(),
        GoDown(),
        ComeUp(),
    )
    return random.choice(rarities)
