"""One batch to one receipt, with a scripted CloudWatch Logs and the pauses written down."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from aiowatchtower._config.settings import Settings
from aiowatchtower._core.backoff import Backoff
from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.events import Answer, Batch
from aiowatchtower._core.ledger import Ledger
from aiowatchtower._core.phase import Lifecycle
from aiowatchtower._core.progress import Progress
from aiowatchtower._diagnostics.rate_limit import Diagnostics
from aiowatchtower._shipping.provisioner import Provisioner
from aiowatchtower._shipping.sender import Sender
from aiowatchtower._shipping.time_budget import TimeBudget

MISSING, DENIED = "ResourceNotFoundException", "AccessDeniedException"
BUSY, EXPIRED, TAKEN = (
    "ThrottlingException",
    "ExpiredTokenException",
    "DataAlreadyAcceptedException",
)
POISON = "InvalidParameterException"


class Scripted:
    """Answers each call with the next code of its script, "" for success; writes down what happens."""

    def __init__(self, script: list[tuple[str, str]]) -> None:
        self.script = list(script)
        self.endpoint = ""
        self.happened: list[object] = []

    def _next(self, call):
        expected, code = self.script.pop(0)
        assert call == expected
        self.happened.append(call)
        if code:
            raise DeliveryError(call, code, "scripted", status=400)

    async def prepare(self):
        self._next("prepare")

    async def put(self, stream, events, deadline, departure=None):
        self._next("PutLogEvents")
        return Answer(wire_bytes=1)

    async def create_stream(self, stream):
        self._next("CreateLogStream")

    async def create_group(self, *, tags):
        self._next("CreateLogGroup")

    async def set_retention(self):
        self._next("PutRetentionPolicy")

    async def renew(self):
        self.happened.append("renew")


class Unhurried(TimeBudget):
    """Writes down each pause among the calls, in the ceilings of full jitter, and sets the clock forward."""

    def __init__(self, happened: list[object]) -> None:
        super().__init__(Lifecycle(), self.clock, max_in_flight=1)
        self._happened = happened
        self._now = 0.0

    def clock(self) -> float:
        return self._now

    async def pause(self, seconds: float) -> None:
        self._happened.append(seconds)
        self._now += seconds


def put(*codes):
    return [("PutLogEvents", code) for code in codes]


def make(*codes):
    return [("CreateLogStream", code) for code in codes]


GROUP = [("CreateLogGroup", "")]
# Streams are created forty times a second at most.
TURN = 0.025
WAITED = {
    "taken at once": (put(""), []),
    "said to be there already": (put(TAKEN), []),
    "throttled": (put(BUSY, BUSY, BUSY, ""), [0.2, 0.4, 0.8]),
    "denied": (put(DENIED, DENIED, ""), [0.2, 0.4]),
    "expired": (put(EXPIRED, ""), [0.2]),
    "no stream": (put(MISSING) + make("") + put(""), []),
    "no group": (put(MISSING) + make(MISSING) + GROUP + make("") + put(""), [TURN]),
    "unknown after its creation": (
        [*put(MISSING), *make(""), *put(MISSING), *make(""), *put(MISSING), *make(""), *put("")],
        [TURN, 0.2, 0.4],
    ),
    "denied for long, then no stream": (
        put(*[DENIED] * 5, MISSING) + make("") + put(""),
        [0.2, 0.4, 0.8, 1.6, 3.2],
    ),
    "throttled, no stream, throttled": (
        put(BUSY, MISSING) + make("") + put(BUSY, ""),
        [0.2, 0.8],
    ),
    "the creation is throttled": (
        put(MISSING) + make(BUSY) + put(MISSING) + make("") + put(""),
        [0.2, 0.2],
    ),
    "throttled for long": (
        put(*[BUSY] * 9, ""),
        [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 15.0, 15.0],
    ),
    "refused for itself": (put(POISON), []),
}


@pytest.mark.parametrize(("script", "pauses"), WAITED.values(), ids=WAITED.keys())
async def test_what_is_done_and_how_long_is_waited(script, pauses):
    """Failures in a row make longer pauses; a creation that succeeds is followed by a try at once."""
    client = Scripted(script)
    progress = Progress(Batch.of("web", [("web", 0, "hello", 31, 0)]))
    await _sender(client).deliver(progress)
    assert client.script == []
    assert [item for item in client.happened if isinstance(item, float)] == pytest.approx(pauses)
    assert client.happened.count("renew") == sum(code == EXPIRED for _, code in script)
    assert not progress.is_open


@pytest.mark.parametrize(("times", "warnings"), [(3, 0), (4, 1)])
async def test_a_group_that_another_process_creates(times, warnings, caplog):
    """It may stay unknown for three tries, whatever failed before; only then somebody hears of it."""
    unknown = put(MISSING) + make(MISSING) + GROUP + make(MISSING)
    client = Scripted(put(DENIED) + unknown * times + put(MISSING) + make("") + put(""))
    await _sender(client).deliver(Progress(Batch.of("web", [("web", 0, "hello", 31, 0)])))
    assert client.script == []
    assert sum(MISSING in text for text in caplog.messages) == warnings


def _sender(client):
    settings = Settings("/app", "web", log_group_retention_days=None)
    budget = Unhurried(client.happened)
    clock = budget.clock
    diagnostics = Diagnostics(clock)
    backoff = Backoff(lambda: 1.0)
    return Sender(
        client, Provisioner(settings, client, diagnostics, backoff, budget, clock), diagnostics, backoff, budget,
        Ledger(nullcontext()), clock, group="/app", max_in_flight=1, max_event_bytes=1_000,
    )  # fmt: skip
