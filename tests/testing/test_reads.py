"""What can be read back, through the API and through the fake's own methods."""

from __future__ import annotations

from typing import cast

import pytest
from botocore.loaders import Loader

from aiowatchtower.testing import CloudWatchLogs

NOW = 1_800_000_000.0
NOW_MS = int(NOW * 1000)
needs_list_log_groups = pytest.mark.skipif(
    "ListLogGroups" not in Loader().load_service_model("logs", "service-2")["operations"],
    reason="the service model of the installed botocore has no ListLogGroups yet",
)


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


def _fill(cloudwatch, messages, stream="a"):
    events = [{"timestamp": NOW_MS + 10 + at, "message": text} for at, text in enumerate(messages)]
    _ask(cloudwatch, "PutLogEvents", logGroupName="/app", logStreamName=stream, logEvents=events)


def test_filter_includes_its_end(cloudwatch):
    """FilterLogEvents returns an event of the very time that endTime names."""
    where = {"logGroupName": "/app", "startTime": NOW_MS + 1, "endTime": NOW_MS + 4}
    assert _texts(_ask(cloudwatch, "FilterLogEvents", **where)) == ["b1", "a2", "b2", "a4"]


def test_filter_reads_from_the_newest(cloudwatch):
    """With startFromHead false the newest come first, through all pages; without a late startTime it is refused."""
    where = {"logGroupName": "/app", "startFromHead": False, "startTime": NOW_MS - 10, "limit": 2}
    pages = [_ask(cloudwatch, "FilterLogEvents", **where)]
    while "nextToken" in pages[-1]:
        token = pages[-1]["nextToken"]
        pages.append(_ask(cloudwatch, "FilterLogEvents", **where, nextToken=token))
    assert [_texts(page) for page in pages] == [["a4", "b2"], ["a2", "b1"], ["a0"]]
    answer = cloudwatch.respond("FilterLogEvents", {**where, "startTime": 0})
    assert answer.error_code == "InvalidParameterException"


def test_ingestion_time_is_that_of_the_put(cloudwatch):
    """It does not change when the event is read later."""
    cloudwatch.configure(clock_offset=3600)
    where = {"logGroupName": "/app", "logStreamName": "a"}
    [first, *_] = _ask(cloudwatch, "GetLogEvents", **where)["events"]
    assert first["ingestionTime"] == NOW_MS
    [found, *_] = _ask(cloudwatch, "FilterLogEvents", logGroupName="/app")["events"]
    assert found["ingestionTime"] == NOW_MS


def test_a_page_holds_one_megabyte(cloudwatch):
    """A page ends before 1 MB of messages is exceeded; forward, backward and filtered pages miss nothing."""
    large = [letter * 400_000 for letter in "pqrst"]
    _fill(cloudwatch, large[:2])
    _fill(cloudwatch, large[2:4], "b")
    _fill(cloudwatch, large[4:])
    where = {"logGroupName": "/app", "logStreamName": "a", "startTime": NOW_MS + 10}
    forward = _ask(cloudwatch, "GetLogEvents", **where, startFromHead=True)
    backward = _ask(cloudwatch, "GetLogEvents", **where)
    assert [len(page["events"]) for page in (forward, backward)] == [2, 2]
    more = _ask(cloudwatch, "GetLogEvents", **where, nextToken=forward["nextForwardToken"])
    less = _ask(cloudwatch, "GetLogEvents", **where, nextToken=backward["nextBackwardToken"])
    assert len(more["events"]) == len(less["events"]) == 1
    found: list[str] = []
    token: dict[str, object] = {}
    while True:
        page = _ask(
            cloudwatch, "FilterLogEvents", logGroupName="/app", startTime=NOW_MS + 10, **token
        )
        assert sum(map(len, _texts(page))) <= 1_048_576
        found += _texts(page)
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert sorted(found) == large


def test_tokens_stand_between_events(cloudwatch):
    """An older event that arrives between two pages neither repeats nor hides another."""
    where = {"logGroupName": "/app", "logStreamName": "a"}
    first = _ask(cloudwatch, "GetLogEvents", **where, startFromHead=True, limit=2)
    early = [{"timestamp": NOW_MS - 5, "message": "early"}]
    _ask(cloudwatch, "PutLogEvents", **where, logEvents=early)
    second = _ask(cloudwatch, "GetLogEvents", **where, nextToken=first["nextForwardToken"])
    assert (_texts(first), _texts(second)) == (["a0", "a2"], ["a4"])


ARN = "arn:aws:logs:us-east-1:123456789012:log-group:/app"


