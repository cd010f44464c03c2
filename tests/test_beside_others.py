"""Living in an environment and beside code that is not ours: AWS's variables, profiles, other clients."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
from aiobotocore.session import get_session

from aiowatchtower import CloudWatchLogging
from aiowatchtower._aws.connection import Connection
from aiowatchtower._config.settings import Settings

ENDPOINT_VARIABLES = (
    "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
    "AWS_ENDPOINT_URL_LOGS",
    "AWS_ENDPOINT_URL",
)
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def logger():
    """Return a logger that is in no tree."""
    return logging.Logger("shop")


@pytest.fixture
def profile(monkeypatch, tmp_path, server):
    """Keep everything that AWS's variables could say in the files of a profile."""
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    config.write_text(f"[profile web]\nregion = eu-west-1\nendpoint_url = {server.url}\n")
    credentials.write_text("[web]\naws_access_key_id=testing\naws_secret_access_key=testing\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    return "web"


async def _deliver(logger, **settings):
    """Log one record, and return what has become of it."""
    async with CloudWatchLogging("/app", "web", loggers=(logger,), **settings) as logs:
        logger.warning("hello")
    return logs.statistics()


async def _messages(server):
    return await asyncio.to_thread(server.messages, "/app", "web")


@pytest.mark.parametrize("name", ENDPOINT_VARIABLES)
async def test_the_endpoint_of_the_environment(server, logger, monkeypatch, name):
    """Each variable that names an endpoint is honoured."""
    monkeypatch.setenv(name, server.url)
    assert (await _deliver(logger)).delivered == 1
    assert await _messages(server) == ["hello"]


@pytest.mark.parametrize("better", range(3))
async def test_the_narrower_variable_counts(server, logger, monkeypatch, better):
    """Of several variables the one for CloudWatch Logs is used, botocore's own name first."""
    for name in ENDPOINT_VARIABLES[better:]:
        monkeypatch.setenv(name, NOWHERE)
    monkeypatch.setenv(ENDPOINT_VARIABLES[better], server.url)
    assert (await _deliver(logger)).delivered == 1


async def test_the_argument_counts_most(server, logger, monkeypatch):
    """An endpoint in the code is used, whatever the environment says."""
    for name in ENDPOINT_VARIABLES:
        monkeypatch.setenv(name, NOWHERE)
    assert (await _deliver(logger, endpoint_url=server.url)).delivered == 1


@pytest.mark.parametrize("name", ENDPOINT_VARIABLES)
async def test_configured_endpoints_can_be_ignored(monkeypatch, name):
    """AWS's own switch turns all of the variables off."""
    monkeypatch.setenv(name, NOWHERE)
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    connection = await Connection.open(Settings("/app"))
    assert connection._client.meta.endpoint_url == "https://logs.us-east-1.amazonaws.com"
    await connection.retire()


async def test_a_profile_by_argument(server, logger, profile):
    """Region, endpoint and keys may all come from the profile."""
    assert (await _deliver(logger, profile_name=profile)).delivered == 1
    assert await _messages(server) == ["hello"]


async def test_a_profile_by_environment(server, logger, profile, monkeypatch):
    """AWS_PROFILE means what it means elsewhere."""
    monkeypatch.setenv("AWS_PROFILE", profile)
    assert (await _deliver(logger)).delivered == 1
    assert await _messages(server) == ["hello"]


@pytest.mark.parametrize("text", ["0", "false", "OFF", " no "])
async def test_switched_off_by_the_environment(server, logger, monkeypatch, text):
    """Where the variable says so nothing is attached, sent or counted."""
    monkeypatch.setenv("AIOWATCHTOWER_ENABLED", text)
    statistics = await _deliver(logger, endpoint_url=server.url)
    assert (statistics.logged, statistics.pending) == (0, 0)
    assert await asyncio.to_thread(lambda: server.requests) == []


@pytest.mark.parametrize("text", ["1", "true", ""])
async def test_not_switched_off_by_other_values(server, logger, monkeypatch, text):
    """Other values leave delivery on."""
    monkeypatch.setenv("AIOWATCHTOWER_ENABLED", text)
    assert (await _deliver(logger, endpoint_url=server.url)).delivered == 1


async def test_the_application_uses_its_client_at_the_same_time(server, logger):
    """Calls of the application on the client that it has lent are sent and answered as its own."""
    server.configure(latency=0.01)
    own = [f"own {number}" for number in range(20)]
    shipped = [f"shipped {number}" for number in range(20)]
    where = {"logGroupName": "/app", "logStreamName": "own"}

    async def put(text):
        event = {"timestamp": int(time.time() * 1000), "message": text}
        answer = await client.put_log_events(**where, logEvents=[event])
        described = await client.describe_log_streams(logGroupName="/app")
        return answer["nextSequenceToken"], [s["logStreamName"] for s in described["logStreams"]]

    async with get_session().create_client("logs", endpoint_url=server.url) as client:
        block = CloudWatchLogging(
            "/app", "web", loggers=(logger,), client=client, send_interval=0.01
        )
        async with block as logs:
            await client.create_log_group(logGroupName="/app")
            await client.create_log_stream(**where)
            putting = []
            for mine, theirs in zip(own, shipped, strict=True):
                putting.append(asyncio.create_task(put(mine)))
                logger.warning(theirs)
                await logs.flush()
            answers = await asyncio.gather(*putting)
        # It is lent, not given: it stays open.
        assert await put("afterwards")
    assert len({token for token, _ in answers}) == len(own)
    assert all("own" in names for _, names in answers)
    seen = await asyncio.to_thread(server.messages, "/app", "own")
    assert sorted(seen) == sorted([*own, "afterwards"])
    assert await _messages(server) == shipped
    assert logs.statistics().delivered == len(shipped)


async def test_a_session_lends_its_credentials_only(server, logger):
    """Other clients of a session that was passed in are not touched."""
    session = get_session()
    session.set_credentials("testing", "testing")
    statistics = await _deliver(logger, session=session, endpoint_url=server.url)
    assert statistics.delivered == 1
    async with session.create_client("logs", endpoint_url=server.url) as client:
        event = {"timestamp": int(time.time() * 1000), "message": "own"}
        await client.put_log_events(logGroupName="/app", logStreamName="web", logEvents=[event])
        assert await _messages(server) == ["hello", "own"]
