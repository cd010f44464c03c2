"""Drive ten thousand workers through what deployments go through; print a table, and draw it.

nox -s fleet                                    # all of it
python tests/fleet/run.py --workers 500         # a small one
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from functools import partial
from multiprocessing import get_context
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[2])

from tests.fleet.fleet import simulate  # noqa: E402
from tests.fleet.scenarios import SCENARIOS  # noqa: E402

Row = dict[str, object]
_MAX_RATIO = 1.5
# Those that take longest begin first, so that all processors are busy until the end.
_LONGEST_FIRST = ("regional_outage", "noisy_neighbour", "throttled_account", "all_start_at_once")


def measure(number: int, workers: int, seed: int) -> Row:
    """Run one scenario and give its row of the table."""
    # What ten thousand workers have to say is the same, and nobody's to read.
    logging.getLogger("aiowatchtower").addHandler(logging.NullHandler())
    logging.getLogger("aiowatchtower").propagate = False
    began = time.process_time()
    scenario = SCENARIOS[number](workers)
    outcome = simulate(scenario.plan, scenario.terms, seed)
    seen, account = outcome.statistics, outcome.account
    lost = seen.logged - seen.delivered
    accepted, refused = sum(account.accepted.values()), sum(account.refused.values())
    return {
        "number": number,
        "scenario": scenario.name,
        "workers": len(scenario.plan.begins),
        "records": seen.logged,
        "lost": lost,
        "drained_after": round(outcome.drained_after, 1),
        "bound": round(scenario.bound_seconds, 1),
        "ratio": round(outcome.drained_after / scenario.bound_seconds, 2),
        "refused_per_accepted": round(refused / accepted, 2),
        "longest_wait": round(account.longest_wait, 1),
        "kib_per_worker": round(outcome.bytes_per_worker / 1024, 1),
        "cpu": round(time.process_time() - began, 1),
        "refusals": dict(account.refused),
        "seconds": account.seconds,
    }


_COLUMNS = {
    "scenario": "scenario",
    "records": "records",
    "lost": "lost",
    "drained_after": "drained after, s",
    "bound": "quota's bound, s",
    "ratio": "ratio",
    "refused_per_accepted": "refused per accepted",
    "longest_wait": "longest wait, s",
    "kib_per_worker": "KiB per worker",
    "cpu": "CPU time, s",
}


def table(rows: list[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = [list(_COLUMNS.values()), ["---"] * len(_COLUMNS)]
    lines += [[str(row[key]) for key in _COLUMNS] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _place(number: int) -> int:
    name = SCENARIOS[number].__name__
    return _LONGEST_FIRST.index(name) if name in _LONGEST_FIRST else len(_LONGEST_FIRST)


def main() -> int:
    """Run the scenarios on all processors; fail when a record is lost or a fleet drains too slowly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, nargs="*", default=range(len(SCENARIOS)))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    began = time.perf_counter()
    numbers = sorted(arguments.only, key=_place)
    # A process for each, so that its memory is that of its own workers.
    with get_context("spawn").Pool(maxtasksperchild=1) as pool:
        work = partial(measure, workers=arguments.workers, seed=arguments.seed)
        rows = []
        for row in pool.imap_unordered(work, numbers):
            print(f"{row['scenario']}: {row['cpu']} s of CPU time", file=sys.stderr, flush=True)
            rows.append(row)
            if arguments.json:
                # What is there is there, should the run be stopped.
                arguments.json.write_text(json.dumps(rows))
    rows.sort(key=lambda row: int(str(row["number"])))
    print(table(rows))
    cpu = sum(float(str(row["cpu"])) for row in rows)
    print(f"\n{time.perf_counter() - began:.0f} s, and {cpu:.0f} s of CPU time")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows))
    failed = [
        row["scenario"] for row in rows if row["lost"] or float(str(row["ratio"])) > _MAX_RATIO
    ]
    print(f"failed: {', '.join(map(str, failed))}" if failed else "all within their bounds")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
