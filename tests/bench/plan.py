"""What a run measures, in which order: every round takes the clients in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cases import Spec
from clients import BY_HAND, FLOOR, NAMES, OURS, WATCHTOWER
from runner import Order

SATURATION = "saturation"
SATURATION_LATE = "saturation, 30 ms"
STEADY = "steady 20 000/s"
LIFETIME = "entry and exit"
LIFETIME_PREWARMED = "entry and exit, prewarmed"
WAITING = "waiting records"
FEW = "10 000 records"
MANY = "many records"
STREAMS = "1 000 streams"
THREADS = "16 threads"
MAPPINGS = "JSON records"
STRUCTURED = "structured=True"
SPOOL = "with a spool"
NO_SPOOL = "without a spool"
SYNCHRONOUS = "with, no loop"
UVLOOP = "uvloop"
IMPORT = "import"

_LATE = 0.03
_RIVALS = (WATCHTOWER, BY_HAND, OURS)


@dataclass(frozen=True)
class Plan:
    """How much of everything a run takes."""

    rounds: int = 5
    records: int = 300_000
    waiting: int = 200_000
    streamed: int = 300_000
    many: int = 3_000_000
    seconds: float = 10.0
    lifetime: float = 10.0
    imports: int = 6
    side_rounds: int = 3
    """How many of the rounds also take the cases outside the main comparison."""

    def orders(self, number: int) -> Iterator[Order]:
        """Give the measurements of one round."""
        side = number < self.side_rounds
        load = Spec("saturation", OURS, records=self.records)
        life = Spec("lifetime", OURS, seconds=self.lifetime)
        calm = Order(STEADY, Spec("steady", OURS, seconds=self.seconds))
        yield from _each(NAMES, Order(SATURATION, load))
        yield from _each(NAMES if side else (FLOOR, OURS), calm)
        yield from _each((FLOOR, OURS), Order(LIFETIME, life))
        yield Order(LIFETIME_PREWARMED, replace(life, prewarm=True))
        if side:
            yield from self._side(load)

    def _side(self, load: Spec) -> Iterator[Order]:
        few = Spec("scaling", OURS, records=10_000, repeats=10)
        yield from _each(NAMES, Order(SATURATION_LATE, load, latency=_LATE))
        yield Order(
            WAITING, Spec("waiting", OURS, records=self.waiting), hang=True, streams_exist=True
        )
        yield Order(STREAMS, replace(load, records=self.streamed, streams=1000), streams_exist=True)
        yield Order(FEW, few)
        yield Order(MANY, replace(few, records=self.many, repeats=1))
        less = replace(load, records=self.records // 2)
        yield from _each(_RIVALS, Order(THREADS, replace(less, threads=16)))
        yield from _each(_RIVALS, Order(MAPPINGS, replace(less, mappings=True)))
        yield Order(STRUCTURED, replace(less, structured=True))
        yield Order(NO_SPOOL, less)
        yield Order(SPOOL, replace(less, spool=True))
        without_loop = Order(SYNCHRONOUS, replace(less, case="synchronous"))
        yield from _each((FLOOR, WATCHTOWER, OURS), without_loop)
        yield from _each(_RIVALS, Order(UVLOOP, replace(less, uvloop=True)))


def _each(names: tuple[str, ...], order: Order) -> Iterator[Order]:
    for name in names:
        yield replace(order, spec=replace(order.spec, client=name))


QUICK = Plan(
    rounds=2, records=150_000, many=300_000, seconds=3.0, lifetime=2.0, imports=4, side_rounds=1
)
