"""The group or the stream is not there, or not any more, or not yet."""

from __future__ import annotations

import asyncio

import pytest

from aiowatchtower import CloudWatchLogging, SetupError

GROUP, STREAM = "/app", "web"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
OPTIONS = {
    "log_group_retention_days": 30,
    "log_group_tags": {"team": "shop", "stage": "test"},
    "log_group_kms_key_id": KEY,
    "log_group_class": "INFREQUENT_ACCESS",
}


def _is_as_asked(group):
    return (group.retention_days, group.tags, group.kms_key_id, group.group_class) == (
        30,
        {"team": "shop", "stage": "test"},
        KEY,
        "INFREQUENT_ACCESS",
    )


async def test_a_deleted_stream_is_recreated_once(server, shop, ship, said):
    """Deleted mid-run, the stream is created again, once; nothing is lost and the group stays as it is."""
    async with ship() as logs:
        shop.info("before")
        await logs.flush(60)
        server.delete_stream(GROUP, STREAM)
        for number in range(100):
            shop.info("after %d", number)
        await logs.flush(60)
    assert server.messages(GROUP) == [f"after {number}" for number in range(100)]
    assert logs.statistics().delivered == 101
    assert len(server.calls("CreateLogGroup")) == 1
    created = [call for call in server.calls("CreateLogStream") if call.status == 200]
    assert len(created) == 2
    assert not said.warnings


async def test_a_deleted_group_is_recreated_as_it_was(server, shop, ship, said):
    """The group comes back once, with retention, tags, KMS key and class, for all of its streams."""
    async with ship("{thread_name}", max_in_flight=8, **OPTIONS) as logs:
        shop.info("before")
        await logs.flush(60)
        assert _is_as_asked(server.groups[GROUP])
        server.delete_group(GROUP)
        names = [f"stream-{number}" for number in range(6)]
        for name in names:
            record = shop.makeRecord("shop", 20, __file__, 0, name, (), None)
            record.threadName = name
            shop.handle(record)
        await logs.flush(60)
    assert _is_as_asked(server.groups[GROUP])
    for name in names:
        assert server.messages(GROUP, name) == [name]
    assert logs.statistics().delivered == 7
    assert len(server.calls("CreateLogGroup")) == 2
    assert len(server.calls("PutRetentionPolicy")) == 2
    assert not said.warnings


@pytest.mark.parametrize("stream", ["shared", "own-{thread_name}"])
async def test_ten_workers_start_together(server, shop, ship, said, stream):
    """Ten blocks that create the same group at the same moment: no error, no warning, all once."""
    server.configure(latency=0.02)
    blocks = [ship(stream.replace("{thread_name}", str(number))) for number in range(10)]

    async def run(number: int, block: CloudWatchLogging) -> None:
        async with block as logs:
            record = shop.makeRecord("shop", 20, __file__, 0, f"worker {number}", (), None)
            block.handler.handle(record)
            await logs.flush(60)

    await asyncio.gather(*(run(number, block) for number, block in enumerate(blocks)))
    assert sorted(server.messages(GROUP)) == [f"worker {number}" for number in range(10)]
    assert not said.warnings


async def test_a_creation_under_way_elsewhere_is_waited_for(server, shop, ship, said):
    """OperationAborted means that another worker is creating the group: its streams follow, without a warning."""
    code = "OperationAbortedException"
    server.faults.fail(400, code, "A conflicting operation", action="CreateLogGroup", times=1)
    async with ship() as logs:
        shop.info("hello")
        await logs.flush(60)
    assert server.messages(GROUP) == ["hello"]
    assert not said.warnings


async def test_not_found_again_right_after_creation(server, shop, ship, said, balanced):
    """A stream that is not known yet where it is asked for next is waited for, with pauses, without a warning."""
    server.configure(eventual_consistency=3)
    async with ship() as logs:
        for number in range(10):
            shop.info("%d", number)
        await logs.flush(60)
        balanced(logs)
    assert server.messages(GROUP) == [str(number) for number in range(10)]
    missed = [put for put in server.calls("PutLogEvents") if put.status == 400]
    assert len(missed) == 4
    assert not said.warnings


