"""Metrics in log events: CloudWatch makes metrics of what is in the Embedded Metric Format.

    python emf_metrics.py

A mapping that has `_aws` goes out as it is, also where `structured=True` adds fields to others.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import asyncio
import logging
import time

from aiowatchtower import CloudWatchLogFormatter, CloudWatchLogging

logger = logging.getLogger("shop")


def count_latency(route: str, milliseconds: float) -> dict[str, object]:
    """Return one measurement: a metric `Latency` in the namespace `Shop`, for each route."""
    metric = {"Name": "Latency", "Unit": "Milliseconds"}
    return {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {"Namespace": "Shop", "Dimensions": [["Route"]], "Metrics": [metric]}
            ],
        },
        "Route": route,
        "Latency": milliseconds,
    }


async def main() -> None:
    """Measure something and log it."""
    formatter = CloudWatchLogFormatter(structured=True)
    async with CloudWatchLogging("/examples/emf", formatter=formatter):
        begin = time.perf_counter()
        await asyncio.sleep(0.01)
        elapsed = (time.perf_counter() - begin) * 1000
        logger.info(count_latency("/orders", elapsed))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main())
