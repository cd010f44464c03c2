"""The page of ten thousand workers shows what was measured."""

from __future__ import annotations

import subprocess
import sys

from tests.examples.programs import ROOT


def test_the_page_and_its_picture_are_written_from_the_measurements():
    """The script that writes the table and the picture finds nothing to change in them."""
    script = ROOT / "docs" / "pictures" / "fleet.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
