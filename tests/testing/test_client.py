"""The in-memory client: as an aiobotocore client, without a socket."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import time

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    ParamValidationError,
)

from aiowatchtower.testing import CloudWatchLogs

PUT = "cloudwatch-logs.PutLogEvents"
WHERE = {"logGroupName": "/app", "logStreamName": "web"}


@pytest.fixture
def cloudwatch():
    """Hold the group /app with the stream web."""
    cloudwatch = CloudWatchLogs()
    cloudwatch.respond("CreateLogGroup", {"logGroupName": "/app"})
    cloudwatch.respond("CreateLogStream", dict(WHERE))
    return cloudwatch


def _events(*messages):
    return [{"timestamp": int(time.time() * 1000), "message": message} for message in messages]


def _client_of(cloudwatch):
    return cloudwatch.client()


async def _put(client, *messages):
    return await client.put_log_events(**WHERE, logEvents=_events(*messages))


async def test_put_is_stored_and_remembered(cloudwatch):
    """A put shows in the messages and in the requests."""
    async with cloudwatch.client() as client:
        answer = await _put(client, "hé", "ho")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert cloudwatch.messages("/app") == ["hé", "ho"]
    [request] = cloudwatch.calls("PutLogEvents")
    assert (request.group, request.stream, request.event_count) == ("/app", "web", 2)
    assert (request.batch_bytes, request.status, request.error_code) == (5 + 52, 200, "")


async def test_groups_are_made_and_read_through_the_client():
    """The other actions have their methods."""
    cloudwatch = CloudWatchLogs(region_name="eu-west-1")
    client = _client_of(cloudwatch)
    assert client.meta.region_name == "eu-west-1"
    await client.create_log_group(logGroupName="/app", tags={"a": "b"})
    await client.tag_log_group(logGroupName="/app", tags={"c": "d"})
    arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/app"
    await client.tag_resource(resourceArn=arn, tags={"e": "f"})
    key = "arn:aws:kms:eu-west-1:123456789012:key/0"
    await client.associate_kms_key(logGroupName="/app", kmsKeyId=key)
    await client.put_retention_policy(logGroupName="/app", retentionInDays=7)
    await client.create_log_stream(**WHERE)
    await _put(client, "x")
    assert len((await client.describe_log_groups())["logGroups"]) == 1
    assert len((await client.describe_log_streams(logGroupName="/app"))["logStreams"]) == 1
    assert [e["message"] for e in (await client.get_log_events(**WHERE))["events"]] == ["x"]
    assert len((await client.filter_log_events(logGroupName="/app"))["events"]) == 1
    assert cloudwatch.groups["/app"].tags == {"a": "b", "c": "d", "e": "f"}
    await client.delete_log_stream(**WHERE)
    await client.delete_log_group(logGroupName="/app")
    assert cloudwatch.groups == {}


async def test_refusal_is_a_client_error(cloudwatch):
    """AWS's code, text and status are where botocore puts them."""
    with pytest.raises(ClientError) as caught:
        await _put(cloudwatch.client(), "")
    response = caught.value.response
    assert response["Error"]["Code"] == "InvalidParameterException"
    assert "logEvents.1.member.message" in response["Error"]["Message"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("as_file", [False, True], ids=["bytes", "file"])
async def test_hook_may_replace_the_body(cloudwatch, as_file):
    """What a before-call handler leaves in `params` is what the service reads, gzip included."""
    client = cloudwatch.client()
    body = gzip.compress(json.dumps({**WHERE, "logEvents": _events("from the hook")}).encode())

    def replace(params, **_):
        params["body"] = io.BytesIO(body) if as_file else body
        params["headers"]["Content-Encoding"] = "gzip"

    client.meta.events.register(f"before-call.{PUT}", replace)
    await client.put_log_events(**WHERE, logEvents=[])
    assert cloudwatch.messages("/app") == ["from the hook"]
    assert cloudwatch.requests[0].encoding == "gzip"
    assert cloudwatch.requests[0].wire_bytes == len(body)

    client.meta.events.unregister(f"before-call.{PUT}", replace)
    await _put(client, "plain")
    assert cloudwatch.requests[1].encoding == ""


async def test_handlers_see_the_answer(cloudwatch):
    """An after-call handler, async ones too, gets the HTTP answer and what was made of it."""
    client = cloudwatch.client()
    seen = []

    async def look(http_response, parsed, **_):
        content = await http_response.content
        seen.append((http_response.status_code, json.loads(content), parsed))

    client.meta.events.register(f"after-call.{PUT}", look)
    answer = await _put(client, "x")
    [(status, content, parsed)] = seen
    assert (status, content["nextSequenceToken"]) == (200, answer["nextSequenceToken"])
    assert parsed is answer


async def test_handler_may_answer_by_itself(cloudwatch):
    """A before-call handler that returns an answer keeps the request from the service, as in botocore."""
    client = cloudwatch.client()

    class Response:
        status_code = 200

    client.meta.events.register(f"before-call.{PUT}", lambda **_: (Response(), {"short": "cut"}))
    assert await _put(client, "x") == {"short": "cut"}
    assert cloudwatch.requests == []


async def test_none_is_no_parameter(cloudwatch):
    """As with botocore, an optional parameter is left out, not set to None."""
    with pytest.raises(ParamValidationError, match="kmsKeyId"):
        await cloudwatch.client().create_log_group(logGroupName="/b", kmsKeyId=None)


async def test_closed_client_refuses(cloudwatch):
    """After close, which may be called again, no request goes out."""
    client = cloudwatch.client()
    await client.close()
    await client.close()
    with pytest.raises(HTTPClientError):
        await _put(client, "x")
    assert cloudwatch.requests == []


LOST = {
    "reset": ("reset_before_reading", EndpointConnectionError, []),
    "cut": ("cut", ConnectionClosedError, []),
    "cut after accepting": ("cut_after_accepting", ConnectionClosedError, ["x"]),
}


@pytest.mark.parametrize(("fault", "error", "kept"), LOST.values(), ids=LOST.keys())
async def test_lost_answer_is_a_connection_error(cloudwatch, fault, error, kept):
    """Faults of the connection show as the exceptions that aiobotocore raises."""
    getattr(cloudwatch.faults, fault)(times=1)
    client = cloudwatch.client()
    with pytest.raises(error):
        await _put(client, "x")
    assert cloudwatch.messages("/app") == kept
    assert (cloudwatch.requests[0].status == 200) == bool(kept)
    await _put(client, "y")
    assert cloudwatch.messages("/app") == [*kept, "y"]


async def test_garbage_reaches_the_handlers(cloudwatch):
    """A captive portal's page is a success without content to botocore, and the handlers see the page."""
    cloudwatch.faults.garbage("html_200")
    client = cloudwatch.client()
    pages = []

    async def look(http_response, **_):
        pages.append(await http_response.content)

    client.meta.events.register(f"after-call.{PUT}", look)
    answer = await _put(client, "x")
    assert list(answer) == ["ResponseMetadata"]
    assert b"Sign in" in pages[0]
    assert cloudwatch.messages("/app") == []


async def test_garbage_errors(cloudwatch):
    """A proxy's 502 and an empty 413 have the status as their code; what is no HTTP has none."""
    client = cloudwatch.client()
    codes = []
    for kind in ("html_502", "empty_413"):
        cloudwatch.faults.garbage(kind, times=1)
        with pytest.raises(ClientError) as caught:
            await _put(client, "x")
        codes.append(caught.value.response["Error"]["Code"])
    assert codes == ["502", "413"]
    cloudwatch.faults.garbage("not_http", times=1)
    with pytest.raises(HTTPClientError):
        await _put(client, "x")


@pytest.mark.parametrize("fault", ["hang", "never_read"])
async def test_hanging_call_can_be_cancelled(cloudwatch, fault):
    """A request that is never answered ends by cancellation only."""
    getattr(cloudwatch.faults, fault)()
    client = cloudwatch.client()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(_put(client, "x"), 0.02)
    assert cloudwatch.messages("/app") == []


async def test_nothing_blocks_the_loop(cloudwatch, no_blocking):
    """Neither making the client nor calling it blocks, and no socket is opened."""
    await _put(cloudwatch.client(), "x")
    assert cloudwatch.messages("/app") == ["x"]
