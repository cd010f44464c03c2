"""Roles that may do little, credentials that expire or are not there yet, settings that are missing."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from aiowatchtower import CloudWatchLogging, DeliveryError, SetupError

GROUP, STREAM = "/app", "web"


def _log_from_thread(shop, name, message):
    thread = threading.Thread(target=shop.info, args=(message,), name=name)
    thread.start()
    thread.join()


async def _create_with_another_role(ship, shop):
    async with ship() as logs:
        shop.info("created by another role")
        await logs.flush(60)


async def test_a_role_may_do_nothing_but_put(server, shop, ship, said):
    """With logs:PutLogEvents alone and the stream there: delivered, without a warning or another call."""
    await _create_with_another_role(ship, shop)
    server.configure(allow=["PutLogEvents"])
    before = len(server.requests)
    async with ship(log_group_retention_days=30, log_group_tags={"team": "shop"}) as logs:
        shop.info("hello")
        await logs.flush(60)
    assert server.messages(GROUP)[1:] == ["hello"]
    assert [request.action for request in server.requests[before:]] == ["PutLogEvents"]
    assert not said.records


async def test_a_role_may_put_and_create_streams(server, shop, ship, said):
    """With the group there and logs:CreateLogStream: the stream is created, and nothing else is asked for."""
    await _create_with_another_role(ship, shop)
    server.configure(allow=["PutLogEvents", "CreateLogStream"])
    before = len(server.requests)
    async with ship("another") as logs:
        shop.info("hello")
        await logs.flush(60)
    assert server.messages(GROUP, "another") == ["hello"]
    actions = [request.action for request in server.requests[before:]]
    assert actions == ["PutLogEvents", "CreateLogStream", "PutLogEvents"]
    assert not said.records


@pytest.mark.parametrize("action", ["CreateLogStream", "CreateLogGroup", "PutLogEvents"])
async def test_a_denial_names_the_statement_to_add(server, shop, ship, said, action):
    """One warning with the action and the IAM statement; once that is allowed the records are delivered."""
    if action == "CreateLogStream":
        await _create_with_another_role(ship, shop)
    server.configure(deny=[action])
    async with ship("denied") as logs:
        shop.info("hello")
        warning = await said.wait_for("AccessDenied")
        found = re.search(r"\{.*\}", warning)
        assert found, warning
        statement = json.loads(found[0])
        assert statement["Effect"] == "Allow"
        assert statement["Action"] == f"logs:{action}"
        assert statement["Resource"].startswith(
            "arn:aws:logs:us-east-1:123456789012:log-group:/app"
        )
        await asyncio.to_thread(server.wait_for_calls, 3, action, timeout=60)
        assert logs.statistics().pending == 1
        server.configure(deny=[])
        await logs.flush(60)
    assert server.messages(GROUP, "denied") == ["hello"]
    assert said.warnings == [warning]
    assert len(said.notices) == 1


async def test_a_denied_stream_delays_no_other(server, shop, ship):
    """AccessDenied on one stream: it is probed with growing pauses, the others flow, and it follows."""
    async with ship("{thread_name}") as logs:
        for name in ("a", "b"):
            await asyncio.to_thread(_log_from_thread, shop, name, "first")
        await logs.flush(60)
        server.faults.deny(stream="a")
        probes = len(server.calls("PutLogEvents"))
        for number in range(20):
            await asyncio.to_thread(_log_from_thread, shop, "a", f"a{number}")
            await asyncio.to_thread(_log_from_thread, shop, "b", f"b{number}")
            if number % 5 == 4:
                await asyncio.to_thread(server.wait_for, 2 + number, group=GROUP, stream="b")
        await asyncio.to_thread(server.wait_for_calls, probes + 8, "PutLogEvents", timeout=60)
        assert server.messages(GROUP, "a") == ["first"]
        error = logs.statistics().last_error
        assert isinstance(error, DeliveryError)
        assert (error.code, error.resource) == ("AccessDeniedException", "/app:a")
        server.faults.clear()
        await logs.flush(60)
    assert server.messages(GROUP, "a") == ["first", *(f"a{number}" for number in range(20))]
    assert server.messages(GROUP, "b") == ["first", *(f"b{number}" for number in range(20))]
    denied = [r.monotonic_time for r in server.requests if r.error_code == "AccessDeniedException"]
    assert all(later - earlier > 0.049 for earlier, later in pairwise(denied))
    assert logs.statistics().delivered == 42


@pytest.fixture
def credentials(monkeypatch, tmp_path, server):
    """Return a function that writes the shared credentials file; no other credentials are found."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    server.configure(
        credentials={"fresh": "new-secret", "fresher": "newer"}, expired_keys=["stale"]
    )

    def write(key: str, secret: str) -> None:
        text = f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        Path(file).write_text(text, encoding="utf-8")

    return write


