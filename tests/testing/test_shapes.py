"""Every operation against the service model that AWS publishes, as botocore ships it."""

from __future__ import annotations

import copy
import functools
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from aiowatchtower.testing import CloudWatchLogs
from aiowatchtower.testing._model import check, regular_expression
from aiowatchtower.testing._operations import (
    LOGS_OPERATIONS,
    OPERATIONS,
    STS_OPERATIONS,
    method_name,
)
from aiowatchtower.testing._types import Refusal

NOW_MS = 1_800_000_000_000
ARN = "arn:aws:logs:us-east-1:123456789012:log-group:/app"
KEY = "arn:aws:kms:us-east-1:123456789012:key/0"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:f"
METRIC = {"metricName": "Errors", "metricNamespace": "Shop", "metricValue": "1", "unit": "Count"}
GROUP: dict[str, Any] = {"logGroupName": "/app"}
WHERE: dict[str, Any] = {**GROUP, "logStreamName": "web"}
EVENTS = [{"timestamp": NOW_MS + at, "message": f"m{at}"} for at in range(3)]

# One request for each operation, in an order in which all of them succeed.
SCRIPT: list[tuple[str, dict[str, Any]]] = [
    ("CreateLogGroup", {**GROUP, "tags": {"a": "b"}, "logGroupClass": "STANDARD"}),
    ("CreateLogStream", WHERE),
    ("PutLogEvents", {**WHERE, "logEvents": EVENTS, "entity": {"keyAttributes": {"Type": "x"}}}),
    ("PutLogEvents", {**WHERE, "logEvents": [{"timestamp": 1, "message": "old"}, *EVENTS]}),
    ("PutRetentionPolicy", {**GROUP, "retentionInDays": 7}),
    ("AssociateKmsKey", {**GROUP, "kmsKeyId": KEY}),
    ("TagLogGroup", {**GROUP, "tags": {"c": "d"}}),
    ("TagResource", {"resourceArn": ARN, "tags": {"e": "f"}}),
    ("ListTagsLogGroup", GROUP),
    ("ListTagsForResource", {"resourceArn": ARN}),
    ("UntagLogGroup", {**GROUP, "tags": ["c"]}),
    ("UntagResource", {"resourceArn": ARN, "tagKeys": ["e"]}),
    (
        "PutMetricFilter",
        {
            **GROUP,
            "filterName": "m",
            "filterPattern": "{ $.level = ERROR }",
            "metricTransformations": [METRIC],
        },
    ),
    ("DescribeMetricFilters", GROUP),
    (
        "PutSubscriptionFilter",
        {**GROUP, "filterName": "s", "filterPattern": "", "destinationArn": LAMBDA},
    ),
    ("DescribeSubscriptionFilters", GROUP),
    ("DescribeLogGroups", {"limit": 1}),
    ("ListLogGroups", {"limit": 1}),
    ("DescribeLogStreams", {**GROUP, "orderBy": "LastEventTime", "descending": True}),
    ("GetLogEvents", {**WHERE, "limit": 2, "startFromHead": True}),
    ("FilterLogEvents", {"logGroupIdentifier": ARN, "limit": 2, "filterPattern": "m1"}),
    (
        "StartQuery",
        {**GROUP, "startTime": 0, "endTime": 2_000_000_000, "queryString": "fields @message"},
    ),
    ("GetQueryResults", {"queryId": "the one above"}),
    ("DeleteMetricFilter", {**GROUP, "filterName": "m"}),
    ("DeleteSubscriptionFilter", {**GROUP, "filterName": "s"}),
    ("DisassociateKmsKey", GROUP),
    ("DeleteRetentionPolicy", GROUP),
    ("DeleteLogStream", WHERE),
    ("DeleteLogGroup", GROUP),
    ("GetCallerIdentity", {}),
    (
        "AssumeRole",
        {"RoleArn": "arn:aws:iam::123456789012:role/reader", "RoleSessionName": "test"},
    ),
]


# The oldest botocore that is allowed does not have these yet, and the service then refuses the operation.
NEWER_OPERATIONS = {"ListLogGroups"}
NEWER_MEMBERS = {"deletionProtectionEnabled"}


@functools.cache
def _service(service):
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _model(name):
    return _service("logs" if name in LOGS_OPERATIONS else "sts").operation_model(name)


UNKNOWN_HERE = set(LOGS_OPERATIONS) - set(_service("logs").operation_names)
KNOWN_HERE = [name for name in OPERATIONS if name not in UNKNOWN_HERE]


def test_botocore_knows_the_operations():
    """Every operation is in the model of the botocore that is installed; an old one may lack a newer operation."""
    assert UNKNOWN_HERE <= NEWER_OPERATIONS
    for name in UNKNOWN_HERE:
        reply = CloudWatchLogs().respond(name, {})
        assert (reply.status, reply.body["__type"]) == (400, "UnknownOperationException")
        assert "the botocore that is installed does not know it" in str(reply.body["message"])


def _undeclared(shape, value, path=""):
    """Yield the paths of members that a shape does not have."""
    if shape.type_name == "structure":
        for name, inner in value.items():
            if name not in shape.members:
                yield f"{path}.{name}"
            else:
                yield from _undeclared(shape.members[name], inner, f"{path}.{name}")
    elif shape.type_name == "list":
        for inner in value:
            yield from _undeclared(shape.member, inner, path)