async def test_records_logged_while_the_stream_is_created_are_kept(server, shop, ship):
    """Creation is throttled; what is logged meanwhile waits and is delivered in order, once."""
    server.faults.throttle(action="CreateLogGroup", times=2)
    server.faults.throttle(action="CreateLogStream", times=2, after=1)
    async with ship() as logs:
        calls = 0
        for number in range(6):
            shop.info("%d", number)
            calls = await asyncio.to_thread(server.wait_for_calls, calls + 1, timeout=60)
        await logs.flush(60)
    assert server.messages(GROUP) == [str(number) for number in range(6)]
    assert logs.statistics().delivered == 6


@pytest.mark.parametrize(
    ("denied", "named", "missing"),
    [
        ("PutRetentionPolicy", "logs:PutRetentionPolicy", "retention_days"),
        ("TagResource", "logs:TagResource", "tags"),
    ],
)
async def test_logs_flow_without_what_is_denied(server, shop, ship, said, denied, named, missing):
    """Retention or tags denied: one warning that names the action, and the logs flow."""
    server.configure(deny=[denied])
    async with ship(**OPTIONS) as logs:
        shop.info("hello")
        await logs.flush(60)
        server.delete_group(GROUP)
        shop.info("again")
        await logs.flush(60)
    assert server.messages(GROUP) == ["again"]
    (warning,) = said.warnings
    assert named in warning
    assert GROUP in warning
    group = server.groups[GROUP]
    assert not getattr(group, missing)
    others = {"retention_days", "tags", "kms_key_id"} - {missing}
    assert all(getattr(group, other) for other in others)
    assert logs.statistics().delivered == 2


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({"kms_keys": []}, "The specified KMS key does not exist"),
        ({"deny": ["AssociateKmsKey"]}, "logs:AssociateKmsKey"),
        ({"deny": ["AssociateKmsKey", "TagResource"]}, "logs:AssociateKmsKey"),
    ],
    ids=["unknown", "denied", "denied, and the tags"],
)
async def test_a_group_is_never_created_without_its_key(server, shop, ship, said, fault, named):
    """While AWS refuses the key there is no group; records wait, and arrive encrypted when it is mended."""
    server.configure(**fault)
    async with ship(**OPTIONS) as logs:
        shop.info("hello")
        warning = await said.wait_for(named)
        assert GROUP in warning
        assert server.groups == {}
        assert logs.statistics().pending == 1
        server.configure(kms_keys=[KEY], deny=[])
        await logs.flush(60)
        assert _is_as_asked(server.groups[GROUP])
    assert server.messages(GROUP) == ["hello"]
    assert "without" not in warning or "not created without log_group_kms_key_id" in warning


async def test_strict_refuses_a_key_that_does_not_exist(server, ship):
    """With `strict=True`, a key that AWS refuses is a SetupError that says what to do, and no group."""
    server.configure(kms_keys=[])
    with pytest.raises(SetupError, match="not created without log_group_kms_key_id"):
        async with ship(**OPTIONS, strict=True):
            pass
    assert server.groups == {}


@pytest.mark.parametrize("switch", ["create_log_group", "create_log_stream"])
async def test_nothing_is_created_against_the_users_will(server, shop, ship, said, switch):
    """What may not be created is asked for; records wait until somebody else has created it."""
    async with ship(**{switch: False}) as logs:
        shop.info("hello")
        warning = await said.wait_for(switch)
        assert f"{switch}=False" in warning
        created = [call.action for call in server.requests if call.status == 200]
        assert created == []
        async with ship() as other:
            other.handler.handle(shop.makeRecord("shop", 20, __file__, 0, "other", (), None))
            await other.flush(60)
        await logs.flush(60)
    assert sorted(server.messages(GROUP)) == ["hello", "other"]
    assert said.warnings == [warning]