async def test_expired_credentials_are_replaced(server, shop, ship, said, credentials):
    """The records that met expired credentials are delivered, once, with those found later; twice over."""
    credentials("stale", "old-secret")
    async with ship() as logs:
        shop.info("hello")
        warning = await said.wait_for("expired")
        assert "renew them" in warning
        await asyncio.to_thread(server.wait_for_calls, 4, timeout=60)
        connections = {request.connection for request in server.requests}
        assert len(connections) == 1, "the client is not rebuilt while there is nothing new"
        await asyncio.to_thread(credentials, "fresh", "new-secret")
        await logs.flush(60)
        assert server.messages(GROUP) == ["hello"]
        server.configure(expired_keys=["stale", "fresh"])
        await asyncio.to_thread(credentials, "fresher", "newer")
        shop.info("again")
        await logs.flush(60)
    assert server.messages(GROUP) == ["hello", "again"]
    assert said.warnings == [warning]
    assert logs.statistics().possible_duplicates == 0


async def test_a_wrong_secret_is_put_right(server, shop, ship, said, credentials):
    """A secret that does not fit its key: the warning says so, and the right one is picked up."""
    credentials("fresh", "wrong-secret")
    async with ship() as logs:
        shop.info("hello")
        assert "secret access key" in await said.wait_for("InvalidSignatureException")
        await asyncio.to_thread(credentials, "fresh", "new-secret")
        await logs.flush(60)
    assert server.messages(GROUP) == ["hello"]


async def test_a_wrong_clock_is_named(server, shop, ship, said):
    """When AWS finds the signature too old the warning is about the clock, not about the key."""
    server.configure(clock_offset=3600)
    async with ship() as logs:
        shop.info("hello")
        assert "This machine's clock is wrong" in await said.wait_for("InvalidSignature")
        server.configure(clock_offset=0)
        await logs.flush(60)
    assert server.messages(GROUP) == ["hello"]


class Cause:
    """Something that keeps deliveries from starting, what is said of it, and how it is put right."""

    def __init__(self, monkeypatch, server, name):
        self.monkeypatch, self.server, self.name = monkeypatch, server, name
        self.code, self.advice = {
            "credentials": ("NoCredentials", "AWS_ACCESS_KEY_ID"),
            "region": ("NoRegion", "AWS_DEFAULT_REGION"),
            "endpoint": ("EndpointUnreachable", "endpoint_url="),
        }[name]

    def begin(self):
        if self.name == "credentials":
            self.monkeypatch.delenv("AWS_ACCESS_KEY_ID")
            self.monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        elif self.name == "region":
            self.monkeypatch.delenv("AWS_DEFAULT_REGION")
        else:
            self.server.down()

    def end(self):
        self.monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        self.monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        self.monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        self.server.up()


@pytest.fixture(params=["credentials", "region", "endpoint"])
def cause(request, monkeypatch, server):
    """Return what is wrong from the start: no credentials, no region, an endpoint nobody listens at."""
    cause = Cause(monkeypatch, server, request.param)
    cause.begin()
    yield cause
    cause.end()


@pytest.mark.parametrize("cause", ["credentials", "region"], indirect=True)
async def test_what_was_never_set_up_is_not_waited_for(server, shop, ship, said, cause):
    """Without credentials or a region the block is left after one last look, not after an hour."""
    async with ship("{thread_name}", shutdown_timeout=3600) as logs:
        shop.info("hello")
        thread = threading.Thread(target=shop.info, args=["hello"], name="another")
        thread.start()
        thread.join()
        await said.wait_for(cause.advice)
    assert server.requests == []
    assert logs.statistics().dropped == {"shutdown": 2}
    assert len([text for text in said.warnings if "could not be delivered" in text]) == 1


@pytest.mark.parametrize("cause", ["credentials", "region"], indirect=True)
async def test_what_is_set_up_at_the_last_moment_is_used(server, shop, ship, said, cause):
    """The last look finds credentials and a region that were set just before the block was left."""
    async with ship(shutdown_timeout=3600):
        shop.info("hello")
        await said.wait_for(cause.advice)
        cause.end()
    assert server.messages(GROUP) == ["hello"]