@pytest.mark.parametrize("identifier", ["/app", ARN])
def test_a_group_is_known_by_name_and_by_arn(cloudwatch, identifier):
    """Wherever AWS takes logGroupIdentifier, both name the group."""
    where = {"logGroupIdentifier": identifier}
    assert len(_ask(cloudwatch, "FilterLogEvents", **where)["events"]) == 5
    assert len(_ask(cloudwatch, "DescribeLogStreams", **where)["logStreams"]) == 2
    assert len(_ask(cloudwatch, "GetLogEvents", **where, logStreamName="b")["events"]) == 2
    described = _ask(cloudwatch, "DescribeLogGroups", logGroupIdentifiers=[identifier])
    assert [group["logGroupArn"] for group in described["logGroups"]] == [ARN]


def test_a_group_is_named_once(cloudwatch):
    """Both of logGroupName and logGroupIdentifier, or neither, are refused; so is another region's ARN."""
    for where in ({}, {"logGroupName": "/app", "logGroupIdentifier": "/app"}):
        answer = cloudwatch.respond("FilterLogEvents", dict(where))
        assert answer.error_code == "InvalidParameterException"
    elsewhere: dict[str, object] = {"logGroupIdentifier": ARN.replace("us-east-1", "eu-west-1")}
    answer = cloudwatch.respond("FilterLogEvents", elsewhere)
    assert answer.error_code == "ResourceNotFoundException"


def test_an_unknown_stream_is_not_silent(cloudwatch):
    """FilterLogEvents of a stream that is not there is an error."""
    members: dict[str, object] = {"logGroupName": "/app", "logStreamNames": ["a", "c"]}
    answer = cloudwatch.respond("FilterLogEvents", members)
    assert answer.error_code == "ResourceNotFoundException"


def test_groups_are_found_by_a_part_of_their_name(cloudwatch):
    """The pattern is a case-sensitive part of the name, and brings three members of each group only."""
    found = _ask(cloudwatch, "DescribeLogGroups", logGroupNamePattern="pt")["logGroups"]
    assert [sorted(group) for group in found] == [["arn", "creationTime", "logGroupName"]]
    assert _ask(cloudwatch, "DescribeLogGroups", logGroupNamePattern="PT")["logGroups"] == []


@needs_list_log_groups
def test_groups_are_listed_by_an_expression(cloudwatch):
    """ListLogGroups takes alternatives, and "^" for the beginning of the name."""
    listed = _ask(cloudwatch, "ListLogGroups", logGroupNamePattern="^/app|mpty")["logGroups"]
    assert [group["logGroupName"] for group in listed] == ["/app", "/empty"]


@pytest.mark.parametrize(
    "action", ["DescribeLogGroups", pytest.param("ListLogGroups", marks=needs_list_log_groups)]
)
def test_groups_are_found_by_class(cloudwatch, action):
    """Both ways to list groups can be narrowed by class."""
    rare = {"logGroupName": "/rare", "logGroupClass": "INFREQUENT_ACCESS"}
    _ask(cloudwatch, "CreateLogGroup", **rare)
    found = _ask(cloudwatch, action, logGroupClass="INFREQUENT_ACCESS")["logGroups"]
    assert [group["logGroupName"] for group in found] == ["/rare"]


@needs_list_log_groups
def test_groups_are_found_by_tag(cloudwatch):
    """Tags are looked for with wildcards and negation, in any case."""
    _ask(cloudwatch, "CreateLogGroup", logGroupName="/rare", tags={"stage": "Production"})
    for values, count in ((["prod*"], 1), (["prod"], 0), (["!test"], 1), ([], 1)):
        tags = [{"key": "stage", "values": values}]
        assert len(_ask(cloudwatch, "ListLogGroups", logGroupTags=tags)["logGroups"]) == count


async def test_each_region_is_a_world_of_its_own():
    """A group of the same name in two regions is two groups, each with its own ARN and events."""
    cloudwatch = CloudWatchLogs()
    for region in ("eu-west-1", "us-east-1"):
        client = cloudwatch.client(region)
        await client.create_log_group(logGroupName="/app")
        await client.create_log_stream(logGroupName="/app", logStreamName="a")
        event = {"timestamp": int(cloudwatch.now() * 1000), "message": region}
        await client.put_log_events(logGroupName="/app", logStreamName="a", logEvents=[event])
        described = await client.describe_log_groups()
        [group] = cast("list[dict[str, str]]", described["logGroups"])
        assert group["logGroupArn"] == f"arn:aws:logs:{region}:123456789012:log-group:/app"
    assert cloudwatch.messages("/app", region="eu-west-1") == ["eu-west-1"]
    assert sorted(cloudwatch.messages("/app")) == ["eu-west-1", "us-east-1"]
    cloudwatch.delete_group("/app", region="us-east-1")
    assert cloudwatch.groups["/app"].region == "eu-west-1"
