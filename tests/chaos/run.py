"""Run seeded schedules of faults against the real pipeline and account for every record.

python tests/chaos/run.py [--seconds 120] [--seed N] [--schedules N] [--only NUMBER]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pprint
import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[2])

from tests.chaos.drive import Bugs, Outcome, Run, measured_lag, watched_for_bugs  # noqa: E402
from tests.chaos.schedules import Schedule, random_schedule  # noqa: E402

AT_ONCE = 16
SOCKET_SHARE = 8  # each so manieth schedule goes over a real socket


def schedule_of(seed: int, number: int) -> Schedule:
    """Return a schedule that depends on the seed and its number alone."""
    over_socket = number % SOCKET_SHARE == SOCKET_SHARE - 1
    return random_schedule(random.Random(f"{seed}/{number}"), over_socket=over_socket)


class Tally:
    """Sums over all schedules."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.failed: list[int] = []

    def add(self, number: int, outcome: Outcome) -> None:
        """Add what came of one schedule; print it when a law was violated."""
        seen = outcome.statistics
        self.rejected.update(seen.rejected)
        self.dropped.update(seen.dropped)
        fates = seen.delivered + sum(seen.rejected.values()) + sum(seen.dropped.values())
        self.counts.update(
            {
                "schedules run": 1,
                "  over a socket": int(outcome.schedule.over_socket),
                "faults injected": outcome.faults,
                "records logged": seen.logged,
                "records delivered": seen.delivered,
                "possible duplicates": seen.possible_duplicates,
                "unaccounted": abs(seen.logged - fates),
            }
        )
        if outcome.violations:
            self.failed.append(number)
            print(f"\nVIOLATED by schedule {number}: {len(outcome.violations)} times, first")
            print("  " + "\n  ".join(outcome.violations[:3]))
            pprint.pp(outcome.schedule, width=100)

    def show(self) -> None:
        """Print the sums."""
        for name in ("schedules run", "  over a socket", "faults injected", "records logged"):
            print(f"{name:24} {self.counts[name]:>10,}")
        print(f"{'records delivered':24} {self.counts['records delivered']:>10,}")
        for what, reasons in (("rejected", self.rejected), ("dropped", self.dropped)):
            for reason, count in sorted(reasons.items()):
                print(f"{what + ': ' + reason:24} {count:>10,}")
        print(f"{'possible duplicates':24} {self.counts['possible duplicates']:>10,}")
        print(f"{self.counts['unaccounted']} unaccounted")


async def run_many(arguments: argparse.Namespace, tally: Tally) -> Bugs:
    """Run schedules side by side until there were enough, or the time is up."""
    ends_at = time.monotonic() + arguments.seconds
    numbers = iter(range(arguments.schedules or sys.maxsize))
    if arguments.only is not None:
        numbers = iter([arguments.only])

    with watched_for_bugs(asyncio.get_running_loop()) as bugs:
        async with measured_lag() as lag:

            async def run_some() -> None:
                for number in numbers:
                    if time.monotonic() >= ends_at:
                        return
                    schedule = schedule_of(arguments.seed, number)
                    tally.add(number, await Run(schedule, lag).drive())

            await asyncio.gather(*(run_some() for _ in range(AT_ONCE)))
    return bugs


def main() -> int:
    """Return 0 when every law was kept, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120.0, help="stop after so long")
    parser.add_argument("--seed", type=int, default=None, help="default: a new one each time")
    parser.add_argument("--schedules", type=int, default=None, help="stop after so many")
    parser.add_argument("--only", type=int, default=None, help="run the schedule of this number")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = random.randrange(10**6)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    print(f"seed {arguments.seed}", flush=True)
    tally = Tally()
    bugs = asyncio.run(run_many(arguments, tally))
    tally.show()
    for bug in bugs.found[:3]:
        print(f"\nBUG: {bug}")
    if tally.failed:
        print(f"\nagain: python {__file__} --seed {arguments.seed} --only {tally.failed[0]}")
    return 1 if tally.failed or bugs.found or tally.counts["unaccounted"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
