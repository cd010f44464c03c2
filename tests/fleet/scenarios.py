"""What deployments go through, and what the account's quotas alone would take for each."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.fleet.account import Spell, Terms
from tests.fleet.fleet import Plan

# Of an account in a large region: PutLogEvents a second, and new streams a second. They are for ten thousand
# workers; a smaller fleet gets its part of them, so that it is in the same straits.
_PUTS = 5_000.0 / 10_000
_STREAMS = 50.0 / 10_000
_HOUR = 3_600.0
# A worker that was refused for long may be in a pause of this length when there is room again.
_LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class Scenario:
    """A fleet, an account, and the time that these need at least to drain.

    That is what the quotas take for the requests that are necessary, or the longest pause of the back-off where
    the fleet has to find out that a spell is over.
    """

    name: str
    plan: Plan
    terms: Terms
    bound_seconds: float


def _begins(workers: int, within: float = 1.0) -> Sequence[float]:
    source = random.Random(workers)
    return [source.uniform(0.0, within) for _ in range(workers)]


def _terms(workers: int, *spells: Spell, streams_exist: bool) -> Terms:
    return Terms(_PUTS * workers, _STREAMS * workers, spells, streams_exist=streams_exist)


def _in_a_spell(name: str, workers: int, spell: Spell, period: float) -> Scenario:
    terms = _terms(workers, spell, streams_exist=True)
    plan = Plan(_begins(workers, 10.0), spell.ends, period, counts_from=spell.ends)
    return Scenario(name, plan, terms, max(_LONGEST_PAUSE, 1 / _PUTS))


def all_start_at_once(workers: int) -> Scenario:
    """Start all within one second; each needs a new stream."""
    plan = Plan(_begins(workers), ends=60.0, period=10.0)
    return Scenario(
        "all start in one second", plan, _terms(workers, streams_exist=False), 1 / _STREAMS
    )


def rolling_deployment(workers: int) -> Scenario:
    """Replace all, at four fifths of the quota for new streams."""
    seconds = 1.25 / _STREAMS
    plan = Plan(_begins(workers, seconds), ends=seconds, period=10.0)
    return Scenario("rolling deployment", plan, _terms(workers, streams_exist=False), seconds)


def regional_outage(workers: int) -> Scenario:
    """Lose the region for an hour, while everyone logs on."""
    return _in_a_spell("an hour's outage", workers, Spell(20.0, 20.0 + _HOUR, 0.0), period=120.0)


def throttled_account(workers: int) -> Scenario:
    """Have the account throttled to a tenth for two minutes, to half of what is asked for."""
    return _in_a_spell("throttled to a tenth", workers, Spell(20.0, 140.0, 0.1), period=10.0)


def noisy_neighbour(workers: int) -> Scenario:
    """Share the account for a minute with something that takes four fifths of the quota."""
    return _in_a_spell("a noisy neighbour", workers, Spell(20.0, 80.0, 0.2), period=5.0)


def some_without_permission(workers: int) -> Scenario:
    """Deny one worker in a hundred for two minutes."""
    terms = replace(_terms(workers, streams_exist=True), denied="00", denied_until=120.0)
    plan = Plan(_begins(workers, 10.0), ends=120.0, period=10.0, counts_from=120.0)
    return Scenario("one in a hundred denied", plan, terms, _LONGEST_PAUSE)


def many_streams(workers: int) -> Scenario:
    """Let one worker have as many streams as the other fleets have workers."""
    seconds = 100.0
    plan = Plan([0.0], ends=seconds, period=seconds / workers, streams=workers)
    # One worker has the whole account's quota, however few streams it has.
    terms = _terms(10_000, streams_exist=False)
    bound = max(seconds + plan.send_interval, workers / terms.streams_per_second)
    return Scenario("one worker, as many streams", plan, terms, bound)


def throttled_streams(workers: int) -> Scenario:
    """Throttle workers that have a hundred streams each, to half of what they ask for."""
    several = max(1, workers // 100)
    terms = _terms(workers, Spell(20.0, 140.0, 0.1), streams_exist=True)
    plan = Plan(_begins(several, 10.0), 140.0, period=0.1, streams=100, counts_from=140.0)
    return Scenario("throttled, a hundred streams each", plan, terms, _LONGEST_PAUSE)


SCENARIOS: Sequence[Callable[[int], Scenario]] = (
    all_start_at_once,
    rolling_deployment,
    regional_outage,
    throttled_account,
    some_without_permission,
    noisy_neighbour,
    many_streams,
    throttled_streams,
)
