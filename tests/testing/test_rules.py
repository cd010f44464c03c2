"""Each rule of CloudWatch Logs that the fake enforces, one by one."""

from __future__ import annotations

import gzip
import json

import pytest

from aiowatchtower.testing import CloudWatchLogs, Reply, Wire
from aiowatchtower.testing._operations import OPERATIONS
from aiowatchtower.testing._service import PERFORM

NOW = 1_800_000_000.0
NOW_MS = int(NOW * 1000)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/0"


def _event(message="x", at=0):
    return {"timestamp": NOW_MS + at, "message": message}


def _put(cloudwatch, *events, **more) -> Reply:
    body = {"logGroupName": "/app", "logStreamName": "web", "logEvents": list(events), **more}
    return cloudwatch.respond("PutLogEvents", json.dumps(body).encode())


def _ask(cloudwatch, action, **members) -> Reply:
    return cloudwatch.respond(action, members)


def _make(**options):
    cloudwatch = CloudWatchLogs(clock=lambda: NOW, **options)
    assert _ask(cloudwatch, "CreateLogGroup", logGroupName="/app").status == 200
    assert (
        _ask(cloudwatch, "CreateLogStream", logGroupName="/app", logStreamName="web").status == 200
    )
    return cloudwatch


@pytest.fixture
def cloudwatch():
    """Hold the group /app with the stream web."""
    return _make()


