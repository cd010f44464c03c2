"""Compare shipping clients in one run on one machine, and hold the library to its promises.

python tests/bench/run.py --quick
python tests/bench/run.py --json bench.json --svg bench.svg
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import figures
import plot
import table
from clients import OURS
from figures import Samples
from plan import IMPORT, QUICK, Plan
from runner import import_time, measure

_PACKAGES = ("aiobotocore", "botocore", "aiohttp", "watchtower", "uvloop")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="less of everything: under two minutes"
    )
    parser.add_argument("--rounds", type=int, help="how often each client takes its turn")
    parser.add_argument("--records", type=int, help="records of the saturation cases")
    parser.add_argument("--json", type=Path, help="write every sample here")
    parser.add_argument("--svg", type=Path, help="write the plot here")
    parser.add_argument(
        "--enforce", action="store_true", help="exit with 1 if a figure falls short"
    )
    return parser.parse_args()


def _plan(asked: argparse.Namespace) -> Plan:
    base = QUICK if asked.quick else Plan()
    return replace(base, rounds=asked.rounds or base.rounds, records=asked.records or base.records)


def _measure(plan: Plan) -> Iterator[dict[str, Any]]:
    """Take every measurement of every round, telling where it is."""
    for number in range(plan.rounds):
        for order in plan.orders(number):
            print(
                f"round {number + 1}/{plan.rounds}: {order.name}, {order.spec.client}",
                file=sys.stderr,
            )
            yield {"round": number, **measure(order)}
        for _ in range(plan.imports):
            for module in (OURS, figures.IMPORTED):
                yield {"round": number, **import_time(IMPORT, module)}


def _faults(samples: list[dict[str, Any]]) -> list[str]:
    """Name each of our measurements that failed, lost records or broke a rule of the service."""
    faults = []
    for sample in samples:
        what = f"{sample['name']}, {sample['client']}"
        if "error" in sample:
            faults.append(f"{what}: {sample['error'].splitlines()[-1]}")
        elif sample["client"] == OURS and "lost" in sample:
            keys = ("lost", "duplicates", "unexpected", "foreign", "broken_rules", "stderr")
            faults += [f"{what}: {key} = {sample[key]}" for key in keys if sample[key]]
    return list(dict.fromkeys(faults))


def _circumstances(plan: Plan) -> dict[str, Any]:
    return {
        "command": " ".join(["python", *sys.argv]),
        "date": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "load_average_before": os.getloadavg(),
        "packages": {name: version(name) for name in _PACKAGES},
        "rounds": plan.rounds,
        "records": plan.records,
    }


def main() -> int:
    """Measure, print, write; give the exit code."""
    asked = _parse()
    plan = _plan(asked)
    begun = time.monotonic()
    circumstances = _circumstances(plan)
    measured = list(_measure(plan))
    circumstances["seconds"] = round(time.monotonic() - begun)
    samples = Samples(measured)
    rows = figures.rows(samples)
    faults = _faults(measured)
    print(table.details(samples), table.promises(rows), sep="\n\n", end="\n\n")
    print(*faults, *(f"{key}: {value}" for key, value in circumstances.items()), sep="\n")
    if asked.json:
        verdicts = [
            {"figure": row.figure, "values": row.values, "verdict": row.verdict} for row in rows
        ]
        document = {**circumstances, "promises": verdicts, "faults": faults, "samples": measured}
        asked.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    if asked.svg:
        note = "Python {python}, {cpus} CPUs, {rounds} rounds of {records} records, {date}".format(
            **circumstances
        )
        asked.svg.write_text(plot.draw(samples, note), encoding="utf-8")
    short = any(row.verdict in (figures.SHORT, figures.ABSENT) for row in rows)
    return int(asked.enforce and bool(short or faults))


if __name__ == "__main__":
    sys.exit(main())
