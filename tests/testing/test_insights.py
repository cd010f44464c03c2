"""Queries of CloudWatch Logs Insights, over events of a shop."""

from __future__ import annotations

import json

import pytest

from aiowatchtower.testing import CloudWatchLogs

NOW = 1_800_000_000
EVENTS = [
    {"level": "INFO", "logger": "shop", "message": "sold", "order": 1, "took_ms": 10},
    {"level": "ERROR", "logger": "shop", "message": "late", "order": 2, "took_ms": 250.5},
    {"level": "ERROR", "logger": "mail", "message": "bounced", "user": {"id": 7, "vip": True}},
    {"level": "INFO", "logger": "shop", "message": "sold", "order": 3, "took_ms": 30},
]
SECONDS = [0, 60, 290, 300]


@pytest.fixture
def cloudwatch():
    """Hold four JSON events and one plain line within five minutes."""
    cloudwatch = CloudWatchLogs(clock=lambda: float(NOW), queries_running=0)
    where: dict[str, object] = {"logGroupName": "/app", "logStreamName": "web"}
    for action in ("CreateLogGroup", "CreateLogStream"):
        cloudwatch.respond(action, dict(where))
    events = [
        {"timestamp": (NOW + at) * 1000, "message": json.dumps(each)}
        for at, each in zip(SECONDS, EVENTS, strict=True)
    ]
    events.append({"timestamp": (NOW + 310) * 1000, "message": "plain took_ms=5"})
    assert cloudwatch.respond("PutLogEvents", {**where, "logEvents": events}).status == 200
    return cloudwatch


def _start(cloudwatch, query, **more):
    members: dict[str, object] = {
        "startTime": NOW,
        "endTime": NOW + 400,
        "queryString": query,
        **more,
    }
    if not {"logGroupNames", "logGroupIdentifiers"} & set(members):
        members["logGroupName"] = "/app"
    return cloudwatch.respond("StartQuery", members)


def _run(cloudwatch, query, **more):
    started = _start(cloudwatch, query, **more)
    assert started.status == 200, started
    answer = cloudwatch.respond("GetQueryResults", dict(started.body))
    assert answer.body["status"] == "Complete"
    return [
        {each["field"]: each["value"] for each in row if each["field"] != "@ptr"}
        for row in answer.body["results"]
    ]


def test_fields_of_errors_newest_first(cloudwatch):
    """Fields, filter and sort as a reader of logs uses them."""
    query = (
        'fields @timestamp, level, message, order | filter logger = "shop" and level = "ERROR"'
        " | sort @timestamp desc"
    )
    assert _run(cloudwatch, query) == [
        {
            "@timestamp": "2027-01-15 08:01:00.000",
            "level": "ERROR",
            "message": "late",
            "order": "2",
        }
    ]


def test_requests_and_percentiles_by_bin(cloudwatch):
    """Counts and percentiles for each five minutes; events without the field are filtered out first."""
    query = (
        "filter ispresent(took_ms) "
        "| stats count(*) as requests, pct(took_ms, 99) as p99, avg(took_ms) by bin(5m) as start | sort start"
    )
    assert _run(cloudwatch, query) == [
        {"start": "1800000000000", "requests": "2", "p99": "250.5", "avg(took_ms)": "130.25"},
        {"start": "1800000300000", "requests": "1", "p99": "30", "avg(took_ms)": "30"},
    ]


def test_a_bin_is_shown_as_a_time(cloudwatch):
    """A column of bin() is a time, and can be sorted by."""
    rows = _run(cloudwatch, "stats count(*) by bin(5m) | sort bin(5m) desc")
    assert [(row["bin(5m)"], row["count(*)"]) for row in rows] == [
        ("2027-01-15 08:05:00.000", "2"),
        ("2027-01-15 08:00:00.000", "3"),
    ]


QUERIES = [
    ("filter @message like /took_ms=\\d/", 1),
    ("filter @message like 'plain'", 1),
    ("filter message =~ /(?i)SOLD/", 2),
    ("filter message not like 'sold'", 3),
    ("filter level in ['ERROR', 'WARN']", 2),
    ("filter level not in ['ERROR']", 3),
    ("filter not ispresent(level)", 1),
    ("filter took_ms > 20 or user.id = 7", 3),
    ("filter (took_ms + 10) * 2 >= 80 and order != 2", 1),
    ("filter user.vip = 1", 1),
    ("filter took_ms < 1000 | limit 2", 2),
    ("filter strlen(message) = 4 # a comment", 3),
    ("filter coalesce(order, user.id) = 7", 1),
    ("filter `user.id` = 7", 1),
    ("filter nothing = nothing", 0),
]


