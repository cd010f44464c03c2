"""Small fleets on the clock that jumps: what the large ones show holds for them as well."""

from __future__ import annotations

import bisect

import pytest
from tests.fleet.account import Terms
from tests.fleet.fleet import Plan, simulate
from tests.fleet.scenarios import SCENARIOS

WORKERS = 60
# A hundred workers do not average out as ten thousand do: the large fleets keep within 1.5.
SMALL_FLEET_RATIO = 2.0


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_nothing_is_lost_and_the_quota_is_used(scenario):
    """Whatever a deployment goes through, every record arrives, not long after the quotas allow it."""
    made = scenario(WORKERS)
    outcome = simulate(made.plan, made.terms, seed=1)
    seen = outcome.statistics
    assert seen.logged == seen.delivered == outcome.account.records
    assert outcome.drained_after <= SMALL_FLEET_RATIO * made.bound_seconds


def test_workers_that_start_together_do_not_put_in_step():
    """Sixty blocks entered in the same moment: from the first interval on, a fifth of a round at most in any 100 ms."""
    plan = Plan([0.0] * WORKERS, ends=60.0, period=0.5, send_interval=5.0)
    terms = Terms(5_000.0, 5_000.0, streams_exist=True)
    outcome = simulate(plan, terms, seed=1)
    times = [at for at in outcome.account.put_at if at >= 5.0]
    assert len(times) >= 50 * WORKERS / 5
    within = [bisect.bisect(times, at + 0.1) - number for number, at in enumerate(times)]
    assert max(within) <= WORKERS / 5
    assert outcome.account.longest_wait <= 5.0 + 1.0


def test_a_throttled_process_slows_all_of_its_streams():
    """One answer that throttles slows a hundred streams: fewer are refused than each would find out for itself."""
    made = SCENARIOS[-1](400)
    outcome = simulate(made.plan, made.terms, seed=1)
    refused, accepted = outcome.account.refused, outcome.account.accepted
    assert refused["PutLogEvents ThrottlingException"] < accepted["PutLogEvents"]
