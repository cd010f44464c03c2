"""One script of requests, for any client and any service that says it is CloudWatch Logs."""

from __future__ import annotations

import time
from typing import Any

NOW_MS = int(time.time()) * 1000
DAY_MS = 86_400_000
GROUP = {"logGroupName": "/app"}
WHERE = {**GROUP, "logStreamName": "web"}
ARN = "arn:aws:logs:us-east-1:123456789012:log-group:/app"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:f"
KEY = "arn:aws:kms:us-east-1:123456789012:key/0"
METRIC = {"metricName": "Errors", "metricNamespace": "Shop", "metricValue": "1"}


def _event(message, at=0):
    return {"timestamp": NOW_MS + at, "message": message}


EVENTS = [
    _event('{"level": "ERROR", "ms": 250}', -3000),
    _event('{"level": "INFO", "ms": 5}', -2000),
    _event("plain ERROR line", -1000),
    _event("GET /index.html 404"),
]

# Label, operation and members.
# What is refused comes late: others accept it, and their later answers would show it.
STEPS: list[tuple[str, str, dict[str, Any]]] = [
    ("create group", "create_log_group", {**GROUP, "tags": {"a": "b"}}),
    ("create group again", "create_log_group", GROUP),
    (
        "group of another class",
        "create_log_group",
        {"logGroupName": "/rare", "logGroupClass": "INFREQUENT_ACCESS"},
    ),
    ("create stream", "create_log_stream", WHERE),
    ("create stream again", "create_log_stream", WHERE),
    ("put", "put_log_events", {**WHERE, "logEvents": EVENTS}),
    ("put to no stream", "put_log_events", {**GROUP, "logStreamName": "none", "logEvents": EVENTS}),
    ("retention", "put_retention_policy", {**GROUP, "retentionInDays": 30}),
    ("groups", "describe_log_groups", {}),
    ("groups by class", "describe_log_groups", {"logGroupClass": "INFREQUENT_ACCESS"}),
    ("groups by part of the name", "describe_log_groups", {"logGroupNamePattern": "APP"}),
    ("streams", "describe_log_streams", GROUP),
    ("streams by ARN", "describe_log_streams", {"logGroupIdentifier": ARN}),
    ("read from the head", "get_log_events", {**WHERE, "startFromHead": True, "limit": 2}),
    (
        "read to an end",
        "get_log_events",
        {**WHERE, "startTime": NOW_MS - 3000, "endTime": NOW_MS - 1000},
    ),
    (
        "filter to an end",
        "filter_log_events",
        {**GROUP, "startTime": NOW_MS - 3000, "endTime": NOW_MS - 1000},
    ),
    ("filter a term", "filter_log_events", {**GROUP, "filterPattern": "ERROR"}),
    ("filter any term", "filter_log_events", {**GROUP, "filterPattern": "?plain ?GET"}),
    ("filter without a term", "filter_log_events", {**GROUP, "filterPattern": "ERROR -plain"}),
    ("filter a phrase", "filter_log_events", {**GROUP, "filterPattern": '"ERROR line"'}),
    ("filter an expression", "filter_log_events", {**GROUP, "filterPattern": "%40[0-9]%"}),
    (
        "filter JSON",
        "filter_log_events",
        {**GROUP, "filterPattern": '{ $.level = "ERROR" && $.ms > 10 }'},
    ),
    ("filter fields", "filter_log_events", {**GROUP, "filterPattern": "[method, path, status=4*]"}),
    ("filter by nonsense", "filter_log_events", {**GROUP, "filterPattern": "{ $.level = "}),
    ("filter no stream", "filter_log_events", {**GROUP, "logStreamNames": ["none"]}),
    ("tags", "list_tags_for_resource", {"resourceArn": ARN}),
    ("tag", "tag_resource", {"resourceArn": ARN, "tags": {"c": "d"}}),
    ("untag", "untag_resource", {"resourceArn": ARN, "tagKeys": ["a"]}),
    ("tags afterwards", "list_tags_for_resource", {"resourceArn": ARN}),
    ("encrypt", "associate_kms_key", {**GROUP, "kmsKeyId": KEY}),
    ("decrypt", "disassociate_kms_key", GROUP),
    (
        "metric filter",
        "put_metric_filter",
        {**GROUP, "filterName": "m", "filterPattern": "ERROR", "metricTransformations": [METRIC]},
    ),
    ("metric filters", "describe_metric_filters", GROUP),
    (
        "metric filter of nonsense",
        "put_metric_filter",
        {**GROUP, "filterName": "n", "filterPattern": "[", "metricTransformations": [METRIC]},
    ),
    (
        "subscription",
        "put_subscription_filter",
        {**GROUP, "filterName": "s", "filterPattern": "", "destinationArn": LAMBDA},
    ),
    ("subscriptions", "describe_subscription_filters", GROUP),
    (
        "query of nonsense",
        "start_query",
        {**GROUP, "startTime": 0, "endTime": NOW_MS // 1000, "queryString": "nonsense"},
    ),
    ("group with a space", "create_log_group", {"logGroupName": "a b"}),
    ("stream with a colon", "create_log_stream", {**GROUP, "logStreamName": "a:b"}),
    ("put out of order", "put_log_events", {**WHERE, "logEvents": EVENTS[::-1]}),
    (
        "put over 24 hours",
        "put_log_events",
        {**WHERE, "logEvents": [_event("x", -2 * DAY_MS), _event("y")]},
    ),
    ("put an empty message", "put_log_events", {**WHERE, "logEvents": [_event("")]}),
    (
        "put too old",
        "put_log_events",
        {**WHERE, "logEvents": [_event("old", -15 * DAY_MS), _event("z", 1)]},
    ),
    (
        "put too new",
        "put_log_events",
        {**WHERE, "logEvents": [_event("w", 2), _event("new", DAY_MS)]},
    ),
    ("retention of 2 days", "put_retention_policy", {**GROUP, "retentionInDays": 2}),
    ("unknown group", "describe_log_streams", {"logGroupName": "/none"}),
    ("delete metric filter", "delete_metric_filter", {**GROUP, "filterName": "m"}),
    ("delete stream", "delete_log_stream", WHERE),
    ("delete group", "delete_log_group", GROUP),
    ("delete group again", "delete_log_group", GROUP),
]

# Of these members only whether they are there, and of what type, is the same everywhere.
_VOLATILE = {
    *("creationTime", "ingestionTime", "lastIngestionTime", "eventId", "queryId"),
    *("nextToken", "nextForwardToken", "nextBackwardToken"),
    *("uploadSequenceToken", "nextSequenceToken", "storedBytes", "searchedLogStreams"),
}


def comparable(answer: Any, name: str = "") -> Any:
    """Return an answer without what differs from one run to the next."""
    if name in _VOLATILE:
        return type(answer).__name__
    if isinstance(answer, dict):
        return {
            key: comparable(value, key)
            for key, value in answer.items()
            if key != "ResponseMetadata"
        }
    return [comparable(value) for value in answer] if isinstance(answer, list) else answer
