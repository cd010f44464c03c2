"""Tags, keys, metric filters and subscription filters: what is put is described, and can be removed."""

from __future__ import annotations

import pytest

from aiowatchtower.testing import CloudWatchLogs

ARN = "arn:aws:logs:us-east-1:123456789012:log-group:/app"
KEY = "arn:aws:kms:us-east-1:123456789012:key/0"
METRIC = {"metricName": "Errors", "metricNamespace": "Shop", "metricValue": "1"}
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:f"


@pytest.fixture
def cloudwatch():
    """Hold the group /app."""
    cloudwatch = CloudWatchLogs(clock=lambda: 1_800_000_000.0)
    cloudwatch.respond("CreateLogGroup", {"logGroupName": "/app", "tags": {"a": "b"}})
    return cloudwatch


def _ask(cloudwatch, action, **members):
    answer = cloudwatch.respond(action, members)
    assert answer.status == 200, answer
    return answer.body


def _refused(cloudwatch, action, **members):
    return cloudwatch.respond(action, members).error_code


def test_tags_come_and_go(cloudwatch):
    """By ARN and, as older clients do it, by name."""
    _ask(cloudwatch, "TagResource", resourceArn=ARN, tags={"c": "d"})
    assert _ask(cloudwatch, "ListTagsForResource", resourceArn=ARN)["tags"] == {"a": "b", "c": "d"}
    _ask(cloudwatch, "UntagResource", resourceArn=ARN, tagKeys=["a", "none"])
    assert _ask(cloudwatch, "ListTagsLogGroup", logGroupName="/app")["tags"] == {"c": "d"}
    _ask(cloudwatch, "UntagLogGroup", logGroupName="/app", tags=["c"])
    assert cloudwatch.groups["/app"].tags == {}


def test_a_group_has_fifty_tags_at_most(cloudwatch):
    """The fifty-first is refused, with all that came with it."""
    tags = {str(n): "" for n in range(50)}
    assert _refused(cloudwatch, "TagResource", resourceArn=ARN, tags=tags) == "TooManyTagsException"
    assert cloudwatch.groups["/app"].tags == {"a": "b"}
    assert _refused(cloudwatch, "TagResource", resourceArn="arn:x", tags={"a": "b"}) == (
        "InvalidParameterException"
    )


def test_a_key_can_be_taken_away(cloudwatch):
    """A key is put on a group and taken away, by name or by ARN."""
    _ask(cloudwatch, "AssociateKmsKey", resourceIdentifier=ARN, kmsKeyId=KEY)
    assert cloudwatch.groups["/app"].kms_key_id == KEY
    _ask(cloudwatch, "DisassociateKmsKey", logGroupName="/app")
    assert cloudwatch.groups["/app"].kms_key_id is None
    assert _refused(cloudwatch, "DisassociateKmsKey") == "InvalidParameterException"


def test_metric_filters(cloudwatch):
    """They are counted on their group, found by name and by metric, and deleted once."""
    where = {"logGroupName": "/app", "filterPattern": "{ $.level = ERROR }"}
    for name in ("b", "a"):
        _ask(
            cloudwatch, "PutMetricFilter", **where, filterName=name, metricTransformations=[METRIC]
        )
    [group] = _ask(cloudwatch, "DescribeLogGroups")["logGroups"]
    assert group["metricFilterCount"] == 2
    found = _ask(cloudwatch, "DescribeMetricFilters")["metricFilters"]
    assert [each["filterName"] for each in found] == ["a", "b"]
    assert found[0]["metricTransformations"] == [METRIC]
    for metric, count in (("Errors", 2), ("Other", 0)):
        wanted = {"metricName": metric, "metricNamespace": "Shop"}
        assert len(_ask(cloudwatch, "DescribeMetricFilters", **wanted)["metricFilters"]) == count
    assert _refused(cloudwatch, "DescribeMetricFilters", metricName="x") == (
        "InvalidParameterException"
    )
    _ask(cloudwatch, "DeleteMetricFilter", logGroupName="/app", filterName="a")
    again = _refused(cloudwatch, "DeleteMetricFilter", logGroupName="/app", filterName="a")
    assert again == "ResourceNotFoundException"


def test_a_metric_filter_has_one_metric_and_a_right_pattern(cloudwatch):
    """The service model's bounds and the pattern's grammar are checked when the filter is put."""
    where = {"logGroupName": "/app", "filterName": "a"}
    for pattern, metrics in (("{", [METRIC]), ("x", []), ("x", [METRIC, METRIC])):
        members = {**where, "filterPattern": pattern, "metricTransformations": metrics}
        assert _refused(cloudwatch, "PutMetricFilter", **members) == "InvalidParameterException"
    both = {**METRIC, "defaultValue": 0, "dimensions": {"a": "$.a"}}
    members = {**where, "filterPattern": "{ $.a = * }", "metricTransformations": [both]}
    assert _refused(cloudwatch, "PutMetricFilter", **members) == "InvalidParameterException"


def test_subscription_filters(cloudwatch):
    """A group has two at most; putting one again replaces it."""
    where = {"logGroupName": "/app", "filterPattern": "", "destinationArn": LAMBDA}
    for name in ("a", "b", "a"):
        _ask(cloudwatch, "PutSubscriptionFilter", **where, filterName=name)
    more = _refused(cloudwatch, "PutSubscriptionFilter", **where, filterName="c")
    assert more == "LimitExceededException"
    found = _ask(cloudwatch, "DescribeSubscriptionFilters", logGroupName="/app")
    assert [
        (each["filterName"], each["distribution"]) for each in found["subscriptionFilters"]
    ] == [
        ("a", "ByLogStream"),
        ("b", "ByLogStream"),
    ]
    _ask(cloudwatch, "DeleteSubscriptionFilter", logGroupName="/app", filterName="a")
    again = _refused(cloudwatch, "DeleteSubscriptionFilter", logGroupName="/app", filterName="a")
    assert again == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "destination", ["f", "arn:aws:s3:::bucket", LAMBDA.replace("lambda", "kinesis")]
)
def test_a_subscription_needs_a_right_destination(cloudwatch, destination):
    """Only four services take events, and a stream of Kinesis needs a role."""
    members = {"logGroupName": "/app", "filterName": "a", "filterPattern": ""}
    refused = _refused(cloudwatch, "PutSubscriptionFilter", **members, destinationArn=destination)
    assert refused == "InvalidParameterException"
