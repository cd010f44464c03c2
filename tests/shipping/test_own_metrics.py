"""The shipper's own metrics: valid embedded metric format, and no records."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from pathlib import Path

import pytest
import yaml

from aiowatchtower import CloudWatchLogging, Statistics
from aiowatchtower._core.embedded_metrics import metrics_event

EXAMPLES = Path(__file__).parents[2] / "examples"
COUNTS = {"Logged", "Delivered", "Rejected", "Dropped", "Retries", "PossibleDuplicates"}
UNITS = {
    "Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes",
    "Bits", "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second",
    "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second", "Bits/Second",
    "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second", "Count/Second", "None",
}  # fmt: skip


NAME = {"type": str, "least": 1, "most": 255}
# The JSON schema at the end of AWS's specification, in our own notation: the type of a value, the length of a text
# or list, the members that an object must have, those that it may have besides, and what a text may be.
SCHEMA = {
    "type": dict,
    "members": {
        "_aws": {
            "type": dict,
            "members": {
                "Timestamp": {"type": int},
                "CloudWatchMetrics": {
                    "type": list,
                    "items": {
                        "type": dict,
                        "members": {
                            "Namespace": NAME,
                            "Dimensions": {
                                "type": list,
                                "least": 1,
                                "items": {"type": list, "most": 9, "items": NAME},
                            },
                            "Metrics": {
                                "type": list,
                                "most": 100,
                                "items": {
                                    "type": dict,
                                    "members": {"Name": NAME},
                                    "optional": {"Unit": {"type": str, "of": UNITS}},
                                },
                            },
                        },
                    },
                },
            },
        },
    },
    "is_open": True,
}  # fmt: skip


def assert_valid(value, schema) -> None:
    """Check a value by SCHEMA or a part of it."""
    assert type(value) is schema["type"], value
    if schema["type"] is dict:
        required, optional = schema["members"], schema.get("optional", {})
        assert required.keys() <= value.keys()
        assert schema.get("is_open") or value.keys() <= {*required, *optional}
        for name, part in {**required, **optional}.items():
            if name in value:
                assert_valid(value[name], part)
        return
    if schema["type"] is not int:
        assert schema.get("least", 0) <= len(value) <= schema.get("most", 10_000)
    assert value in schema.get("of", {value} if isinstance(value, str) else [value])
    for item in value if schema["type"] is list else ():
        assert_valid(item, schema["items"])


def assert_embedded_metric_format(document) -> None:
    """Check a document by the schema and by the text of AWS's specification.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    assert_valid(document, SCHEMA)
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for name in {name for names in directive["Dimensions"] for name in names}:
            assert isinstance(document[name], str)
            assert 1 <= len(document[name]) <= 1024
        for metric in directive["Metrics"]:
            value = document[metric["Name"]]
            assert type(value) in {int, float}
            assert abs(value) < 2**360


def _event(now=None, before=None, **about):
    given = {"at_ms": 1_795_348_800_000, "oldest_pending_ms": None, **about}
    return json.loads(
        metrics_event("Shop/Logs", "/app", now or Statistics(), before or Statistics(), **given)
    )


def test_the_event_is_valid_and_tells_differences():
    """Counts are those since the last event, pending is as it is now."""
    before = Statistics(logged=10, delivered=5, dropped={"buffer_full": 1}, retries=2)
    now = Statistics(
        logged=25,
        delivered=17,
        rejected={"too_old": 1, "too_new": 2},
        dropped={"buffer_full": 3, "refused": 1},
        pending=1,
        pending_bytes=99,
        retries=2,
        possible_duplicates=4,
    )
    document = _event(now, before, oldest_pending_ms=1_795_348_787_500)
    assert_embedded_metric_format(document)
    del document["_aws"]
    assert document == {
        "LogGroup": "/app",
        "Logged": 15,
        "Delivered": 12,
        "Rejected": 3,
        "Dropped": 3,
        "Retries": 0,
        "PossibleDuplicates": 4,
        "PendingBytes": 99,
        "OldestPendingSeconds": 12.5,
    }


def test_a_record_from_the_future_is_not_younger_than_nothing():
    """The age of what is pending is never negative."""
    assert _event(oldest_pending_ms=1_795_348_900_000)["OldestPendingSeconds"] == 0


@pytest.fixture
def logger():
    found = logging.getLogger("own_metrics")
    found.setLevel(logging.DEBUG)
    found.propagate = False
    yield found
    found.propagate = True
    found.handlers = []


def _block(logger, server, **settings):
    given = {"send_interval": 0.05, "metrics_namespace": "Shop/Logs", "endpoint_url": server.url}
    return CloudWatchLogging("/app", "web", loggers=[logger], **given | settings)


def _split(server):
    """Return the records and the metrics' events of the stream."""
    texts = server.messages("/app", "web")
    metrics = [json.loads(text) for text in texts if text.startswith('{"_aws"')]
    return [text for text in texts if not text.startswith('{"_aws"')], metrics