def _without_newer(value):
    """Return an answer without the members that an old botocore does not know."""
    if isinstance(value, dict):
        return {
            key: _without_newer(each) for key, each in value.items() if key not in NEWER_MEMBERS
        }
    return [_without_newer(each) for each in value] if isinstance(value, list) else value


def test_every_operation_answers_in_its_shape():
    """Requests are valid to botocore, and answers have the declared members and types, the required ones always."""
    cloudwatch = CloudWatchLogs(clock=lambda: NOW_MS / 1000, queries_running=0)
    asked = set()
    query = ""
    for name, written in SCRIPT:
        if name in UNKNOWN_HERE:
            continue
        members = {"queryId": query} if name == "GetQueryResults" else written
        shape = _model(name).input_shape
        report = ParamValidator().validate(members, shape) if shape else None
        assert report is None or not report.has_errors(), report.generate_report()
        reply = cloudwatch.respond(name, dict(members))
        assert reply.status == 200, (name, reply)
        query = str(reply.body.get("queryId", query))
        asked.add(name)
        output = _model(name).output_shape
        if output is None:
            assert reply.body == {}, name
            continue
        body = _without_newer(reply.body) if UNKNOWN_HERE else reply.body
        assert list(_undeclared(output, body)) == [], name
        report = ParamValidator().validate(body, output)
        assert not report.has_errors(), (name, report.generate_report())
    assert asked == set(KNOWN_HERE)


BASE = {name: members for name, members in SCRIPT if name != "PutLogEvents" and name in KNOWN_HERE}
WRONG: list[object] = [
    None,
    "",
    "x" * 3000,
    "a b*:\n",
    0,
    -1,
    2**70,
    1.5,
    True,
    [],
    ["", 1],
    {},
    {"a": 1},
    [{}],
]


@st.composite
def _mutated(draw):
    """Draw a valid request with one member changed to something else, or left out."""
    name = draw(st.sampled_from(sorted(BASE)))
    members = copy.deepcopy(BASE[name])
    shape = _model(name).input_shape
    if shape is not None and shape.members:
        member = draw(st.sampled_from(sorted(shape.members)))
        value = draw(st.sampled_from(WRONG))
        if value is None:
            members.pop(member, None)
        else:
            members[member] = value
    return name, members


@given(_mutated())
def test_what_botocore_refuses_is_refused_here(request_):
    """Whatever botocore's own validator finds wrong with a request, the service finds wrong as well."""
    name, members = request_
    shape = _model(name).input_shape
    if shape is None or not ParamValidator().validate(members, shape).has_errors():
        return
    with pytest.raises(Refusal) as caught:
        check("logs" if name in LOGS_OPERATIONS else "sts", name, members)
    assert caught.value.code in ("InvalidParameterException", "SerializationException")


def test_every_pattern_of_the_model_can_be_read():
    """Java's patterns of all members that the operations take mean something to Python."""

    def patterns(shape, seen):
        if shape.name in seen:
            return
        seen.add(shape.name)
        if shape.metadata.get("pattern"):
            yield shape.metadata["pattern"]
        inner = list(getattr(shape, "members", {}).values())
        inner += [
            getattr(shape, side) for side in ("member", "key", "value") if hasattr(shape, side)
        ]
        for each in inner:
            yield from patterns(each, seen)

    found = set()
    for name in KNOWN_HERE:
        shape = _model(name).input_shape
        if shape is not None:
            found |= set(patterns(shape, set()))
    assert len(found) > 5
    for pattern in found:
        assert "\\p" not in regular_expression(pattern).pattern


def test_every_violation_is_named():
    """A request that breaks two rules is told both, in AWS's words."""
    with pytest.raises(Refusal) as caught:
        check("logs", "PutSubscriptionFilter", {"logGroupName": "a b", "filterName": "x:"})
    assert caught.value.message.startswith("4 validation errors detected: Value 'null' at ")
    assert (
        "Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular"
        " expression pattern: [\\.\\-_/#A-Za-z0-9]+"
    ) in caught.value.message


def test_elements_are_judged():
    """Elements of lists and maps have rules of their own."""
    with pytest.raises(
        Refusal, match=r"Map keys must satisfy constraint: \[Member must have length"
    ):
        check("logs", "TagResource", {"resourceArn": ARN, "tags": {"": "x"}})
    with pytest.raises(Refusal, match="'logStreamNames' failed to satisfy constraint: Member must"):
        check("logs", "FilterLogEvents", {"logStreamNames": ["a:b"]})
    with pytest.raises(Refusal, match=r"'metricTransformations\.1\.member\.metricName'"):
        check(
            "logs",
            "PutMetricFilter",
            {**BASE["PutMetricFilter"], "metricTransformations": [{**METRIC, "metricName": "a:b"}]},
        )


def test_names_are_those_of_botocore():
    """A method of the client in memory is called as botocore calls it."""
    from botocore import xform_name

    assert [method_name(name) for name in OPERATIONS] == [xform_name(name) for name in OPERATIONS]
    assert STS_OPERATIONS == ("GetCallerIdentity", "AssumeRole")
