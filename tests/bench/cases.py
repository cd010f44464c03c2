"""What is measured: each case runs one client in a fresh process and gives its figures."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import statistics
import sys
import tempfile
import time
from array import array
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import clients
from load import BURST, LOGGER, Load
from meters import callbacks, heartbeat, resident_bytes

STEADY_RATE = 20_000
WARM_UP = 1.0

Figures = dict[str, Any]


@dataclass(frozen=True)
class Spec:
    """One measurement, as the parent process orders it."""

    case: str
    client: str
    endpoint: str = ""
    records: int = 0
    seconds: float = 0.0
    streams: int = 1
    threads: int = 0
    repeats: int = 1
    mappings: bool = False
    structured: bool = False
    spool: bool = False
    uvloop: bool = False
    prewarm: bool = False

    def names(self) -> list[str]:
        """Name one logger for each stream."""
        if self.streams == 1:
            return [LOGGER]
        return [f"{LOGGER}.part{number:04d}" for number in range(self.streams)]

    @contextlib.asynccontextmanager
    async def connect(self, **settings: Any) -> AsyncIterator[clients.Flush | None]:
        """Set the logger up and enter the client's block."""
        _set_up_logger()
        stream = clients.STREAM if self.streams == 1 else "{logger_name}"
        if self.structured:
            settings["structured"] = True
        with tempfile.TemporaryDirectory() as directory:
            if self.spool:
                settings["spool_directory"] = directory
            client = clients.load(self.client)
            async with client.connect(self.endpoint, LOGGER, stream, **settings) as flush:
                yield flush


def _set_up_logger() -> None:
    logger = logging.getLogger(LOGGER)
    logger.setLevel(logging.INFO)
    logger.propagate = False


async def saturation(spec: Spec) -> Figures:
    """Log as fast as the loop allows, from the first call until everything is delivered."""
    load = Load(spec.names(), mappings=spec.mappings)
    caller_ns = array("d")
    async with spec.connect():
        wall, cpu = time.perf_counter(), time.process_time()
        if spec.threads:
            load.logged = await _from_threads(spec)
        else:
            await _bursts(load, spec.records, caller_ns)
        logged = time.perf_counter() - wall
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "logged": load.logged,
        "cpu_us": cpu / load.logged * 1e6,
        "records_s": load.logged / wall,
        "logging_s": logged,
        "wall_s": wall,
        "caller_us": statistics.median(caller_ns) / BURST / 1e3 if caller_ns else None,
    }


def synchronous(spec: Spec) -> Figures:
    """Log as fast as a program without an event loop can, until everything is delivered."""
    _set_up_logger()
    load = Load()
    caller_ns = array("d")
    with clients.load(spec.client).attached(spec.endpoint, LOGGER, clients.STREAM):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(spec.records // BURST):
            caller_ns.append(load.burst())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "logged": load.logged,
        "cpu_us": cpu / load.logged * 1e6,
        "records_s": load.logged / wall,
        "wall_s": wall,
        "caller_us": statistics.median(caller_ns) / BURST / 1e3,
    }


async def _bursts(load: Load, records: int, caller_ns: array[float]) -> None:
    for _ in range(records // BURST):
        caller_ns.append(load.burst())
        await asyncio.sleep(0)


async def _from_threads(spec: Spec) -> int:
    share = spec.records // spec.threads // BURST * BURST

    def log(start: int) -> None:
        load = Load(spec.names(), start=start, mappings=spec.mappings)
        while load.logged < share:
            load.burst()

    starts = [number * share for number in range(spec.threads)]
    await asyncio.gather(*(asyncio.to_thread(log, start) for start in starts))
    return share * spec.threads


async def steady(spec: Spec) -> Figures:
    """Log at a steady rate; after a warm-up and one collection watch the loop for a while."""
    load = Load()
    async with spec.connect():
        await _at_rate(load, WARM_UP)
        gc.collect()
        await _at_rate(load, 0.2)
        cpu, wall = time.process_time(), time.perf_counter()
        before = load.logged
        with callbacks() as calls:
            async with heartbeat() as heart:
                await _at_rate(load, spec.seconds)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "logged": load.logged,
        "rate": (load.logged - before) / wall,
        "cpu_share": cpu / wall,
        "callback_ms": calls.longest * 1e3,
        "callback": calls.culprit,
        "gap_ms": heart.longest * 1e3,
        "gap_p999_ms": heart.p999 * 1e3,
    }


async def _at_rate(load: Load, seconds: float) -> None:
    """Log bursts at their due times; when late, one burst for each turn of the loop."""
    begun = time.perf_counter()
    for number in range(int(seconds * STEADY_RATE / BURST)):
        due = begun + number * BURST / STEADY_RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        load.burst()


async def lifetime(spec: Spec) -> Figures:
    """Watch the loop of a fresh process over entry, a little traffic, and exit."""
    load = Load()
    known = set(sys.modules)
    with callbacks() as calls:
        async with heartbeat() as heart:
            await asyncio.sleep(0.2)
            heart.gaps = array("d")
            begun = time.perf_counter()
            async with spec.connect():
                entered = time.perf_counter() - begun
                await _at_rate(load, spec.seconds)
                running_ms = heart.longest * 1e3
                heart.gaps = array("d")
            await asyncio.sleep(0.05)
    return {
        "logged": load.logged,
        "enter_ms": entered * 1e3,
        "gap_ms": max(running_ms, heart.longest * 1e3),
        "gap_entry_ms": running_ms,
        "gap_exit_ms": heart.longest * 1e3,
        "callback_ms": calls.longest * 1e3,
        "callback": calls.culprit,
        "modules_imported": len(set(sys.modules) - known),
    }


async def waiting(spec: Spec) -> Figures:
    """Log to a server that never answers, and weigh what waits."""
    load = Load()
    async with spec.connect(shutdown_timeout=0.1):
        await _at_rate(load, 1.0)
        gc.collect()
        before, already = resident_bytes(), load.logged
        await _bursts(load, spec.records, array("d"))
        await asyncio.sleep(1.0)
        grown = resident_bytes() - before
    return {"logged": load.logged, "bytes_each": grown / (load.logged - already)}


async def scaling(spec: Spec) -> Figures:
    """Log and flush a number of records again and again, once the client is made.

    With room for all of them: records that are dropped would make the others look cheap.
    """
    load = Load(spec.names())
    costs = array("d")
    async with spec.connect(max_buffer_size=2**30) as flush:
        if flush is None:
            message = f"{spec.client} has no flush to wait for"
            raise TypeError(message)
        await _bursts(load, 10_000, array("d"))
        await flush()
        for _ in range(spec.repeats):
            cpu = time.process_time()
            await _bursts(load, spec.records, array("d"))
            await flush()
            costs.append((time.process_time() - cpu) / spec.records * 1e6)
    return {"logged": load.logged, "cpu_us": statistics.median(costs), "resident": resident_bytes()}


# Those that run without an event loop.
SYNCHRONOUS_CASES: dict[str, Callable[[Spec], Figures]] = {"synchronous": synchronous}
CASES: dict[str, Callable[[Spec], Coroutine[Any, Any, Figures]]] = {
    case.__name__: case for case in (saturation, steady, lifetime, waiting, scaling)
}


def environment() -> dict[str, str]:
    """Give the environment of a client that must reach nothing but the benchmark's server."""
    return os.environ | {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        # What is installed is compiled; importing must not compile it again each time.
        "PYTHONDONTWRITEBYTECODE": "",
    }
