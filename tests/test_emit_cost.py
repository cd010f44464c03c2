"""The emit path stays as short as it is: counted operations, which no noisy machine can blur."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_BENCH = Path(__file__).parent / "bench"
_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
_BASELINES = json.loads((_BENCH / "emit_baseline.json").read_text(encoding="utf-8"))


@pytest.mark.skipif(_PYTHON not in _BASELINES, reason=f"no baseline for Python {_PYTHON}")
def test_one_record_takes_no_more_operations_than_the_baseline() -> None:
    """A record costs its caller at most 3 % more opcodes and C calls than the stored baseline.

    Counted in a process of its own, because tracing opcodes and measuring coverage exclude each other.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, str(_BENCH / "emit_cost.py")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
