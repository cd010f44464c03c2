"""What can be read back, through the API and through the fake's own methods."""

from __future__ import annotations

import pytest

from aiowatchtower.testing import CloudWatchLogs

NOW = 1_800_000_000.0
NOW_MS = int(NOW * 1000)


@pytest.fixture
def cloudwatch():
    """Hold five events in two streams of /app, and an empty group."""
    cloudwatch = CloudWatchLogs(clock=lambda: NOW)
    for group in ("/app", "/empty"):
        cloudwatch.respond("CreateLogGroup", {"logGroupName": group})
    for stream, events in (("a", [0, 2, 4]), ("b", [1, 2])):
        where: dict[str, object] = {"logGroupName": "/app", "logStreamName": stream}
        cloudwatch.respond("CreateLogStream", where)
        listed = [{"timestamp": NOW_MS + at, "message": f"{stream}{at}"} for at in events]
        cloudwatch.respond("PutLogEvents", {**where, "logEvents": listed})
    return cloudwatch


def _ask(cloudwatch, action, **members):
    answer = cloudwatch.respond(action, members)
    assert answer.status == 200, answer
    return answer.body


def _texts(body):
    return [event["message"] for event in body["events"]]


def test_messages_come_in_time_order(cloudwatch):
    """All streams are merged by time; within one millisecond ingestion decides."""
    assert cloudwatch.messages("/app") == ["a0", "b1", "a2", "b2", "a4"]
    assert cloudwatch.messages("/app", "b") == ["b1", "b2"]
    assert cloudwatch.messages("/empty") == []
    assert cloudwatch.streams("/app") == ["a", "b"]
    assert cloudwatch.streams("/none") == []
    assert cloudwatch.events("/none") == []


def test_messages_of_an_unknown_group_say_which_exist(cloudwatch):
    """A mistyped name is an error that names the groups, and no empty list."""
    with pytest.raises(LookupError, match="no log group '/ap'; there are '/app', '/empty'"):
        cloudwatch.messages("/ap")
    cloudwatch.reset()
    with pytest.raises(LookupError, match="no log group '/app'; there is none"):
        cloudwatch.messages("/app")


def test_events_carry_their_place(cloudwatch):
    """An event knows its time, its stream and when it was ingested."""
    assert cloudwatch.events("/app")[1] == (NOW_MS + 1, "b1", "b", 3, NOW_MS)


def test_counts_follow_group_and_stream(cloudwatch):
    """Accepted events can be counted without being read."""
    assert (cloudwatch.count(), cloudwatch.count("/app"), cloudwatch.count("/app", "b")) == (
        5,
        5,
        2,
    )
    assert cloudwatch.count("/none") == 0


def test_events_need_not_be_kept():
    """A benchmark counts events and does not pay for keeping them."""
    cloudwatch = CloudWatchLogs(keep_events=False, clock=lambda: NOW)
    where: dict[str, object] = {"logGroupName": "/app", "logStreamName": "a"}
    for action in ("CreateLogGroup", "CreateLogStream"):
        cloudwatch.respond(action, where)
    event = {"timestamp": NOW_MS, "message": "x"}
    cloudwatch.respond("PutLogEvents", {**where, "logEvents": [event]})
    assert (cloudwatch.count("/app"), cloudwatch.messages("/app")) == (1, [])


def test_reset_makes_it_new():
    """After a reset nothing is left, and changed settings are as they were."""
    cloudwatch = CloudWatchLogs(deny={"DeleteLogGroup"})
    cloudwatch.configure(deny=())
    cloudwatch.respond("CreateLogGroup", {"logGroupName": "/app"})
    cloudwatch.reset()
    assert cloudwatch.groups == {}
    answer = cloudwatch.respond("DeleteLogGroup", {"logGroupName": "/app"})
    assert answer.error_code == "AccessDeniedException"
    assert repr(cloudwatch) == "<CloudWatchLogs: 0 groups, 0 events, 0 requests>"


