"""The code in the README does what it says: see `blocks` for what is run and what is not."""

from __future__ import annotations

import pytest
from tests.examples.blocks import blocks
from tests.examples.programs import ROOT
from tests.examples.running import check

README = ROOT / "README.md"
BLOCKS = blocks(README)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_blocks_do_what_they_show(block, server, tmp_path):
    """Each block of the README runs as it stands, or can be read by what it is written for."""
    check(block, server, tmp_path)


def test_every_block_of_python_runs():
    """No Python in the README is marked as not run."""
    assert not [str(block) for block in BLOCKS if block.language == "python" and block.not_run]
