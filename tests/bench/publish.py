"""Write the figures of a run into README.md and docs/, and its plot into .github/.

python tests/bench/publish.py bench.json [bench-of-another-python.json ...]

Each page has a pair of comments, `<!-- benchmark: NAME -->` and `<!-- benchmark: end -->`; what stands between
them is replaced. The first file gives the figures; all of them together give the table by Python.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plan
import plot
import table
from clients import BY_HAND, FLOOR, NAMES, OURS, WATCHTOWER
from figures import Samples, rows

_ROOT = Path(__file__).parents[2]
_PICTURE = _ROOT / ".github" / "benchmark.svg"
_NAMES = {
    FLOOR: "`NullHandler` (floor)",
    WATCHTOWER: "Watchtower {watchtower}",
    BY_HAND: "`asyncio.Queue` and aiobotocore by hand",
    OURS: "**aiowatchtower**",
}
_FORMS = {
    "text": plan.NO_SPOOL,
    "mappings": plan.MAPPINGS,
    "text, `structured=True`": plan.STRUCTURED,
    "text, with a spool": plan.SPOOL,
    "text, `with` and no event loop": plan.SYNCHRONOUS,
    "text, from 16 threads": plan.THREADS,
    "text, on uvloop": plan.UVLOOP,
}

Run = dict[str, Any]
# A page has these sections once they are measured.
_FORMS_HEADING = "## What the forms cost"
_PYTHONS_HEADING = (
    "## Which Python\n\nEach line is a run of its own, so that only ratios are comparable."
)
_PROMISED = (
    "## What is promised\n\n*must* and *aim* are the limits that `python tests/bench/run.py --enforce` holds the "
    "figures to. Each is judged by the median of the\nrounds, or by the best round where noise only ever adds."
)


def _median(samples: Samples, name: str, client: str, key: str) -> float | None:
    values = samples.of(name, client, key)
    return statistics.median(values) if values else None


def _shown(value: float | None, digits: int, unit: str = "") -> str:
    """Write a figure for a table: rounded, with spaces between thousands, empty if there is none."""
    if value is None:
        return ""
    rounded = f"{round(value, -3):,.0f}" if digits < 0 else f"{value:,.{digits}f}"
    return f"{rounded.replace(',', ' ')}{unit}"


def compared(run: Run, samples: Samples) -> str:
    """Give the table of the libraries and the sentence that says how it came about."""
    lines = []
    for client in NAMES:
        is_floor = client == FLOOR
        cells = [
            _NAMES[client].format(
                watchtower=".".join(run["packages"]["watchtower"].split(".")[:2])
            ),
            _shown(_median(samples, plan.SATURATION, client, "cpu_us"), 1, " us"),
            "" if is_floor else _shown(_median(samples, plan.SATURATION, client, "records_s"), -3),
            ""
            if is_floor
            else _shown(_median(samples, plan.SATURATION_LATE, client, "records_s"), -3),
            _shown(_median(samples, plan.STEADY, client, "gap_ms"), 1, " ms"),
        ]
        lines.append(
            [f"**{cell}**" if client == OURS and "*" not in cell else cell for cell in cells]
        )
    header = ["", "CPU per record", "records/s", "30 ms away", "longest loop gap at 20 000/s"]
    return f"{table.markdown(header, lines)}\n\n{_circumstances(run)}"


def _circumstances(run: Run) -> str:
    records = _shown(run["records"], 0)
    return (
        f"Medians of {run['rounds']} rounds with {records} records of about 110 bytes, CPython {run['python']}, "
        f"{run['cpus']} CPUs,\n{run['date'][:10]}. A machine's speed drifts by as much as 40 %, so trust the ratios. "
        "*30 ms away* is a server that answers\nafter 30 ms. "
        "The floor is what Python's own `logging` takes when nothing is shipped."
    )


def promised(samples: Samples) -> str:
    """Give the table of each figure with what it must reach."""
    return f"{_PROMISED}\n\n{table.promises(rows(samples))}"


def forms(samples: Samples) -> str:
    """Give the table of the forms in which one may log, for us and for Watchtower."""
    lines = [
        [
            form,
            _shown(_median(samples, name, OURS, "cpu_us"), 1, " us"),
            _shown(_median(samples, name, WATCHTOWER, "cpu_us"), 1, " us"),
        ]
        for form, name in _FORMS.items()
    ]
    header = ["what is logged", "CPU per record", "Watchtower's"]
    return f"{_FORMS_HEADING}\n\n{table.markdown(header, lines)}"


def pythons(runs: Sequence[Run]) -> str:
    """Give the table of the ratios by Python, each within its own run."""
    lines = []
    for run in runs:
        samples = Samples(run["samples"])
        ratios = (
            samples.ratio(plan.SATURATION, "cpu_us", FLOOR),
            samples.ratio(plan.SATURATION, "cpu_us", WATCHTOWER),
            samples.ratio(plan.SATURATION, "caller_us", FLOOR),
        )
        medians = [_shown(statistics.median(ratio) if ratio else None, 2) for ratio in ratios]
        lines.append([run["python"], *medians])
    header = ["CPython", "CPU / floor", "CPU / Watchtower's", "`logger.info` / `NullHandler`'s"]
    return f"{_PYTHONS_HEADING}\n\n{table.markdown(header, lines)}"


def summary(run: Run, samples: Samples) -> str:
    """Give the README's picture and the sentence below it."""
    cpu = {
        name: _shown(_median(samples, plan.SATURATION, name, "cpu_us"), 1, " us") for name in NAMES
    }
    gap = {name: _shown(_median(samples, plan.STEADY, name, "gap_ms"), 1, " ms") for name in NAMES}
    return (
        f"![CPU per record and longest gap of the event loop: {cpu[OURS]} and {gap[OURS]}, against "
        f"{cpu[WATCHTOWER]} and {gap[WATCHTOWER]} of Watchtower](.github/benchmark.svg)\n\n"
        f"{_shown(run['records'], 0)} records of about 110 bytes, medians of {run['rounds']} rounds, CPython "
        f"{'.'.join(run['python'].split('.')[:2])}, {run['cpus']} CPUs; trust the ratios. A `NullHandler`, which ships\n"
        f"nothing, takes {cpu[FLOOR]} and {gap[FLOOR]}. [How it is measured, and what falls short]"
        "(docs/performance.md); `nox -s bench` measures on your machine."
    )


