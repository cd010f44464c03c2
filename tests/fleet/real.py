"""Whether the simulation tells the truth: fifty real processes beside fifty simulated workers.

    python tests/fleet/real.py

All begin at once against a service that lets five streams a second be created. Compared are the time until
everything has arrived and the requests that were refused, each as the mean of a few runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[2])

from tests.fleet.account import Terms  # noqa: E402
from tests.fleet.fleet import Plan, simulate  # noqa: E402

from aiowatchtower.testing import serve  # noqa: E402

WORKER = Path(__file__).with_name("real_worker.py")
_LATENCY = 0.04
_AGREEMENT = 0.2

# Seconds until drained, and requests refused for each accepted.
Seen = tuple[float, float]


def real(workers: int, seconds: int, streams_per_second: int) -> Seen:
    """Run that many processes; give what the service saw of them."""
    with serve(latency=_LATENCY, create_streams_per_second=streams_per_second) as server:
        environ = {**os.environ, **server.environ}
        # The group is there from before, as it is in the simulation.
        first = _started(workers, 1, environ)
        _begun(first).communicate(timeout=60)
        before = len(server.requests)
        programs = [_started(number, seconds, environ) for number in range(workers)]
        for program in programs:
            _begun(program)
        for program in programs:
            out, _ = program.communicate(timeout=600)
            counts = json.loads(out)
            assert counts["logged"] == counts["delivered"] == seconds
        requests = server.requests[before:]
    # Every new stream begins with a put that does not find it, which is no refusal of the quota's.
    counted = [each for each in requests if each.error_code != "ResourceNotFoundException"]
    times = [each.monotonic_time for each in counted]
    refused = sum(each.error_code == "ThrottlingException" for each in counted)
    return max(times) - min(times), refused / (len(counted) - refused)


def _started(number: int, seconds: int, environ: dict[str, str]) -> subprocess.Popen[str]:
    """Start a worker; return it when it is ready."""
    program = subprocess.Popen(
        [sys.executable, str(WORKER), str(number), str(seconds)],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    return program


def _begun(program: subprocess.Popen[str]) -> subprocess.Popen[str]:
    """Let a worker begin."""
    assert program.stdin is not None
    program.stdin.write("\n")
    program.stdin.flush()
    return program


def simulated(workers: int, seconds: int, streams_per_second: int, seed: int) -> Seen:
    """Run that many workers on the clock that jumps; give what the account saw of them."""
    terms = Terms(5_000.0, float(streams_per_second), latency_seconds=_LATENCY, settling_seconds=0)
    plan = Plan([0.0] * workers, ends=seconds - 0.5, period=1.0, send_interval=1.0)
    outcome = simulate(plan, terms, seed)
    assert outcome.statistics.delivered == workers * seconds
    accepted, refused = outcome.account.accepted, outcome.account.refused
    return outcome.drained_after, sum(refused.values()) / sum(accepted.values())


def _mean(seen: Sequence[Seen]) -> Seen:
    return statistics.fmean(each[0] for each in seen), statistics.fmean(each[1] for each in seen)


def main() -> int:
    """Print both, and fail when they differ by more than a fifth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--streams-per-second", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    fleet = (arguments.workers, arguments.seconds, arguments.streams_per_second)
    there = _mean([real(*fleet) for _ in range(arguments.runs)])
    here = _mean([simulated(*fleet, seed) for seed in range(10 * arguments.runs)])
    print("| | real processes | simulated | ratio |\n| --- | --- | --- | --- |")
    differ = False
    for name, seen, told in zip(
        ("drained after, s", "refused per accepted"), there, here, strict=True
    ):
        print(f"| {name} | {seen:.2f} | {told:.2f} | {told / seen:.2f} |")
        differ |= abs(told / seen - 1) > _AGREEMENT
    return differ


if __name__ == "__main__":
    sys.exit(main())
