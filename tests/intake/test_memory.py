"""What a record that waits takes of memory: what the documentation's table says."""

from __future__ import annotations

import gc
import logging
import tracemalloc

import pytest

from aiowatchtower import CloudWatchLogHandler

RECORDS = 2_000


def _bytes_per_record(characters: int) -> float:
    handler = CloudWatchLogHandler("/app", "web")
    logger = logging.Logger("shop")
    logger.addHandler(handler)
    logger.warning("%0*d", characters, 0)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(RECORDS):
            logger.warning("%0*d", characters, number)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert handler.statistics().pending == RECORDS + 1
    return (after - before) / RECORDS


@pytest.mark.parametrize(
    ("characters", "documented"), [(5, 158), (30, 183), (100, 253), (1_000, 1_185)]
)
def test_memory_of_a_record(characters, documented):
    """A record takes no more than is documented, but for what one Python differs from another."""
    assert _bytes_per_record(characters) <= documented + 40
