"""The law, under schedules that hypothesis draws and shrinks. `run.py` draws far more of them."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.chaos import schedules as s
from tests.chaos.drive import run_one

EARLY = st.builds(
    s.Break,
    kind=st.sampled_from([kind for kind in s.FAULTS if not s.knows_stream(kind)]),
    times=st.integers(1, 3),
)
LATE = st.builds(
    s.Break,
    kind=st.sampled_from([kind for kind in s.FAULTS if s.knows_stream(kind)]),
    times=st.integers(1, 3),
    stream=st.sampled_from((None, *s.STREAMS)),
)
LOG = st.builds(
    s.Log,
    count=st.integers(1, 60),
    size=st.sampled_from((20, 200, 2_000)),
    stream=st.sampled_from(s.STREAMS),
    level=st.sampled_from((20, 40)),
    age=st.sampled_from(s.AGES),
    mark=st.sampled_from(("", "bad")),
    in_thread=st.booleans(),
)
STEP = st.one_of(
    LOG,
    LATE,
    EARLY,
    st.builds(s.Turn, count=st.integers(1, 30)),
    st.builds(s.Pause, seconds=st.sampled_from((0.01, 0.05))),
    st.builds(s.Flush, timeout=st.sampled_from((0.02, 0.1)), is_cancelled=st.booleans()),
    st.builds(s.Poison, mark=st.just("bad")),
    st.builds(s.Deny, actions=st.sampled_from(s.DENIALS)),
    st.just(s.Heal()),
    st.builds(s.DeleteStream, stream=st.sampled_from(s.STREAMS)),
    st.just(s.DeleteGroup()),
    st.just(s.CancelWorker()),
    st.just(s.GoDown()),
    st.just(s.ComeUp()),
)


@st.composite
def schedules(draw, *, over_socket):
    """Draw a schedule; its simplest form does nothing and leaves."""
    end = draw(st.sampled_from(s.ENDS))
    is_calm = end != "cancel twice" and draw(st.booleans())
    return s.Schedule(
        steps=tuple(draw(st.lists(STEP, max_size=12))),
        end=end,
        is_calm=is_calm,
        over_socket=over_socket,
        is_warm=draw(st.booleans()),
        max_buffer_size=draw(st.sampled_from((2**20, 40_000, 4_000, 600))),
        max_batch_count=draw(st.sampled_from((10_000, 50, 3, 1))),
        max_in_flight=draw(st.sampled_from((4, 2, 1))),
        send_interval=draw(st.sampled_from((0.02, 0.0, 0.1, 3600.0))),
        shutdown_timeout=s.ENOUGH if is_calm else draw(st.sampled_from((0.4, 0.1, 0.0))),
        retention_days=draw(st.sampled_from((None, 1))),
        eventual_consistency=draw(st.integers(0, 2)),
        on_drop_raises=draw(st.booleans()),
    )


def _kept(schedule):
    outcome = asyncio.run(run_one(schedule))
    assert not outcome.violations, outcome.violations[0]


calm = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)


@settings(calm, max_examples=200)
@given(schedule=schedules(over_socket=False))
def test_every_record_has_one_fate_in_memory(schedule):
    """Whatever goes wrong, in any order: each record is delivered, rejected, dropped or pending, and counted so."""
    _kept(schedule)


@settings(calm, max_examples=30)
@given(schedule=schedules(over_socket=True))
def test_every_record_has_one_fate_over_a_socket(schedule):
    """The same with aiobotocore and a real socket in between."""
    _kept(schedule)