@pytest.mark.parametrize(("query", "count"), QUERIES, ids=[query for query, _ in QUERIES])
def test_conditions(cloudwatch, query, count):
    """Each way to write a condition finds as many events as it should."""
    assert len(_run(cloudwatch, query)) == count


def test_statistics_of_groups(cloudwatch):
    """Each function of stats, by a field, in order of another column."""
    query = (
        "stats count(*), count(order) as orders, count_distinct(message) as texts, sum(took_ms),"
        " min(took_ms), max(took_ms), median(took_ms) by logger | sort count(*) desc | filter orders > 0"
    )
    assert _run(cloudwatch, query) == [
        {
            "logger": "shop",
            "count(*)": "3",
            "orders": "3",
            "texts": "2",
            "sum(took_ms)": "290.5",
            "min(took_ms)": "10",
            "max(took_ms)": "250.5",
            "median(took_ms)": "30",
        }
    ]


def test_without_fields_time_and_message_are_shown(cloudwatch):
    """The newest event comes first, and each has a pointer."""
    started = _start(cloudwatch, "limit 1")
    answer = cloudwatch.respond("GetQueryResults", dict(started.body))
    [row] = answer.body["results"]
    assert [each["field"] for each in row] == ["@timestamp", "@message", "@ptr"]
    assert row[1]["value"] == "plain took_ms=5"
    assert answer.body["statistics"]["recordsScanned"] == 5.0


MALFORMED = [
    *("", "field a", "fields", "filter", "filter a =", "filter (a = 1", "filter a like b"),
    *("stats a", "stats pct(a)", "stats pct(a, 101)", "stats count(*) by", "limit x", "sort"),
    *("filter a like /(/", "filter shout(a)", "filter abs(a, b)", "parse @message '*' as a"),
    *("fields a |", "filter a ; b", "filter bin(x) = 1", "filter a not b", "filter = 1"),
]


@pytest.mark.parametrize("query", MALFORMED)
def test_malformed_query_is_refused(cloudwatch, query):
    """What this service does not know is an error, and no empty result."""
    assert _start(cloudwatch, query).error_code == "MalformedQueryException"


def test_a_query_says_where_it_looks(cloudwatch):
    """Exactly one way to name groups; an unknown group, a reversed range and another language are refused."""
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:/app"
    assert len(_run(cloudwatch, "limit 9", logGroupIdentifiers=[arn])) == 5
    refused: list[dict[str, object]] = [
        {"logGroupName": "/app", "logGroupNames": ["/app"]},
        {"logGroupNames": []},
        {"startTime": NOW + 500},
        {"queryLanguage": "SQL"},
    ]
    for members in refused:
        answer = _start(cloudwatch, "limit 1", **members)
        assert answer.error_code == "InvalidParameterException", members
    answer = _start(cloudwatch, "limit 1", logGroupNames=["/none"])
    assert answer.error_code == "ResourceNotFoundException"


def test_both_ends_of_the_range_are_included(cloudwatch):
    """Events of the very first and of the very last second are found."""
    assert len(_run(cloudwatch, "limit 9", endTime=NOW + 60)) == 2
    assert len(_run(cloudwatch, "limit 9", startTime=NOW + 60, endTime=NOW + 60)) == 1


def test_a_query_is_running_at_first(cloudwatch):
    """Whoever does not ask again gets nothing, as at AWS."""
    cloudwatch.configure(queries_running=2)
    started = _start(cloudwatch, "limit 9")
    answers = [cloudwatch.respond("GetQueryResults", dict(started.body)).body for _ in range(3)]
    assert [answer["status"] for answer in answers] == ["Running", "Running", "Complete"]
    assert [len(answer["results"]) for answer in answers] == [0, 0, 5]
    unknown = cloudwatch.respond("GetQueryResults", {"queryId": "x"})
    assert unknown.error_code == "ResourceNotFoundException"


def test_results_come_in_pages(cloudwatch):
    """Of maxItems rows each."""
    started = _start(cloudwatch, "limit 3")
    first = cloudwatch.respond("GetQueryResults", {**started.body, "maxItems": 2}).body
    more = {**started.body, "maxItems": 2, "nextToken": first["nextToken"]}
    second = cloudwatch.respond("GetQueryResults", more).body
    assert (len(first["results"]), len(second["results"])) == (2, 1)
    assert "nextToken" not in second
