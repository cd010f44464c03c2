"""What goes out with each request besides the events."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack

import aiobotocore
import pytest
from aiobotocore.config import AioConfig

from aiowatchtower import CloudWatchLogging, __version__
from aiowatchtower._aws.connection import Connection
from aiowatchtower._config.settings import Settings


@pytest.fixture
def user_agents(server):
    """Return a coroutine function that ships a record and tells as whom the server was addressed."""

    async def asked(**arguments) -> set[str]:
        logger = logging.Logger("shop")
        block = CloudWatchLogging(
            "/app", "web", endpoint_url=server.url, loggers=(logger,), **arguments
        )
        async with block:
            logger.warning("hello")
        assert server.messages("/app") == ["hello"]
        return {request.user_agent for request in server.requests}

    return asked


async def test_requests_say_who_makes_them(user_agents):
    """Us and aiobotocore with their versions, so that those who look into CloudTrail know."""
    [said] = await user_agents()
    assert said.startswith(
        f"aiowatchtower/{__version__} aiobotocore/{aiobotocore.__version__} Python/"
    )


async def test_the_applications_user_agent_is_kept(user_agents):
    """What is in its `config` is said instead of ours."""
    [said] = await user_agents(config=AioConfig(user_agent="shop/7"))
    assert said.startswith("shop/7 ")
    assert "aiowatchtower" not in said


async def test_what_the_application_adds_is_said_as_well(user_agents):
    """What botocore calls `user_agent_extra` comes last."""
    [said] = await user_agents(config=AioConfig(user_agent_extra="shop/7"))
    assert said.startswith(f"aiowatchtower/{__version__} ")
    assert said.endswith(" shop/7")


class _Client:
    """A client whose one call retires the connection that it belongs to, as a renewal beside it does."""

    connection: Connection | None = None

    async def create_log_group(self, **_: object) -> dict[str, object]:
        assert self.connection is not None
        await self.connection.retire()
        return {"the": "answer"}


async def test_a_client_that_cannot_be_closed():
    """The answer of the last call is returned, although closing the client after it raises."""

    async def fail() -> None:
        raise RuntimeError("an application's logging, or a broken session")

    client, stack = _Client(), AsyncExitStack()
    stack.push_async_callback(fail)
    client.connection = Connection(client, stack, Settings("/app"), None, is_given=False)
    assert await client.connection.call("CreateLogGroup") == {"the": "answer"}
