"""The served service, over a real socket, from a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import http.client
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)

import aiowatchtower.testing
from aiowatchtower.testing import Fault, serve

WHERE = {"logGroupName": "/app", "logStreamName": "web"}
BEFORE_PUT = "before-call.cloudwatch-logs.PutLogEvents"


def _connect(
    server,
    service="logs",
    secret="testing",
    key="testing",
    token=None,
    region="us-east-1",
    patience=60,
):
    config = AioConfig(
        retries={"total_max_attempts": 1}, read_timeout=patience, parameter_validation=False
    )
    return get_session().create_client(
        service,
        region_name=region,
        endpoint_url=server.url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=config,
    )


@contextlib.asynccontextmanager
async def _ready(server, patience=60):
    """Connect, with the group and the stream made."""
    async with _connect(server, patience=patience) as client:
        await client.create_log_group(logGroupName="/app", tags={"a": "b"})
        await client.create_log_stream(**WHERE)
        yield client


def _events(*messages):
    return [{"timestamp": int(time.time() * 1000), "message": message} for message in messages]


async def _put(client, *messages):
    return await client.put_log_events(**WHERE, logEvents=_events(*messages))


async def test_put_over_the_socket(server):
    """A real client's requests are verified, answered, and seen from outside."""
    async with _ready(server) as client:
        answer = await _put(client, "hé", "ho")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert server.messages("/app") == ["hé", "ho"]
    assert [event.stream for event in server.events("/app", "web")] == ["web", "web"]
    assert server.streams("/app") == ["web"]
    assert server.streams("/none") == []
    assert server.groups["/app"].tags == {"a": "b"}
    assert [request.action for request in server.requests] == [
        "CreateLogGroup",
        "CreateLogStream",
        "PutLogEvents",
    ]
    assert len({request.connection for request in server.requests}) == 1
    assert (server.accepted, server.signatures_verified) == (2, 3)
    assert server.calls("PutLogEvents")[0].wire_bytes > 100


@pytest.mark.parametrize("encoding", ["gzip", ""])
async def test_body_from_the_hook(server, encoding):
    """The signature is verified over the bytes received, so a compressed body has to be signed compressed."""
    batch = {**WHERE, "logEvents": _events(*["x" * 78] * 10_000)}
    body = json.dumps(batch).encode()
    body = gzip.compress(body, 1) if encoding else body

    def replace(params, **_):
        params["body"] = io.BytesIO(body)
        if encoding:
            params["headers"]["Content-Encoding"] = encoding

    async with _ready(server) as client:
        client.meta.events.register(BEFORE_PUT, replace)
        await client.put_log_events(logEvents=[])
    [request] = server.calls("PutLogEvents")
    assert (request.event_count, request.wire_bytes) == (10_000, len(body))
    assert (request.status, request.encoding) == (200, encoding)
    assert server.accepted == 10_000


async def test_parallel_connections(server):
    """Parallel puts come over connections of their own, and nothing is lost."""
    server.configure(latency=0.02)
    async with _ready(server) as client:
        await asyncio.gather(*[_put(client, str(number)) for number in range(8)])
    assert sorted(server.messages("/app")) == [str(number) for number in range(8)]
    assert len({request.connection for request in server.calls("PutLogEvents")}) > 1


async def test_wrong_credentials(server):
    """A wrong secret, an unknown key and an expired one are refused over the socket."""
    server.configure(expired_keys=["testing"])
    codes = []
    for how in ({"secret": "guess", "key": "testing"}, {"key": "nobody"}):
        async with _connect(server, **how) as client:
            with pytest.raises(ClientError) as caught:
                await _put(client, "x")
        codes.append(caught.value.response["Error"]["Code"])
        server.configure(expired_keys=[])
    assert codes == ["ExpiredTokenException", "UnrecognizedClientException"]
    async with _connect(server, secret="guess") as client:
        with pytest.raises(ClientError) as caught:
            await _put(client, "x")
    assert caught.value.response["Error"]["Code"] == "InvalidSignatureException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert server.signatures_verified == 0


async def test_caller_identity(server):
    """STS tells who is asking, and refuses a wrong signature."""
    async with _connect(server, "sts") as client:
        assert (await client.get_caller_identity())["Account"] == "123456789012"
        with pytest.raises(ClientError, match="InvalidAction"):
            await client.get_session_token()
    async with _connect(server, "sts", secret="guess") as client:
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            await client.get_caller_identity()


