"""Break one rule after the other in a copy of the library, and say which test sees it.

`python tests/mutants/run.py [NAME...]` ends with 1 when a broken rule goes unseen, or when a rule is not found
where the table has it: then it has moved, and the table below follows it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 300


class Rule(NamedTuple):
    """A rule, the line that keeps it, the same line broken, and where its tests are."""

    name: str
    file: str
    kept: str
    broken: str
    tests: tuple[str, ...]


RULES = (
    Rule(
        "26 bytes for each event",
        "_core/limits.py",
        "EVENT_OVERHEAD_BYTES: Final = 26",
        "EVENT_OVERHEAD_BYTES: Final = 0",
        ("tests/core", "tests/faults/test_limits.py"),
    ),
    Rule(
        "24 hours at most in a batch",
        "_core/limits.py",
        "MAX_BATCH_SPAN_MS: Final = 24 *",
        "MAX_BATCH_SPAN_MS: Final = 25 *",
        ("tests/core", "tests/faults/test_limits.py"),
    ),
    Rule(
        "chronological order in a batch",
        "_core/stream_queue.py",
        "            events.sort(key=_timestamp)\n            del",
        "            del",
        ("tests/core",),
    ),
    Rule(
        "a reserve for errors",
        "_core/room.py",
        "(self._urgent_bytes if urgent else self._fair_bytes)",
        "self._fair_bytes",
        ("tests/intake", "tests/faults/test_overflow.py"),
    ),
    Rule(
        "a last try when the block is left",
        "_shipping/time_budget.py",
        "        for ended in self._pauses:\n            _end(ended)\n",
        "",
        ("tests/shipping", "tests/faults/test_last_tries.py"),
    ),
    Rule(
        "a forked child starts anew",
        "_intake/handler.py",
        "    os.register_at_fork(after_in_child=_after_fork)",
        "    pass",
        ("tests/intake", "tests/lifecycle/test_scripts.py"),
    ),
    Rule(
        "shipping does not feed itself",
        "_diagnostics/self_feeding.py",
        "    return marked_in != 0 and ",
        "    return False and ",
        ("tests/diagnostics", "tests/intake", "tests/lifecycle/test_self_feeding.py"),
    ),
    Rule(
        "create on ResourceNotFoundException",
        "_core/policy.py",
        '"ResourceNotFoundException": Verdict.PROVISION',
        '"ResourceNotFoundException": Verdict.RETRY',
        ("tests/core", "tests/shipping"),
    ),
    Rule(
        "the end index of what is too old is exclusive",
        "_core/progress.py",
        "min(answer.too_old_end, count)",
        "min(answer.too_old_end + 1, count)",
        ("tests/core", "tests/faults/test_limits.py"),
    ),
    Rule(
        "the first record wakes the worker",
        "_intake/inbox.py",
        "        self._schedule_drain()\n        with self._lock:\n            if self._loop is not None",
        "        with self._lock:\n            if self._loop is not None",
        ("tests/intake", "tests/lifecycle/test_threads.py"),
    ),
)


def main(names: list[str]) -> int:
    """Break the rules whose name contains one of `names`, or all of them."""
    chosen = [rule for rule in RULES if not names or any(name in rule.name for name in names)]
    unseen = [rule.name for rule in chosen if not _is_seen(rule)]
    print(f"{len(chosen) - len(unseen)} of {len(chosen)} broken rules are seen")
    return 1 if unseen or not chosen else 0


def _is_seen(rule: Rule) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "aiowatchtower"
        shutil.copytree(ROOT / "src" / "aiowatchtower", library)
        file = library / rule.file
        text = file.read_text(encoding="utf-8")
        if text.count(rule.kept) != 1:
            print(f"{rule.name}: {rule.kept!r} is not once in {rule.file}")
            return False
        file.write_text(text.replace(rule.kept, rule.broken), encoding="utf-8")
        began = time.monotonic()
        seen_by = _first_failure(folder, rule)
        took = time.monotonic() - began
    print(f"{rule.name}: {seen_by or 'NO TEST SEES IT'} ({took:.0f} s)", flush=True)
    return bool(seen_by)


def _first_failure(library: str, rule: Rule) -> str:
    """Return the test that fails first, or "" when none does."""
    command = ("-m", "pytest", "-q", "-x", "--timeout=60", "-p", "no:cacheprovider", *rule.tests)
    try:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": library, "CI": "true", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "the suite does not end"
    if done.returncode not in {0, 1}:
        sys.exit(f"the tests do not run:\n{done.stdout}{done.stderr}")
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return failed[1] if failed else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