async def test_a_bad_start_delays_nothing_but_delivery(server, shop, ship, said, cause):
    """Entered at once, one warning that names what to set, and all delivered when it is set."""
    logs = ship()
    async with logs:
        # Had the way in waited for AWS, the failure would have been told already.
        assert not said.records
        shop.info("hello")
        warning = await said.wait_for(cause.code)
        assert cause.advice in warning
        assert logs.statistics().pending == 1
        await asyncio.to_thread(cause.end)
        await logs.flush(60)
        await said.wait_for("works again")
    assert server.messages(GROUP) == ["hello"]
    assert said.warnings == [warning]
    assert len(said.notices) == 1


async def test_strict_refuses_a_bad_start_in_the_same_words(server, shop, ship, said, cause):
    """strict=True raises SetupError with the warning's text, its cause attached, and leaves nothing behind."""
    async with ship(shutdown_timeout=0):
        shop.info("hello")
        warning = await said.wait_for(cause.code)
    strict = ship(strict=True)
    with pytest.raises(SetupError) as caught:
        await strict.__aenter__()
    assert warning.startswith(str(caught.value))
    assert isinstance(caught.value.__cause__, DeliveryError)
    assert caught.value.__cause__.code == cause.code
    assert strict.handler not in shop.handlers
    assert not [task for task in asyncio.all_tasks() if "aiowatchtower" in task.get_name()]


@pytest.mark.virtual_time
async def test_strict_does_not_try_for_ever(cloudwatch, ship_to_memory):
    """A stream that is created again and again and never found: SetupError, not an endless entry."""
    cloudwatch.configure(eventual_consistency=10**9)
    with pytest.raises(SetupError, match="does not exist"):
        await asyncio.wait_for(ship_to_memory(strict=True).__aenter__(), 60)
    assert cloudwatch.count_calls("PutLogEvents") < 30


async def test_strict_refuses_what_is_denied(server, shop, ship):
    """strict=True raises SetupError with the statement to add when the stream may not be created."""
    server.configure(deny=["CreateLogStream"])
    with pytest.raises(SetupError, match=r'"Action": "logs:CreateLogStream"'):
        await ship(strict=True).__aenter__()


async def test_strict_leaves_no_trace_where_all_is_well(server, shop, ship, said):
    """strict=True creates group and stream and proves the way by an event that AWS takes and rejects."""
    async with ship(strict=True) as logs:
        assert server.streams(GROUP) == [STREAM]
        assert server.messages(GROUP) == []
        shop.info("hello")
        await logs.flush(60)
    assert server.messages(GROUP) == ["hello"]
    assert logs.statistics().logged == 1
    assert not said.records


@pytest.mark.parametrize("switch", ["argument", "variable"])
async def test_disabled_is_silent(server, shop, ship, said, monkeypatch, capfd, switch):
    """enabled=False, or AIOWATCHTOWER_ENABLED=0, without credentials: no handler, no request, not a word."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    if switch == "variable":
        monkeypatch.setenv("AIOWATCHTOWER_ENABLED", "0")
    shop.addHandler(logging.NullHandler())
    async with ship(**({"enabled": False} if switch == "argument" else {}), strict=True) as logs:
        shop.info("hello")
        logs.handler.handle(shop.makeRecord("shop", 20, __file__, 0, "by hand", (), None))
        await logs.flush(1)
        assert logs.handler not in shop.handlers
    assert server.requests == []
    assert not said.records
    assert capfd.readouterr() == ("", "")
    assert logs.statistics().logged == 0


async def test_streams_fail_for_reasons_of_their_own(server, shop, ship, said):
    """Two streams denied and one throttled: a warning for each kind, a notice for each when it is over."""
    server.faults.deny(stream="a")
    server.faults.throttle(stream="b", times=3)
    block: CloudWatchLogging = ship("{thread_name}")
    async with block as logs:
        for name in ("a", "b", "c"):
            await asyncio.to_thread(_log_from_thread, shop, name, "hello")
        await said.wait_for("AccessDenied")
        await said.wait_for("Throttling")
        await said.wait_for("delivery to b works again")
        server.faults.clear()
        await logs.flush(60)
    assert server.messages(GROUP) == ["hello"] * 3
    kinds = Counter("denied" if "AccessDenied" in text else "throttled" for text in said.warnings)
    assert kinds == {"denied": 1, "throttled": 1}
    assert len(said.notices) == 2
