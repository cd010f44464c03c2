"""The fault plan: which requests are hit."""

from __future__ import annotations

import json

import pytest

from aiowatchtower.testing import CloudWatchLogs, Fault, FaultPlan, Wire


def _hits(plan, count, **members):
    return [plan.pick("PutLogEvents", members) is not None for _ in range(count)]


def _plan_of(fault):
    plan = FaultPlan()
    plan.add(fault)
    return plan


def test_fault_without_limits_hits_all():
    """A fault goes on until it is cleared."""
    plan = _plan_of(Fault())
    assert _hits(plan, 3) == [True] * 3
    plan.clear()
    assert _hits(plan, 1) == [False]


def test_fault_hits_so_many_times_after_some_were_spared():
    """`after` spares the first requests, `times` ends it."""
    assert _hits(_plan_of(Fault(after=1, times=2)), 4) == [False, True, True, False]


def test_fault_hits_every_third():
    """`every` counts the matching requests."""
    assert _hits(_plan_of(Fault(every=3)), 6) == [False, False, True] * 2


def test_fault_ends_by_time(clock):
    """`seconds` count from the moment the fault is added."""
    plan = FaultPlan(monotonic=clock)
    plan.add(Fault(seconds=10))
    clock.now += 9.9
    assert _hits(plan, 1) == [True]
    clock.now += 0.1
    assert _hits(plan, 1) == [False]


def test_probability_repeats_with_its_seed():
    """The same seed hits the same requests."""
    first = _hits(_plan_of(Fault(probability=0.5, seed=3)), 50)
    assert first == _hits(_plan_of(Fault(probability=0.5, seed=3)), 50)
    assert 10 < sum(first) < 40


def test_fault_matches_its_stream_only():
    """A narrowed fault neither hits nor counts other requests."""
    plan = _plan_of(Fault(group="/app", stream="a", times=1))
    assert _hits(plan, 2, logGroupName="/app", logStreamName="b") == [False, False]
    assert plan.pick("CreateLogStream", {"logGroupName": "/app", "logStreamName": "a"}) is None
    assert _hits(plan, 2, logGroupName="/app", logStreamName="a") == [True, False]


def test_faults_take_turns():
    """The first fault that matches hits; the next comes when it is spent."""
    plan = FaultPlan()
    plan.throttle(times=1)
    plan.deny(times=1)
    picked = [plan.pick("PutLogEvents", {}) for _ in range(3)]
    assert [fault and fault.code for fault in picked] == [
        "ThrottlingException",
        "AccessDeniedException",
        None,
    ]


def test_early_fault_cannot_look_into_the_body():
    """A fault before the body is read cannot be narrowed by what the body says."""
    with pytest.raises(ValueError, match="acts before the body is read"):
        Fault("reset_before_reading", stream="a")


def _exchange(cloudwatch, *messages):
    members = {
        "logGroupName": "/app",
        "logStreamName": "a",
        "logEvents": [{"timestamp": 1_800_000_000_000, "message": text} for text in messages],
    }
    return cloudwatch.exchange("PutLogEvents", json.dumps(members).encode(), Wire())


@pytest.fixture
def cloudwatch():
    """Hold the group /app with the stream a."""
    cloudwatch = CloudWatchLogs(clock=lambda: 1_800_000_000.0)
    cloudwatch.respond("CreateLogGroup", {"logGroupName": "/app"})
    cloudwatch.respond("CreateLogStream", {"logGroupName": "/app", "logStreamName": "a"})
    return cloudwatch


def test_poisoned_event_costs_its_batch(cloudwatch):
    """Any batch with the text in a message is refused, others are not."""
    cloudwatch.faults.poison("bad")
    answer, _ = _exchange(cloudwatch, "good", "this is bad")
    assert (answer.status, answer.error_code) == (400, "InvalidParameterException")
    _exchange(cloudwatch, "good")
    assert cloudwatch.messages("/app") == ["good"]


def test_denial_by_fault_has_the_text_of_aws(cloudwatch):
    """A denial of one stream reads like a policy's."""
    cloudwatch.faults.deny(stream="a")
    answer, _ = _exchange(cloudwatch, "x")
    assert "logs:PutLogEvents on resource: arn:aws:logs:" in answer.body["message"]
    assert answer.body["message"].endswith("allows the logs:PutLogEvents action")


def test_error_after_acceptance(cloudwatch):
    """A 500 may come although the events were accepted."""
    cloudwatch.faults.add(Fault(status=503, code="ServiceUnavailableException", accepts=True))
    answer, _ = _exchange(cloudwatch, "x")
    assert (answer.status, cloudwatch.messages("/app")) == (503, ["x"])
    assert cloudwatch.requests[0].fault == "error"


def test_unanswered_request_is_remembered(cloudwatch):
    """A request that a fault leaves without an answer has status 0."""
    cloudwatch.faults.hang()
    _exchange(cloudwatch, "x")
    [request] = cloudwatch.requests
    assert (request.status, request.fault, request.event_count) == (0, "hang", 1)