def replaced(page: str, name: str, text: str) -> str:
    """Return the page with `text` between the comments of that name."""
    pattern = rf"(<!-- benchmark: {re.escape(name)} -->\n).*?(\n<!-- benchmark: end -->)"
    page, count = re.subn(pattern, lambda found: found[1] + text + found[2], page, flags=re.DOTALL)
    if count != 1:
        message = f"the comments of {name!r} are there {count} times"
        raise ValueError(message)
    return page


def main(files: Sequence[str]) -> None:
    """Write everything that follows from the runs in these files."""
    runs: list[Run] = [json.loads(Path(file).read_text(encoding="utf-8")) for file in files]
    run, samples = runs[0], Samples(runs[0]["samples"])
    parts = {
        _ROOT / "README.md": {"summary": summary(run, samples)},
        _ROOT / "docs" / "performance.md": {
            "compared": compared(run, samples),
            "forms": forms(samples),
            "promised": promised(samples),
            "pythons": pythons(runs),
        },
    }
    for page, texts in parts.items():
        text = page.read_text(encoding="utf-8")
        for name, part in texts.items():
            text = replaced(text, name, part)
        page.write_text(text, encoding="utf-8")
    note = "Python {python}, {cpus} CPUs, {rounds} rounds of {records} records, {date}".format(
        **run
    )
    _PICTURE.write_text(plot.draw(samples, note), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) == 1 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(sys.argv[1:])