async def test_metrics_arrive_and_are_no_records(server, logger):
    """Over a socket: every event is valid, the sums are the statistics, and nothing else counts them."""
    async with _block(logger, server, metrics_interval=0.05) as logs:
        for number in range(3):
            logger.info("record %d", number)
            await logs.flush()
            await asyncio.to_thread(server.wait_for, 2 * number + 2, group="/app")
    records, metrics = _split(server)
    assert records == ["record 0", "record 1", "record 2"]
    for document in metrics:
        assert_embedded_metric_format(document)
    assert sum(document["Logged"] for document in metrics) == 3
    assert sum(document["Delivered"] for document in metrics) == 3
    seen = logs.statistics()
    assert (seen.logged, seen.delivered, seen.pending) == (3, 3, 0)


async def test_metrics_beside_structured_records(server, logger):
    """In structured mode the metrics are no record's message: `_aws` stays at the root of both kinds of event."""
    own = {
        "_aws": {
            "Timestamp": 1_795_348_800_000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Shop",
                    "Dimensions": [["service"]],
                    "Metrics": [{"Name": "orders", "Unit": "Count"}],
                }
            ],
        },
        "service": "web",
        "orders": 3,
    }
    async with _block(logger, server, metrics_interval=3600, structured=True):
        logger.info("order %d", 7)
        logger.info(own)
    documents = [json.loads(text) for text in server.messages("/app", "web")]
    assert [each["message"] for each in documents if "message" in each] == ["order 7"]
    metrics = [each for each in documents if "_aws" in each]
    assert len(metrics) == 2
    for document in metrics:
        assert_embedded_metric_format(document)
    assert {each["_aws"]["CloudWatchMetrics"][0]["Namespace"] for each in metrics} == {
        "Shop",
        "Shop/Logs",
    }
    assert [each["Delivered"] for each in metrics if "Delivered" in each] == [2]


@pytest.mark.parametrize(
    ("change", "value"),
    [("Namespace", ""), ("Dimensions", []), ("Metrics", [{"Name": "Logged", "Unit": "Pieces"}]), ("More", 1)],
)  # fmt: skip
def test_the_check_itself_refuses_what_the_schema_does(change, value):
    """A directive that the schema has no room for does not pass as valid."""
    document = _event()
    assert_embedded_metric_format(document)
    document["_aws"]["CloudWatchMetrics"][0][change] = value
    with pytest.raises(AssertionError):
        assert_embedded_metric_format(document)


async def test_the_last_interval_is_told(server, logger):
    """What happened since the last event is published when the block is left."""
    async with _block(logger, server, metrics_interval=3600):
        logger.info("x")
    records, metrics = _split(server)
    assert records == ["x"]
    assert [document["Delivered"] for document in metrics] == [1]


async def test_nothing_logged_makes_no_stream(server, logger):
    """A block that nothing is logged in makes no request for metrics alone."""
    async with _block(logger, server, metrics_interval=0.01):
        pass
    assert server.calls("PutLogEvents") == []
    assert server.groups == {}


async def test_an_event_that_cannot_be_delivered_is_skipped(server, logger):
    """While the service refuses, nothing of the metrics is kept; the next event covers that time."""
    async with _block(logger, server, metrics_interval=0.02) as logs:
        logger.info("before")
        await logs.flush()
        server.configure(deny=["PutLogEvents"])
        logger.info("denied")
        refused = len(server.calls("PutLogEvents"))
        await asyncio.to_thread(server.wait_for_calls, refused + 3, "PutLogEvents")
        server.configure(deny=[])
        await logs.flush()
    records, metrics = _split(server)
    assert records == ["before", "denied"]
    assert sum(document["Delivered"] for document in metrics) == 2
    assert logs.statistics().logged == 2


async def test_an_event_on_its_way_is_not_told_again(server, logger):
    """A block that is left while an event waits for its answer waits too, and tells of nothing twice."""
    server.faults.delay(answer=0.5, action="PutLogEvents")
    async with _block(logger, server, metrics_interval=0.02) as logs:
        logger.info("x")
        await logs.flush()
        while '"Delivered":1' not in "".join(texts := server.messages("/app", "web")):
            await asyncio.to_thread(server.wait_for, len(texts) + 1, group="/app")
    _, metrics = _split(server)
    assert sum(document["Delivered"] for document in metrics) == 1


async def test_without_a_namespace_there_are_none(server, logger):
    """By default no event is added to a stream."""
    async with _block(logger, server, metrics_namespace=None, metrics_interval=0.01) as logs:
        logger.info("x")
        await logs.flush()
    assert server.messages("/app", "web") == ["x"]


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms, such as !Ref."""


_Loader.add_multi_constructor("!", lambda loader, _, node: loader.construct_scalar(node))


def test_the_alarms_name_what_is_published():
    """Both examples of an alarm watch a metric that the events have, with their dimension."""
    template = yaml.load((EXAMPLES / "alarm_on_dropped.yaml").read_text(), _Loader)  # noqa: S506
    alarm = template["Resources"]["LogsDropped"]["Properties"]
    terraform = (EXAMPLES / "alarm_on_dropped.tf").read_text()
    document = _event()
    directive = document["_aws"]["CloudWatchMetrics"][0]
    assert alarm["MetricName"] in document
    assert [[each["Name"] for each in alarm["Dimensions"]]] == directive["Dimensions"]
    (metric,) = re.findall(r'metric_name\s+= "(\w+)"', terraform)
    (dimension,) = re.findall(r"dimensions\s+= \{ (\w+) =", terraform)
    assert metric in document
    assert [[dimension]] == directive["Dimensions"]
