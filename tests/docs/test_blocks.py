"""The code in the documentation does what it says: see `blocks` for what is run and what is not."""

from __future__ import annotations

import pytest
from tests.examples.blocks import blocks
from tests.examples.programs import ROOT
from tests.examples.running import check

PAGES = sorted((ROOT / "docs").rglob("*.md"))
BLOCKS = [block for page in PAGES for block in blocks(page)]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_blocks_do_what_they_show(block, server, tmp_path):
    """Each block runs as it stands, or can be read by what it is written for."""
    check(block, server, tmp_path)


def test_most_blocks_of_python_run():
    """Python that is not run is the exception: one block in ten at most."""
    python = [block for block in BLOCKS if block.language == "python"]
    not_run = [str(block) for block in python if block.not_run]
    assert len(not_run) <= len(python) / 10, not_run