async def test_assumed_role(server):
    """The credentials of a role are told apart by STS, work with their token only, and until they expire."""
    role = {"RoleArn": "arn:aws:iam::123456789012:role/reader", "RoleSessionName": "test"}
    async with _connect(server, "sts") as client:
        assumed = await client.assume_role(**role, DurationSeconds=900)
        with pytest.raises(ClientError, match="ValidationError"):
            await client.assume_role(**{**role, "RoleSessionName": "a b"})
    made = assumed["Credentials"]
    keys = {"key": made["AccessKeyId"], "secret": made["SecretAccessKey"]}
    token = made["SessionToken"]
    async with _connect(server, "sts", **keys, token=token) as client:
        arn = (await client.get_caller_identity())["Arn"]
    assert arn == "arn:aws:sts::123456789012:assumed-role/reader/test"
    async with _connect(server, **keys, token=token) as client:
        await client.create_log_group(logGroupName="/app")
        server.configure(clock_offset=901)
        with pytest.raises(ClientError, match="ExpiredTokenException"):
            await client.describe_log_groups()
    server.configure(clock_offset=0)
    async with _connect(server, **keys, token="another") as client:
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            await client.describe_log_groups()


async def test_regions_are_those_of_the_signatures(server):
    """A client of another region sees none of this one's groups."""
    async with _ready(server):
        pass
    async with _connect(server, region="eu-west-1") as client:
        assert (await client.describe_log_groups())["logGroups"] == []
        await client.create_log_group(logGroupName="/app")
    assert [request.region for request in server.requests][-1] == "eu-west-1"
    server.delete_group("/app", region="us-east-1")
    assert server.groups["/app"].region == "eu-west-1"
    assert server.messages("/app", region="eu-west-1") == []


async def test_faults_hit_sts_too(server):
    """A fault of GetCallerIdentity is answered as STS answers errors."""
    server.faults.fail(403, "AccessDenied", "no", action="GetCallerIdentity", times=1)
    async with _connect(server, "sts") as client:
        with pytest.raises(ClientError, match="AccessDenied"):
            await client.get_caller_identity()
        await client.get_caller_identity()


LOST = {
    "reset": ("reset_before_reading", EndpointConnectionError, []),
    "cut": ("cut", ConnectionClosedError, []),
    "cut after accepting": ("cut_after_accepting", ConnectionClosedError, ["x"]),
    "hang": ("hang", ReadTimeoutError, []),
    "never read": ("never_read", ReadTimeoutError, []),
}


@pytest.mark.parametrize(("fault", "error", "kept"), LOST.values(), ids=LOST.keys())
async def test_lost_answers(server, fault, error, kept):
    """A fault of the connection is a fault of one request; the next one is answered."""
    getattr(server.faults, fault)(times=1)
    async with _ready(server, patience=3) as client:
        with pytest.raises(error):
            await _put(client, "x")
        await _put(client, "y")
    assert server.messages("/app") == [*kept, "y"]
    assert server.calls("PutLogEvents")[0].fault == fault.removesuffix("_after_accepting")


async def test_garbage(server):
    """Answers that are none of AWS's reach a real client."""
    async with _ready(server) as client:
        for kind in ("html_200", "empty_200", "truncated_200"):
            server.faults.garbage(kind, times=1)
            assert list(await _put(client, "x")) == ["ResponseMetadata"]
        for kind, code in (("html_502", "502"), ("empty_413", "413")):
            server.faults.garbage(kind, times=1)
            with pytest.raises(ClientError) as caught:
                await _put(client, "x")
            assert caught.value.response["Error"]["Code"] == code
        server.faults.garbage("not_http", times=1)
        with pytest.raises(HTTPClientError):
            await _put(client, "x")
    assert server.accepted == 0


async def test_errors_and_delays(server):
    """Errors come as planned, and a delay holds one answer back while others are given."""
    async with _ready(server) as client:
        server.faults.delay(answer=3600, reading=0.05, times=1)
        held = asyncio.create_task(_put(client, "x"))
        await asyncio.to_thread(server.wait_for, 1)
        server.faults.throttle(times=1)
        with pytest.raises(ClientError, match="Rate exceeded"):
            await _put(client, "y")
        server.faults.fail(after=0)
        server.faults.clear()
        await _put(client, "z")
        assert not held.done()
        held.cancel()
        await asyncio.wait([held])
    assert server.messages("/app") == ["x", "z"]


async def test_endpoint_goes_down_and_comes_back(server):
    """While it is down connections are refused; it comes back on the same port with all it had."""
    async with _ready(server) as client:
        await _put(client, "x")
        server.down()
        # The first one may still be sent on the old connection.
        with pytest.raises((ConnectionClosedError, EndpointConnectionError)):
            await _put(client, "y")
        with pytest.raises(EndpointConnectionError):
            await _put(client, "y")
        assert server.messages("/app") == ["x"]
        server.up()
        await _put(client, "z")
    assert server.messages("/app") == ["x", "z"]