def _full_batch(size):
    """Return 1024 events that together count for `size` bytes."""
    each, rest = divmod(size - 1024 * 26, 1024)
    return [_event("é" * (each // 2) + "x" * (each % 2))] * 1023 + [_event("y" * (each + rest))]


ACCEPTED = {
    "one event": [_event()],
    "10 000 events": [_event()] * 10_000,
    "exactly 1 048 576 bytes in UTF-8": _full_batch(1_048_576),
    "the largest event": [_event("x" * (1_048_576 - 26))],
    "24 hours apart": [_event(at=-DAY_MS), _event()],
    "equal milliseconds": [_event("a"), _event("b")],
    "NUL and line breaks": [_event("\0\n")],
}


@pytest.mark.parametrize("events", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_batch_within_the_limits_is_accepted(cloudwatch, events):
    """What lies exactly at a limit is accepted whole."""
    answer = _put(cloudwatch, *events)
    assert answer.status == 200
    assert "rejectedLogEventsInfo" not in answer.body
    assert cloudwatch.messages("/app") == [each["message"] for each in events]


TOO_MANY = "length less than or equal to 10000"
REFUSED = {
    "no event": ([], "InvalidParameterException", "'logEvents' failed to satisfy"),
    "10 001 events": ([_event()] * 10_001, "InvalidParameterException", TOO_MANY),
    "1 048 577 bytes": (
        _full_batch(1_048_577),
        "InvalidParameterException",
        "Upload too large: 1048577 bytes exceeds limit of 1048576",
    ),
    "one byte too large": (
        [_event("x" * (1_048_576 - 25))],
        "InvalidParameterException",
        "Log event too large: 1048577 bytes exceeds limit of 1048576",
    ),
    "out of order": (
        [_event(), _event(at=-1)],
        "InvalidParameterException",
        "Log events in a single PutLogEvents request must be in chronological order.",
    ),
    "24 hours and a millisecond": (
        [_event(at=-DAY_MS - 1), _event()],
        "InvalidParameterException",
        "cannot span more than 24 hours.",
    ),
    "empty message": (
        [_event(), _event("")],
        "InvalidParameterException",
        "'logEvents.2.member.message' failed to satisfy constraint: Member must have length",
    ),
    "no message": ([{"timestamp": 1}], "InvalidParameterException", "must not be null"),
    "no timestamp": ([{"message": "x"}], "InvalidParameterException", "must not be null"),
    "negative timestamp": (
        [{"timestamp": -1, "message": "x"}],
        "InvalidParameterException",
        "greater than or equal to 0",
    ),
    "fractional timestamp": (
        [{"timestamp": 1.5, "message": "x"}],
        "SerializationException",
        "Long",
    ),
    "boolean timestamp": ([{"timestamp": True, "message": "x"}], "SerializationException", "Long"),
    "timestamp past a Long": (
        [{"timestamp": 2**63, "message": "x"}],
        "SerializationException",
        "Long",
    ),
    "number as a message": (
        [{"timestamp": 1, "message": 1}],
        "SerializationException",
        "String",
    ),
    "lone surrogate": ([_event("\ud800")], "SerializationException", "surrogate"),
    "not an object": (["x"], "SerializationException", "structure"),
}


@pytest.mark.parametrize(("events", "code", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_batch_outside_the_limits_is_refused_whole(cloudwatch, events, code, text):
    """What breaks a rule is refused with AWS's code, and nothing of it is kept."""
    answer = _put(cloudwatch, *events)
    assert (answer.status, answer.error_code) == (400, code)
    assert text in answer.error_message
    assert cloudwatch.messages("/app") == []


def test_event_limit_is_a_setting():
    """The limit that held until 2025 can be set, and the refusal teaches it."""
    cloudwatch = _make(max_event_bytes=262_144)
    assert _put(cloudwatch, _event("x" * (262_144 - 26))).status == 200
    answer = _put(cloudwatch, _event("x" * (292_824 - 26)))
    assert answer.body["message"] == "Log event too large: 292824 bytes exceeds limit of 262144"


def _rejected(answer):
    assert answer.status == 200
    return answer.body.get("rejectedLogEventsInfo")


def test_too_old_events_are_left_out(cloudwatch):
    """Events older than 14 days end before the index given; the rest is accepted."""
    old = -14 * DAY_MS
    answer = _put(cloudwatch, _event("a", old - 2), _event("b", old - 1), _event("c", old))
    assert _rejected(answer) == {"tooOldLogEventEndIndex": 2}
    assert cloudwatch.messages("/app") == ["c"]


def test_too_new_events_are_left_out(cloudwatch):
    """Events more than two hours ahead start at the index given; the rest is accepted."""
    answer = _put(cloudwatch, _event("a", 2 * HOUR_MS), _event("b", 2 * HOUR_MS + 1))
    assert _rejected(answer) == {"tooNewLogEventStartIndex": 1}
    assert cloudwatch.messages("/app") == ["a"]


def test_expired_events_are_left_out(cloudwatch):
    """Events older than the group's retention end before the index given."""
    _ask(cloudwatch, "PutRetentionPolicy", logGroupName="/app", retentionInDays=3)
    answer = _put(cloudwatch, _event("a", -3 * DAY_MS - 1), _event("b", -3 * DAY_MS))
    assert _rejected(answer) == {"expiredLogEventEndIndex": 1}
    assert cloudwatch.messages("/app") == ["b"]


def test_every_reason_in_one_batch(cloudwatch):
    """Too old comes first, then expired, then the accepted ones, then too new."""
    _ask(cloudwatch, "PutRetentionPolicy", logGroupName="/app", retentionInDays=7)
    answer = _put(
        cloudwatch,
        _event("too old", -14 * DAY_MS - 1),
        _event("expired", -7 * DAY_MS - 1),
        _event("fine", -7 * DAY_MS),
        _event("too new", 3 * HOUR_MS),
    )
    assert _rejected(answer) == {
        "tooOldLogEventEndIndex": 1,
        "expiredLogEventEndIndex": 2,
        "tooNewLogEventStartIndex": 3,
    }
    assert cloudwatch.messages("/app") == ["fine"]


def test_rejected_events_do_not_count_for_the_span(cloudwatch):
    """The 24 hours are those of events that are neither too old nor too new."""
    answer = _put(
        cloudwatch, _event("1970", -NOW_MS), _event("now"), _event("next year", 365 * DAY_MS)
    )
    assert _rejected(answer) == {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2}


ENTITIES = {
    "fine": ({"Type": "Service", "Name": "shop"}, None),
    "no type": ({"Name": "shop", "Environment": "test"}, "MissingRequiredFields"),
    "unknown type": ({"Type": "Shop", "Name": "shop"}, "InvalidTypeValue"),
    "one key": ({"Type": "Service"}, "InvalidKeyAttributes"),
}


@pytest.mark.parametrize(("keys", "error"), ENTITIES.values(), ids=ENTITIES.keys())
def test_a_bad_entity_does_not_cost_the_events(cloudwatch, keys, error):
    """A refused entity is reported beside accepted events."""
    answer = _put(cloudwatch, _event("kept"), entity={"keyAttributes": keys})
    assert answer.body.get("rejectedEntityInfo") == (error and {"errorType": error})
    assert cloudwatch.messages("/app") == ["kept"]


NAMES = {
    "empty group": ("CreateLogGroup", {"logGroupName": ""}),
    "no group": ("CreateLogGroup", {}),
    "group with a space": ("CreateLogGroup", {"logGroupName": "a b"}),
    "group with a line break": ("CreateLogGroup", {"logGroupName": "a\n"}),
    "513 characters": ("CreateLogGroup", {"logGroupName": "x" * 513}),
    "reserved": ("CreateLogGroup", {"logGroupName": "aws/mine"}),
    "stream with a colon": ("CreateLogStream", {"logGroupName": "/app", "logStreamName": "a:b"}),
    "stream with a star": ("CreateLogStream", {"logGroupName": "/app", "logStreamName": "*"}),
    "no stream": ("CreateLogStream", {"logGroupName": "/app"}),
    "retention of 2 days": ("PutRetentionPolicy", {"logGroupName": "/app", "retentionInDays": 2}),
    "no retention": ("PutRetentionPolicy", {"logGroupName": "/app"}),
    "no tags": ("CreateLogGroup", {"logGroupName": "/b", "tags": {}}),
    "51 tags": ("CreateLogGroup", {"logGroupName": "/b", "tags": {str(n): "" for n in range(51)}}),
    "tag name": ("CreateLogGroup", {"logGroupName": "/b", "tags": {"a*b": ""}}),
    "tag value": ("CreateLogGroup", {"logGroupName": "/b", "tags": {"a": "x" * 257}}),
    "aws: tag": ("CreateLogGroup", {"logGroupName": "/b", "tags": {"aws:x": ""}}),
    "class": ("CreateLogGroup", {"logGroupName": "/b", "logGroupClass": "CHEAP"}),
    "kms key": ("CreateLogGroup", {"logGroupName": "/b", "kmsKeyId": "my-key"}),
    "limit": ("DescribeLogGroups", {"limit": 51}),
    "token": ("DescribeLogGroups", {"nextToken": "x"}),
}


@pytest.mark.parametrize(("action", "members"), NAMES.values(), ids=NAMES.keys())
def test_bad_parameter_is_refused(cloudwatch, action, members):
    """Names, retention, tags, class, key and paging must be what the service model allows."""
    answer = _ask(cloudwatch, action, **members)
    assert (answer.status, answer.error_code) == (400, "InvalidParameterException")
    assert list(cloudwatch.groups) == ["/app"]


def test_group_keeps_what_it_was_created_with(cloudwatch):
    """Tags, key, class and retention show on the group."""
    created = {"tags": {"team": "web"}, "kmsKeyId": KMS_KEY, "logGroupClass": "INFREQUENT_ACCESS"}
    _ask(cloudwatch, "CreateLogGroup", logGroupName="/b", **created)
    _ask(cloudwatch, "PutRetentionPolicy", logGroupName="/b", retentionInDays=30)
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:/b"
    _ask(cloudwatch, "TagResource", resourceArn=arn, tags={"cost": "1"})
    group = cloudwatch.groups["/b"]
    assert group.tags == {"team": "web", "cost": "1"}
    assert group.retention_days == 30
    assert (group.kms_key_id, group.group_class) == (KMS_KEY, "INFREQUENT_ACCESS")


def test_what_exists_cannot_be_created_again(cloudwatch):
    """A second creation says so, in AWS's words."""
    group = _ask(cloudwatch, "CreateLogGroup", logGroupName="/app")
    stream = _ask(cloudwatch, "CreateLogStream", logGroupName="/app", logStreamName="web")
    assert group.body == {
        "__type": "ResourceAlreadyExistsException",
        "message": "The specified log group already exists",
    }
    assert stream.body["message"] == "The specified log stream already exists"


def test_what_does_not_exist_is_named(cloudwatch):
    """A missing group and a missing stream have different texts."""
    cloudwatch.delete_stream("/app", "web")
    assert _put(cloudwatch, _event()).body["message"] == "The specified log stream does not exist."
    cloudwatch.delete_group("/app")
    answer = _put(cloudwatch, _event())
    assert answer.error_code == "ResourceNotFoundException"
    assert answer.body["message"] == "The specified log group does not exist."


def test_new_stream_is_seen_late():
    """With eventual consistency the first puts after a creation do not find the stream."""
    cloudwatch = _make(eventual_consistency=2)
    codes = [_put(cloudwatch, _event()).error_code for _ in range(3)]
    assert codes == ["ResourceNotFoundException", "ResourceNotFoundException", ""]


def test_stream_creation_is_throttled():
    """Past its rate CreateLogStream answers ThrottlingException."""
    cloudwatch = _make(create_streams_per_second=3)
    answers = [
        _ask(cloudwatch, "CreateLogStream", logGroupName="/app", logStreamName=str(n))
        for n in range(3)
    ]
    assert [answer.error_code for answer in answers] == ["", "", "ThrottlingException"]
    cloudwatch.configure(clock_offset=1)
    again = _ask(cloudwatch, "CreateLogStream", logGroupName="/app", logStreamName="2")
    assert again.status == 200


def test_only_what_the_policy_allows_is_allowed(cloudwatch):
    """An action that is not allowed is denied before anything else is looked at, in AWS's words."""
    cloudwatch.configure(allow={"CreateLogStream"})
    answer = _put(cloudwatch)
    assert answer.body == {
        "__type": "AccessDeniedException",
        "message": (
            "User: arn:aws:iam::123456789012:user/test is not authorized to perform: "
            "logs:PutLogEvents on resource: "
            "arn:aws:logs:us-east-1:123456789012:log-group:/app:log-stream:web "
            "because no identity-based policy allows the logs:PutLogEvents action"
        ),
    }


@pytest.mark.parametrize(
    ("members", "permission"),
    [({"tags": {"a": "b"}}, "TagResource"), ({"kmsKeyId": KMS_KEY}, "AssociateKmsKey")],
)
def test_parameters_need_permissions_of_their_own(cloudwatch, members, permission):
    """A group is created without a denied parameter, and not with it."""
    cloudwatch.configure(deny={permission})
    denied = _ask(cloudwatch, "CreateLogGroup", logGroupName="/b", **members)
    assert denied.error_code == "AccessDeniedException"
    assert f"logs:{permission}" in denied.error_message
    assert _ask(cloudwatch, "CreateLogGroup", logGroupName="/b").status == 200


def test_unknown_kms_key_is_refused():
    """A key that is not there cannot encrypt a group."""
    cloudwatch = _make(kms_keys=[])
    answer = _ask(cloudwatch, "AssociateKmsKey", logGroupName="/app", kmsKeyId=KMS_KEY)
    assert answer.error_code == "InvalidParameterException"
    assert "does not exist or is not allowed to be used" in answer.error_message


def test_protected_group_is_not_deleted(cloudwatch):
    """Deletion protection holds against the API."""
    _ask(cloudwatch, "CreateLogGroup", logGroupName="/b", deletionProtectionEnabled=True)
    assert _ask(cloudwatch, "DeleteLogGroup", logGroupName="/b").status == 400
    assert _ask(cloudwatch, "DeleteLogGroup", logGroupName="/app").status == 200
    assert list(cloudwatch.groups) == ["/b"]


BODIES = {
    "not JSON": (b"{", ""),
    "not an object": (b"[]", ""),
    "not UTF-8": (b'{"logGroupName": "\xff"}', ""),
    "UTF-16": ('{"logGroupName": "/b"}'.encode("utf-16"), ""),
    "NaN": (b'{"limit": NaN}', ""),
    "raw line break": (b'{"logGroupName": "/\n"}', ""),
    "not gzip": (b"{}", "gzip"),
    "half of a gzip": (gzip.compress(b'{"logGroupName": "/b"}')[:-9], "gzip"),
    "unknown encoding": (b"{}", "br"),
}


@pytest.mark.parametrize(("body", "encoding"), BODIES.values(), ids=BODIES.keys())
def test_unreadable_body_is_refused(cloudwatch, body, encoding):
    """Only strict JSON in UTF-8, plain or in gzip, is read."""
    answer = cloudwatch.respond("CreateLogGroup", body, Wire(encoding))
    assert (answer.status, answer.error_code) == (400, "SerializationException")


def test_gzip_is_read(cloudwatch):
    """A body may come compressed."""
    body = gzip.compress(b'{"logGroupName": "/b"}')
    assert cloudwatch.respond("CreateLogGroup", body, Wire("gzip")).status == 200


def test_unknown_action_is_refused(cloudwatch):
    """An action that this service does not have is named as such."""
    answer = _ask(cloudwatch, "PutLogEvent")
    assert answer.error_code == "UnknownOperationException"
    assert answer.error_message.startswith("PutLogEvent: this service has PutLogEvents, ")


@pytest.mark.parametrize("name", ["allow", "deny"])
def test_a_policy_about_an_unknown_action_is_refused(name):
    """One that names what nobody asks for would let a test pass that tests nothing."""
    with pytest.raises(
        ValueError, match=f"{name}: no action 'logs:PutLogEvents'; there are PutLogEvents, "
    ):
        CloudWatchLogs(**{name: ["logs:PutLogEvents"]})  # type: ignore[arg-type]


def test_every_operation_is_carried_out():
    """Each operation in the list has the function of its name."""
    assert set(PERFORM) == set(OPERATIONS)


def test_unknown_setting_is_refused():
    """A misspelt setting raises and lists the known ones."""
    with pytest.raises(TypeError, match="unknown setting 'permit'; known are allow"):
        CloudWatchLogs(permit={"PutLogEvents"})  # type: ignore[call-arg]
