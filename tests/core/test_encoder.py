"""The body of PutLogEvents, read back by the service itself."""

from __future__ import annotations

import gzip
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiowatchtower._core.encoder import Body, encode
from aiowatchtower.testing import CloudWatchLogs, Wire

NOW_MS = 1_800_000_000_000


def _encoded(*arguments, **keywords) -> Body:
    """Run an encoding to its end, as the client does between turns of the loop."""
    work = encode(*arguments, **keywords)
    while True:
        try:
            next(work)
        except StopIteration as finished:
            return finished.value


def _events(messages):
    return [
        ("web", NOW_MS + n, text, len(text.encode()) + 26, 0) for n, text in enumerate(messages)
    ]


def _read(body) -> dict[str, object]:
    is_packed = body.headers.get("Content-Encoding") == "gzip"
    return json.loads(gzip.decompress(body.data) if is_packed else body.data)


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(st.lists(texts, min_size=1, max_size=500), st.booleans())
def test_the_service_reads_back_any_text(messages, compress):
    """Whatever the messages hold, the service stores exactly them, packed or not."""
    cloudwatch = CloudWatchLogs(clock=lambda: NOW_MS / 1000)
    cloudwatch.respond("CreateLogGroup", {"logGroupName": "/app"})
    cloudwatch.respond("CreateLogStream", {"logGroupName": "/app", "logStreamName": "web"})
    body = _encoded("/app", "web", _events(messages), compress=compress)
    wire = Wire(body.headers.get("Content-Encoding", ""))
    assert cloudwatch.respond("PutLogEvents", body.data, wire).status == 200
    assert cloudwatch.messages("/app", "web") == messages


@pytest.mark.parametrize("count", [1, 199, 200, 201, 400, 401])
def test_slices_leave_no_seam(count):
    """Events at the border of two slices are there once, in order."""
    events = _events([str(number) for number in range(count)])
    assert _read(_encoded("/app", "web", events)) == {
        "logGroupName": "/app",
        "logStreamName": "web",
        "logEvents": [{"timestamp": at, "message": text} for _, at, text, *_ in events],
    }


def test_names_may_hold_what_json_escapes():
    """A stream's name with quotes and letters of any script arrives as it is."""
    name = 'a"b\\ü/日'
    assert _read(_encoded("/app", name, _events(["x"])))["logStreamName"] == name


def test_an_entity_is_passed_through():
    """An entity goes out as it was given, and none when none was."""
    entity = {"keyAttributes": {"Type": "Service", "Name": "wéb"}, "attributes": {}}
    assert _read(_encoded("/app", "web", _events(["x"]), entity=entity))["entity"] == entity
    assert "entity" not in _read(_encoded("/app", "web", _events(["x"])))


@pytest.mark.parametrize(
    ("length", "compress", "is_packed"),
    [(374, True, True), (373, True, False), (100_000, False, False)],
)
def test_a_body_is_packed_where_that_pays(length, compress, is_packed):
    """Tiny batches, and all when compression is off, go out as they are."""
    body = _encoded("/app", "web", _events(["x" * length]), compress=compress)
    assert (body.headers.get("Content-Encoding") == "gzip") is is_packed


@pytest.mark.parametrize("compress", [True, False])
def test_the_hash_is_that_of_what_is_sent(compress):
    """The header that botocore signs with is the hash of the bytes on the wire."""
    body = _encoded("/app", "web", _events(["x" * 1_000]), compress=compress)
    assert body.headers["X-Amz-Content-SHA256"] == hashlib.sha256(body.data).hexdigest()
