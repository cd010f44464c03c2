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
