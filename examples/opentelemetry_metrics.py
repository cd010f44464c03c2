"""The shipper's statistics as OpenTelemetry metrics: observable instruments.

pip install opentelemetry-sdk
python opentelemetry_metrics.py
"""

import asyncio
import logging
from collections.abc import Iterable

from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader

from aiowatchtower import CloudWatchLogging


def observe(meter: Meter, logs: CloudWatchLogging) -> None:
    """Register instruments that read `statistics()`, which may be called from any thread."""

    def pending(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(logs.statistics().pending_bytes)

    def records(_: CallbackOptions) -> Iterable[Observation]:
        seen = logs.statistics()
        yield Observation(seen.delivered, {"fate": "delivered"})
        yield Observation(sum(seen.rejected.values()), {"fate": "rejected"})
        yield Observation(sum(seen.dropped.values()), {"fate": "dropped"})

    meter.create_observable_gauge("cloudwatch_logs.pending", [pending], unit="By")
    meter.create_observable_counter("cloudwatch_logs.records", [records], unit="{record}")


async def main() -> None:
    """Log something, and export what there is to see."""
    provider = MeterProvider([PeriodicExportingMetricReader(ConsoleMetricExporter())])
    async with CloudWatchLogging("/examples/opentelemetry-metrics") as logs:
        observe(provider.get_meter("shop"), logs)
        logging.getLogger("shop").warning("order 7 is late")
        await logs.flush()
        provider.force_flush()
    provider.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