async def test_waiting_for_events(server):
    """Waiting ends with the event that was waited for, or says how many have come."""
    async with _ready(server) as client:
        waiting = asyncio.ensure_future(asyncio.to_thread(server.wait_for, 2, group="/app"))
        await _put(client, "x")
        with pytest.raises(TimeoutError, match=r"1 of 2 events after 0\.01 s"):
            server.wait_for(2, stream="web", group="/app", timeout=0.01)
        await _put(client, "y")
        assert await waiting == 2
        assert server.wait_for_calls(2, "PutLogEvents") == 2
        assert server.wait_for_calls(4) == 4


async def test_changes_behind_the_back(server):
    """Streams and groups can be deleted while a client uses them."""
    async with _ready(server) as client:
        server.delete_stream("/app", "web")
        with pytest.raises(ClientError, match="The specified log stream does not exist"):
            await _put(client, "x")
        server.delete_group("/app")
        with pytest.raises(ClientError, match="The specified log group does not exist"):
            await _put(client, "x")


def test_bad_orders_are_named(server):
    """A wrong order raises in the process that gave it."""
    with pytest.raises(ValueError, match="unknown setting 'speed'"):
        server.configure(speed=1)
    with pytest.raises(LookupError, match="no log group '/none'; there is none"):
        server.delete_group("/none")
    with pytest.raises(ValueError, match="no such order"):
        server.order("sing")


def test_an_unknown_group_is_named_beside_those_that_exist(server):
    """Messages of a mistyped group raise here as they do in memory."""
    with pytest.raises(LookupError, match="no log group '/ap'; there is none"):
        server.messages("/ap")
    with pytest.raises(TimeoutError, match=r"0 of 1 events after 0\.01 s; log groups: none"):
        server.wait_for(1, group="/ap", timeout=0.01)


def test_bad_settings_start_no_server():
    """They are named where they were written."""
    with pytest.raises(TypeError, match="unknown setting 'latncy'"), serve(latncy=1):  # type: ignore[call-arg]
        pass


def test_bad_faults_are_named(server):
    """An action or effect that there is not is no fault that never hits."""
    with pytest.raises(ValueError, match="no action 'PutLogEvent'; there are PutLogEvents, "):
        server.faults.throttle(action="PutLogEvent")
    with pytest.raises(ValueError, match="no effect 'explode'; there are error, none, "):
        server.faults.add(Fault("explode"))  # type: ignore[arg-type]


def test_reset_restores_the_first_settings(server):
    """After a reset the server is as it was started, and hanging connections are gone."""
    server.configure(deny=["CreateLogGroup"])
    server.down()
    server.reset()
    assert (server.requests, server.groups, server.open_connections) == ([], {}, 0)
    with _socketless(server) as link:
        link.request("POST", "/", b"{}", {"X-Amz-Target": "Logs_20140328.CreateLogGroup"})
        answer = json.loads(link.getresponse().read())
    assert answer["__type"] == "MissingAuthenticationTokenException"


def _socketless(server):
    """Return a plain HTTP connection."""
    return contextlib.closing(http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60))


def test_chunked_body_is_read(server):
    """A body without a length is read by its chunks."""
    server.configure(verify_signatures=False)
    body = [b'{"logGroup', b'Name": "/b"}']
    with _socketless(server) as link:
        headers = {"X-Amz-Target": "Logs_20140328.CreateLogGroup", "Transfer-Encoding": "chunked"}
        link.request("POST", "/", iter(body), headers, encode_chunked=True)
        assert link.getresponse().status == 200
    assert list(server.groups) == ["/b"]


def test_what_is_not_http_is_refused(server):
    """A request line that is none gets a 400."""
    with _socketless(server) as link:
        link.connect()
        assert link.sock is not None
        link.sock.sendall(b"hello\r\n\r\n")
        assert link.sock.recv(100).startswith(b"HTTP/1.1 400 ")


def test_environment_for_any_client(server):
    """The variables name this server and its credentials."""
    assert server.environ["AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"] == server.url
    assert server.environ["AWS_ENDPOINT_URL_STS"] == server.url
    assert "AWS_ENDPOINT_URL" not in server.environ
    assert repr(server) == f"<CloudWatchServer {server.url}>"
    assert urlsplit(server.url).hostname == "127.0.0.1"


def test_port_in_use_is_reported(server, capfd):
    """A server that cannot start raises instead of waiting."""
    taken = urlsplit(server.url).port
    assert taken is not None
    with pytest.raises(RuntimeError, match=f"did not start on port {taken}"), serve(port=taken):
        pass
    assert "in use" in capfd.readouterr().err


def test_server_ends_with_its_parent():
    """When the process that has started it goes away without a word, the server ends."""
    root = str(Path(aiowatchtower.testing.__file__).parents[2])
    command = [sys.executable, "-m", "aiowatchtower.testing", "--until-stdin-closes"]
    pipe = subprocess.PIPE
    environ = {**os.environ, "PYTHONPATH": root}
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["url"].startswith("http://127.0.0.1:")
        process.stdin.close()
        assert process.wait(60) == 0
