"""The load every client gets: realistic request lines that carry a checkable sequence number."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence

BURST = 100
LOGGER = "app"
FORMAT = "request %08x took %d ms status=%d user=%s path=%s"

_POOL_BURSTS = 80
_PATHS = (
    "/api/v2/customers/%d/orders?page=1&size=50",
    "/api/v2/orders/%d/shipments/latest",
    "/api/v2/products/%d/reviews?sort=newest",
    "/api/v2/sessions/%d/refresh",
    "/api/v2/carts/%d/items?expand=prices",
    "/internal/health/ready?probe=%d",
    "/api/v2/search/suggestions?category=%d",
)
_STATUSES = (200, 201, 204, 304, 400, 404, 500)
_STATUS_WEIGHTS = (70, 8, 5, 6, 3, 6, 1)

# A request identifier looks random but is its sequence number times an odd number modulo 2**32,
# so that the server can turn it back.
_MULTIPLIER = 0x9E3779B1
_MASK = 0xFFFFFFFF
_INVERSE = pow(_MULTIPLIER, -1, _MASK + 1)

Details = tuple[int, int, str, str]


def sequence_of(request_id: int) -> int:
    """Give the sequence number that a request identifier stands for."""
    return request_id * _INVERSE & _MASK


def _details(source: random.Random) -> Details:
    """Draw one request: a few customers and objects make most of the traffic, the tail is long."""
    took_ms = int(source.lognormvariate(3.6, 0.8))
    status = source.choices(_STATUSES, _STATUS_WEIGHTS)[0]
    user = 10_000 + min(int(source.paretovariate(0.35)), 80_000)
    thing = 10_000 + min(int(source.paretovariate(0.35)), 80_000)
    return took_ms, status, f"user-{user}@example.com", source.choice(_PATHS) % thing


def _pool() -> list[list[Details]]:
    source = random.Random(20_240_601)
    return [[_details(source) for _ in range(BURST)] for _ in range(_POOL_BURSTS)]


class Load:
    """Log bursts of 100 records, numbered from `start`, over the given loggers in turn."""

    def __init__(
        self, names: Sequence[str] = (LOGGER,), *, start: int = 0, mappings: bool = False
    ) -> None:
        self.logged = 0
        self._start = start
        self._loggers = [logging.getLogger(name) for name in names]
        self._bursts = _pool()
        self._log = _log_mappings if mappings else _log_text

    def burst(self) -> int:
        """Log one burst and give the nanoseconds it took."""
        turn = self.logged // BURST
        logger = self._loggers[turn % len(self._loggers)]
        details = self._bursts[turn % _POOL_BURSTS]
        taken_ns = self._log(logger, self._start + self.logged, details)
        self.logged += BURST
        return taken_ns


def _log_text(logger: logging.Logger, sequence: int, details: list[Details]) -> int:
    info = logger.info
    begun = time.perf_counter_ns()
    for took_ms, status, user, path in details:
        info(FORMAT, sequence * _MULTIPLIER & _MASK, took_ms, status, user, path)
        sequence += 1
    return time.perf_counter_ns() - begun


def _log_mappings(logger: logging.Logger, sequence: int, details: list[Details]) -> int:
    info = logger.info
    begun = time.perf_counter_ns()
    for took_ms, status, user, path in details:
        request = "%08x" % (sequence * _MULTIPLIER & _MASK)
        info({"request": request, "took_ms": took_ms, "status": status, "user": user, "path": path})
        sequence += 1
    return time.perf_counter_ns() - begun