def test_groups_are_listed_in_pages(cloudwatch):
    """DescribeLogGroups filters by prefix and goes on at its token."""
    first = _ask(cloudwatch, "DescribeLogGroups", limit=1)
    second = _ask(cloudwatch, "DescribeLogGroups", limit=1, nextToken=first["nextToken"])
    assert [group["logGroupName"] for group in first["logGroups"]] == ["/app"]
    assert [group["logGroupName"] for group in second["logGroups"]] == ["/empty"]
    assert "nextToken" not in second
    assert _ask(cloudwatch, "DescribeLogGroups", logGroupNamePrefix="/x")["logGroups"] == []


def test_streams_are_listed_by_name_or_time(cloudwatch):
    """DescribeLogStreams orders by name, or by last event, either way round."""
    named = _ask(cloudwatch, "DescribeLogStreams", logGroupName="/app", logStreamNamePrefix="a")
    assert [stream["logStreamName"] for stream in named["logStreams"]] == ["a"]
    assert named["logStreams"][0]["lastEventTimestamp"] == NOW_MS + 4
    latest = _ask(
        cloudwatch,
        "DescribeLogStreams",
        logGroupName="/app",
        orderBy="LastEventTime",
        descending=True,
    )
    assert [stream["logStreamName"] for stream in latest["logStreams"]] == ["a", "b"]


def test_prefix_excludes_order_by_time(cloudwatch):
    """AWS refuses to order by last event within a prefix."""
    members = {"logGroupName": "/app", "logStreamNamePrefix": "a", "orderBy": "LastEventTime"}
    answer = cloudwatch.respond("DescribeLogStreams", members)
    assert answer.error_code == "InvalidParameterException"


def test_stream_is_read_forward_to_its_end(cloudwatch):
    """GetLogEvents goes forward page by page; at the end the token repeats."""
    where = {"logGroupName": "/app", "logStreamName": "a", "limit": 2}
    first = _ask(cloudwatch, "GetLogEvents", **where, startFromHead=True)
    second = _ask(cloudwatch, "GetLogEvents", **where, nextToken=first["nextForwardToken"])
    third = _ask(cloudwatch, "GetLogEvents", **where, nextToken=second["nextForwardToken"])
    assert [_texts(page) for page in (first, second, third)] == [["a0", "a2"], ["a4"], []]
    assert third["nextForwardToken"] == second["nextForwardToken"]


def test_stream_is_read_from_its_tail(cloudwatch):
    """GetLogEvents starts with the latest events, and goes back with the other token."""
    where = {"logGroupName": "/app", "logStreamName": "a", "limit": 2}
    last = _ask(cloudwatch, "GetLogEvents", **where)
    before = _ask(cloudwatch, "GetLogEvents", **where, nextToken=last["nextBackwardToken"])
    assert (_texts(last), _texts(before)) == (["a2", "a4"], ["a0"])


def test_time_range_leaves_its_end_out(cloudwatch):
    """StartTime is included, endTime is not."""
    found = _ask(
        cloudwatch,
        "GetLogEvents",
        logGroupName="/app",
        logStreamName="a",
        startTime=NOW_MS + 2,
        endTime=NOW_MS + 4,
    )
    assert _texts(found) == ["a2"]


def test_filter_reads_all_streams(cloudwatch):
    """FilterLogEvents interleaves streams, filters by text, and pages."""
    assert _texts(
        _ask(cloudwatch, "FilterLogEvents", logGroupName="/app", filterPattern='"2"')
    ) == [
        "a2",
        "b2",
    ]
    first = _ask(cloudwatch, "FilterLogEvents", logGroupName="/app", limit=3)
    rest = _ask(
        cloudwatch, "FilterLogEvents", logGroupName="/app", limit=3, nextToken=first["nextToken"]
    )
    assert _texts(first) + _texts(rest) == cloudwatch.messages("/app")
    only = _ask(cloudwatch, "FilterLogEvents", logGroupName="/app", logStreamNames=["b"])
    assert _texts(only) == ["b1", "b2"]


@pytest.mark.parametrize(
    ("action", "members"),
    [
        ("DeleteLogStream", {"logStreamName": "a"}),
        ("DeleteRetentionPolicy", {}),
        ("TagLogGroup", {"tags": {"a": "b"}}),
    ],
)
def test_remaining_actions_answer_nothing(cloudwatch, action, members):
    """Actions without output have an empty body."""
    answer = cloudwatch.respond(action, {"logGroupName": "/app", **members})
    assert (answer.status, answer.encode()) == (200, b"")
