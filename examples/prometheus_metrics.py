"""The shipper's statistics for Prometheus: a collector that reads them when it is scraped.

pip install prometheus-client
python prometheus_metrics.py
"""

import asyncio
import logging
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aiowatchtower import CloudWatchLogging

registry = CollectorRegistry()


class LogShipping(Collector):
    """Counts what became of the log records; `statistics()` may be called from any thread."""

    def __init__(self, logs: CloudWatchLogging) -> None:
        self._logs = logs

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics as they are now."""
        seen = self._logs.statistics()
        yield CounterMetricFamily("cloudwatch_logs_logged", "Records logged", value=seen.logged)
        yield CounterMetricFamily(
            "cloudwatch_logs_delivered", "Records accepted", value=seen.delivered
        )
        for name, counts in (("dropped", seen.dropped), ("rejected", seen.rejected)):
            family = CounterMetricFamily(
                f"cloudwatch_logs_{name}", f"Records {name}", labels=["reason"]
            )
            for reason, count in counts.items():
                family.add_metric([reason], count)
            yield family
        yield GaugeMetricFamily(
            "cloudwatch_logs_pending_bytes", "Bytes waiting", value=seen.pending_bytes
        )


async def main() -> None:
    """Log something, and show what a scrape would see."""
    async with CloudWatchLogging("/examples/prometheus") as logs:
        registry.register(LogShipping(logs))
        logging.getLogger("shop").warning("order 7 is late")
        await logs.flush()
        print(generate_latest(registry).decode(), end="")


if __name__ == "__main__":
    asyncio.run(main())
