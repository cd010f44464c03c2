"""Run the examples under their servers several times, and print a table of what has arrived.

    python tests/frameworks/repeat.py --times 5                  # each example
    python tests/frameworks/repeat.py --times 20 celery flask    # those whose test's name has one of these words

A run that fails its test counts as failed; its output goes to the folder of `--keep`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
_LINE = re.compile(
    r"logged (\d+) arrived (\d+) missing (\d+) doubled (\d+) exit (-?\d+) after ([\d.]+) s"
)
_PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0")


def tests() -> list[str]:
    """Return the tests of this folder as pytest names them."""
    listed = subprocess.run(
        [*_PYTEST, "--collect-only", str(HERE)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [line for line in listed.stdout.splitlines() if "::" in line]


def repeat(test: str, times: int, keep: Path) -> str:
    """Run a test so many times; return its row of the table."""
    sums, codes, slowest, failed = [0, 0, 0, 0], set[int](), 0.0, 0
    for number in range(times):
        done = subprocess.run(
            [*_PYTEST, "-s", test],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            failed += 1
            name = re.sub(r"\W+", "-", test.partition("::")[2])
            (keep / f"{name}-{number}.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
        for match in _LINE.finditer(done.stdout):
            sums = [
                before + int(more) for before, more in zip(sums, match.groups()[:4], strict=True)
            ]
            codes.add(int(match[5]))
            slowest = max(slowest, float(match[6]))
    exits = ", ".join(map(str, sorted(codes)))
    columns = (
        test.partition("::")[2],
        f"{times - failed} of {times}",
        *sums,
        exits,
        f"{slowest:.1f}",
    )
    return "| " + " | ".join(map(str, columns)) + " |"


def main() -> int:
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--keep", type=Path, default=Path("repeated"))
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    arguments.keep.mkdir(parents=True, exist_ok=True)
    print("| test | passed | logged | arrived | missing | doubled | exit codes | longest exit, s |")
    print("|---|---|---|---|---|---|---|---|")
    for test in tests():
        if not arguments.words or any(word in test for word in arguments.words):
            print(repeat(test, arguments.times, arguments.keep), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
