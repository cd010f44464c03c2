"""Write the table and the picture of ten thousand workers: `python docs/pictures/fleet.py` from `fleet.json`.

    nox -s fleet -- --json run.json
    python docs/pictures/fleet.py --run run.json    # takes over what that run has measured
    python docs/pictures/fleet.py --check           # fails when the page or the picture differs

The same measurements give the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from draw import HERE, Drawing

MEASURED = HERE / "fleet.json"
PICTURE = HERE / "fleet.svg"
PAGE = HERE.parent / "fleet.md"
BEGIN, END = "<!-- table: written by pictures/fleet.py -->\n", "<!-- end of the table -->"
_COLUMNS = {
    "scenario": "Scenario",
    "records": "Records",
    "lost": "Lost",
    "drained_after": "Drained after, s",
    "bound": "Bound, s",
    "ratio": "Ratio",
    "refused_per_accepted": "Refused per accepted",
    "longest_wait": "Longest wait, s",
    "kib_per_worker": "KiB per worker",
}
# Each curve is drawn from so many means.
_BINS = 75
_WIDTH, _HEIGHT, _LEFT, _TOP = 330, 92, 42, 30

Row = dict[str, Any]


def _reduced(row: Row) -> Row:
    """Return a row of a run with means over equal parts of its time instead of every second."""
    seconds = {int(second): counts for second, counts in row["seconds"].items()}
    width = -(-(max(seconds) + 1) // _BINS)
    bins = []
    for start in range(0, max(seconds) + 1, width):
        part = [seconds.get(second, (0, 0)) for second in range(start, start + width)]
        bins.append([round(sum(counts) / width, 2) for counts in zip(*part, strict=True)])
    kept = {key: row[key] for key in (*_COLUMNS, "workers", "cpu")}
    return {**kept, "seconds_per_bin": width, "bins": bins}


def _table(rows: list[Row]) -> str:
    lines = [list(_COLUMNS.values()), ["---"] + ["---:"] * (len(_COLUMNS) - 1)]
    lines += [[str(row[key]) for key in _COLUMNS] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _page(rows: list[Row]) -> str:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return before + BEGIN + "\n" + _table(rows) + "\n" + END + rest.partition(END)[2]


def _picture(rows: list[Row]) -> str:
    height = (_HEIGHT + 62) * -(-len(rows) // 2) + 34
    d = Drawing("Requests a second that the simulated account accepts and refuses", 780, height)
    d.line((_LEFT, 12), (_LEFT + 24, 12), kind="accepted")
    d.text(_LEFT + 30, 16, "accepted requests a second", kind="small", anchor="start")
    d.line((_LEFT + 210, 12), (_LEFT + 234, 12), kind="refused")
    d.text(_LEFT + 240, 16, "refused requests a second", kind="small", anchor="start")
    for number, row in enumerate(rows):
        _panel(d, row, _LEFT + (number % 2) * 390, _TOP + 24 + (number // 2) * (_HEIGHT + 62))
    return d.svg()


def _panel(d: Drawing, row: Row, left: int, top: int) -> None:
    bottom, right = top + _HEIGHT, left + _WIDTH
    d.text(left, top - 8, row["scenario"], kind="name", anchor="start")
    highest = max(max(counts) for counts in row["bins"])
    for side, kind in enumerate(("accepted", "refused")):
        step = _WIDTH / len(row["bins"])
        points = [
            (
                round(left + (at + 0.5) * step, 1),
                round(bottom - counts[side] / highest * _HEIGHT, 1),
            )
            for at, counts in enumerate(row["bins"])
        ]
        d.line(*points, kind=kind)
    d.line((left, top), (left, bottom), (right, bottom))
    d.text(left - 5, top + 8, f"{highest:.0f}", kind="small", anchor="end")
    d.text(left - 5, bottom + 4, "0", kind="small", anchor="end")
    seconds = row["seconds_per_bin"] * len(row["bins"])
    d.text(right, bottom + 17, f"{seconds} s", kind="small", anchor="end")


def main() -> int:
    """Write both files, or say which of them differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.run:
        run = json.loads(arguments.run.read_text(encoding="utf-8"))
        lines = [json.dumps(_reduced(row)) for row in sorted(run, key=lambda row: row["number"])]
        MEASURED.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    rows = json.loads(MEASURED.read_text(encoding="utf-8"))
    wanted = {PAGE: _page(rows), PICTURE: _picture(rows)}
    if not arguments.check:
        for path, text in wanted.items():
            path.write_text(text, encoding="utf-8")
        return 0
    differ = [path.name for path, text in wanted.items() if path.read_text("utf-8") != text]
    if differ:
        print(f"run docs/pictures/fleet.py: it writes another {' and '.join(differ)}")
    return bool(differ)


if __name__ == "__main__":
    sys.exit(main())
