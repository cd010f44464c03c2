"""The loop is never held by a call that waits for a disk, a lock or a clock."""

from __future__ import annotations

from blockbuster import blockbuster_ctx


async def test_blockbuster_finds_nothing(server, block, logger):
    """From entry to exit, in any code, ours or the client's; the first client of a process too."""
    with blockbuster_ctx():
        async with block() as logs:
            for number in range(1000):
                logger.info("record %d", number)
            await logs.flush(60)
            logger.info("the last one")
    assert len(server.messages("/app")) == 1001
    assert logs.statistics().last_error is None


async def test_blockbuster_finds_no_file_call_of_a_spool(server, block, logger, tmp_path):
    """The spool's files are written, read and removed by its own thread; the loop waits for none of it."""
    spool = tmp_path / "spool"
    server.down()
    async with block(spool_directory=spool, shutdown_timeout=0):
        logger.info("left behind")
    server.up()
    with blockbuster_ctx():
        async with block(spool_directory=spool) as logs:
            for number in range(1000):
                logger.info("record %d", number)
            await logs.flush(60)
            logger.error("the last one")
    assert logs.statistics().recovered == 1
    assert len(server.messages("/app")) == 1002
    assert list(spool.iterdir()) == []
