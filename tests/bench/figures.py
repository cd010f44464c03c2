"""The figures that are promised: how each follows from the samples, and what it must reach."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import plan
from clients import BY_HAND, FLOOR, OURS, WATCHTOWER

AIM, PASS, SHORT, ABSENT = "aim", "pass", "FALLS SHORT", "not measured"
IMPORTED = "aiobotocore.session"
"""What a program imports that uses aiobotocore; the package by itself is nearly empty."""


@dataclass(frozen=True)
class Row:
    """One promise and what was measured for it, one value for each round."""

    figure: str
    must: float
    aim: float
    values: list[float]
    unit: str = ""
    more_is_better: bool = False
    best_of_rounds: bool = False

    @property
    def measured(self) -> float:
        """The value that is judged: the median, or the best where noise only ever adds."""
        return min(self.values) if self.best_of_rounds else statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """Say what was reached."""
        if not self.values:
            return ABSENT
        sign = -1 if self.more_is_better else 1
        if sign * self.measured <= sign * self.aim:
            return AIM
        return PASS if sign * self.measured <= sign * self.must else SHORT


class Samples:
    """All measurements of a run, found by name and client."""

    def __init__(self, samples: Iterable[dict[str, Any]]) -> None:
        self._samples = list(samples)

    def of(self, name: str, client: str, key: str) -> list[float]:
        """Give one figure over the rounds."""
        chosen = (s for s in self._samples if s["name"] == name and s["client"] == client)
        return [sample[key] for sample in chosen if sample.get(key) is not None]

    def pairs(self) -> list[tuple[str, str]]:
        """Name what was measured, in order, once each."""
        return list(dict.fromkeys((sample["name"], sample["client"]) for sample in self._samples))

    def ratio(self, name: str, key: str, client: str) -> list[float]:
        """Divide ours by theirs, round by round."""
        return _divide(self.of(name, OURS, key), self.of(name, client, key))

    def above_floor(self, name: str) -> list[float]:
        """Divide what ours costs above the floor by what Watchtower costs above it."""
        floor = self.of(name, FLOOR, "cpu_us")
        ours, theirs = self.of(name, OURS, "cpu_us"), self.of(name, WATCHTOWER, "cpu_us")
        return _divide(_subtract(ours, floor), _subtract(theirs, floor))


def _divide(ours: list[float], theirs: list[float]) -> list[float]:
    return [a / b for a, b in zip(ours, theirs, strict=False) if b]


def _subtract(values: list[float], floors: list[float]) -> list[float]:
    return [value - floor for value, floor in zip(values, floors, strict=False)]


def _change(values: list[float], bases: list[float]) -> list[float]:
    return [abs(ratio - 1) * 100 for ratio in _divide(values, bases)]


def rows(samples: Samples) -> list[Row]:
    """Give every promise with its figures."""
    return [
        *_throughput(samples, plan.SATURATION),
        *_throughput(samples, plan.SATURATION_LATE),
        *_forms(samples),
        *_loop(samples),
        *_size(samples),
        *_start(samples),
    ]


def _throughput(samples: Samples, name: str) -> list[Row]:
    if name == plan.SATURATION_LATE:
        late, limits = ", 30 ms", ((0.50, 0.40), (0.30, 0.20), (1.8, 1.5), (2.0, 2.5))
    else:
        late, limits = "", ((0.38, 0.34), (0.22, 0.16), (1.38, 1.30), (2.6, 3.0))
    rival, floor, caller, speed = limits
    cpu = samples.ratio(name, "cpu_us", WATCHTOWER)
    by_hand = samples.ratio(name, "cpu_us", BY_HAND)
    faster = samples.ratio(name, "records_s", WATCHTOWER)
    one_call = samples.ratio(name, "caller_us", FLOOR)
    return [
        Row(f"CPU per record / Watchtower's{late}", *rival, cpu),
        Row(f"CPU per record / hand-written{late}", 0.65, 0.55, by_hand),
        Row(f"CPU above the floor / Watchtower's{late}", *floor, samples.above_floor(name)),
        Row(f"one logger.info / NullHandler's{late}", *caller, one_call),
        Row(f"records per second / Watchtower's{late}", *speed, faster, more_is_better=True),
    ]


def _forms(samples: Samples) -> list[Row]:
    json = samples.ratio(plan.MAPPINGS, "cpu_us", WATCHTOWER)
    synchronous = samples.ratio(plan.SYNCHRONOUS, "cpu_us", WATCHTOWER)
    plain = samples.of(plan.NO_SPOOL, OURS, "cpu_us")
    spool = _subtract(samples.of(plan.SPOOL, OURS, "cpu_us"), plain)
    return [
        Row("JSON records: CPU / Watchtower's", 0.40, 0.33, json),
        Row("with, no loop: CPU / Watchtower's", 0.50, 0.40, synchronous),
        Row("CPU per record that a spool adds", 1.5, 1.0, spool, "us"),
    ]


def _loop(samples: Samples) -> list[Row]:
    callback = samples.of(plan.STEADY, OURS, "callback_ms")
    gap = samples.of(plan.STEADY, OURS, "gap_ms")
    floor = min(samples.of(plan.STEADY, FLOOR, "gap_ms"), default=0.0)
    floor_tail = min(samples.of(plan.STEADY, FLOOR, "gap_p999_ms"), default=0.0)
    tails = samples.of(plan.STEADY, OURS, "gap_p999_ms")
    tail = _divide(tails, [floor_tail] * len(tails))
    return [
        Row("longest callback, CPU time", 1.0, 0.7, callback, "ms"),
        Row(
            "longest gap of a 1 ms heartbeat",
            10,
            min(floor + 2, 10),
            gap,
            "ms",
            best_of_rounds=True,
        ),
        Row("its 99.9 % / the floor's", 1.8, 1.2, tail, best_of_rounds=True),
        Row(
            "longest callback, entry to exit",
            12,
            7,
            samples.of(plan.LIFETIME, OURS, "callback_ms"),
            "ms",
        ),
        Row("longest gap, entry to exit", 45, 25, samples.of(plan.LIFETIME, OURS, "gap_ms"), "ms"),
        Row(
            "the same after prewarm()",
            12,
            6,
            samples.of(plan.LIFETIME_PREWARMED, OURS, "gap_ms"),
            "ms",
        ),
    ]


def _size(samples: Samples) -> list[Row]:
    waiting = samples.of(plan.WAITING, OURS, "bytes_each")
    few, many = (samples.of(name, OURS, "cpu_us") for name in (plan.FEW, plan.MANY))
    one, streams = (samples.of(name, OURS, "cpu_us") for name in (plan.SATURATION, plan.STREAMS))
    return [
        Row(
            "wire bytes / message bytes",
            0.18,
            0.15,
            samples.of(plan.SATURATION, OURS, "wire_ratio"),
        ),
        Row("memory per waiting record", 300, 220, waiting, "B"),
        Row("CPU per record, many / 10 000 records", 15, 10, _change(many, few), "%"),
        Row("CPU per record, 1 000 streams / 1", 35, 25, _change(streams, one), "%"),
    ]


def _start(samples: Samples) -> list[Row]:
    imports = _divide(*(samples.of(plan.IMPORT, name, "seconds") for name in (OURS, IMPORTED)))
    return [
        Row("import / aiobotocore's", 1.15, 1.05, imports),
        Row("time of __aenter__", 10, 2, samples.of(plan.LIFETIME, OURS, "enter_ms"), "ms"),
    ]
