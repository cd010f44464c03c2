"""An hour's outage in short: log at full speed until the spool is full, then let CloudWatch Logs come back.

    python tests/spool/outage.py [--memory-mib 64] [--spool-mib 1024]

Prints how many records there were, what memory they took, how long they took to be delivered, and in which
order they came. The exit code is 0 when each came once and none was dropped.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import http.server
import json
import logging
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aiowatchtower import CloudWatchLogging

_MIB = 2**20
# Records go to the disk alone only while a whole segment has room there.
_SEGMENT_BYTES = 8 * _MIB
_BURST = 1_000
_FORMAT = (
    "record %09d GET /api/v2/customers/%d/orders?page=1&size=50 took %d ms status=200 user=user-%d@example.com "
    "agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 "
    "referer=https://shop.example.com/catalogue/garden/tools?sort=price&view=list trace=4bf92f3577b34da6a3ce929d0e0e4736"
)


class _Arrivals(http.server.BaseHTTPRequestHandler):
    """Takes what is put, and notes what came twice and how often a stream went backwards."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[bytearray] = bytearray()
    counts: ClassVar[dict[str, int]] = {"events": 0, "twice": 0, "backwards": 0}
    first_numbers: ClassVar[list[int]] = []
    last = -1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers["x-amz-target"].endswith("PutLogEvents"):
            text = gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body
            self._count([int(each) for each in re.findall(rb'"record (\d{9}) ', text)])
        self._answer({})

    def do_GET(self) -> None:
        self._answer({**self.counts, "distinct": self.seen.count(1), "batches": self.first_numbers})

    def _count(self, numbers: list[int]) -> None:
        kind = _Arrivals
        if not numbers:
            # A batch of nothing but the marker of a gap.
            return
        kind.seen.extend(bytes(max(0, max(numbers) + 1 - len(kind.seen))))
        kind.first_numbers.append(numbers[0])
        for number in numbers:
            kind.counts["twice"] += kind.seen[number]
            kind.seen[number] = 1
            kind.counts["backwards"] += number < kind.last
            kind.last = number
        kind.counts["events"] += len(numbers)

    def _answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("x-amzn-requestid", "00000000-0000-0000-0000-000000000000")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _serve(port: int) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), _Arrivals) as server:
        print("ready", flush=True)
        server.serve_forever()


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MIB


@dataclass
class Outage:
    """What came of it."""

    logged: int
    dropped: dict[str, int]
    spooled: int
    spool_mib: float
    pending_mib: float
    start_mib: float
    logged_mib: float
    peak_mib: float
    logging_seconds: float
    drain_seconds: float
    delivered: int
    arrived: dict[str, object]
    left: list[str]

    @property
    def is_well(self) -> bool:
        """Whether each record came once."""
        return (
            not self.dropped
            and not self.left
            and self.arrived["twice"] == 0
            and self.arrived["distinct"] == self.delivered == self.logged
        )


async def outage(memory_bytes: int, spool_bytes: int, folder: str) -> Outage:
    """Log until the spool is nearly full, start the service, and wait until all is delivered."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    logger = logging.Logger("outage")
    spool = Path(folder) / "spool"
    block = CloudWatchLogging(
        "/outage", "stream", loggers=(logger,), spool_directory=spool, max_spool_size=spool_bytes,
        max_buffer_size=memory_bytes, endpoint_url=f"http://127.0.0.1:{port}", shutdown_timeout=600,
    )  # fmt: skip
    number, peak = 0, 0.0
    enough = spool_bytes - 1.5 * min(_SEGMENT_BYTES, spool_bytes // 4)
    async with block as logs:
        start, began = _resident_mib(), time.monotonic()
        while logs.statistics().spool_bytes < enough and not logs.statistics().dropped:
            for _ in range(_BURST):
                logger.info(_FORMAT, number, number % 90_000, number % 977, number % 70_001)
                number += 1
            await asyncio.sleep(0)
            peak = max(peak, _resident_mib())
        full, logged_mib, logging_seconds = (
            logs.statistics(),
            _resident_mib(),
            time.monotonic() - began,
        )
        arguments = [sys.executable, __file__, "--serve", str(port)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as server:
            assert server.stdout is not None
            await asyncio.to_thread(server.stdout.readline)
            began = time.monotonic()
            while logs.statistics().pending:
                # Beside new traffic, as a service has it.
                if time.monotonic() - began < 1:
                    logger.info(_FORMAT, number, 1, 2, 3)
                    number += 1
                await asyncio.sleep(0.01)
                peak = max(peak, _resident_mib())
            drain_seconds = time.monotonic() - began
            arrived = await asyncio.to_thread(_asked, port)
            server.terminate()
    seen = logs.statistics()
    return Outage(
        logged=seen.logged,
        dropped={str(reason): count for reason, count in seen.dropped.items()},
        spooled=full.spooled,
        spool_mib=full.spool_bytes / _MIB,
        pending_mib=full.pending_bytes / _MIB,
        start_mib=start,
        logged_mib=logged_mib,
        peak_mib=peak,
        logging_seconds=logging_seconds,
        drain_seconds=drain_seconds,
        delivered=seen.delivered,
        arrived=arrived,
        left=[str(path) for path in spool.rglob("*")],
    )


def _asked(port: int) -> dict[str, object]:
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        found: dict[str, object] = json.load(answer)
    return found


def main() -> int:
    """Return 0 when each record came once."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--memory-mib", type=int, default=64)
    parser.add_argument("--spool-mib", type=int, default=1024)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        _serve(asked.serve)
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(outage(asked.memory_mib * _MIB, asked.spool_mib * _MIB, folder))
    batches = found.arrived.pop("batches")
    for name, value in vars(found).items():
        print(f"{name:18} {value:.1f}" if isinstance(value, float) else f"{name:18} {value}")
    assert isinstance(batches, list)
    print(f"first number of each tenth batch: {batches[:: max(1, len(batches) // 24)]}")
    return 0 if found.is_well else 1


if __name__ == "__main__":
    raise SystemExit(main())
