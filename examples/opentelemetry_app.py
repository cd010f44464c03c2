"""Trace and span ids in each JSON event, wherever OpenTelemetry has a span.

    python -m pip install opentelemetry-sdk
    python opentelemetry_app.py

In Logs Insights: filter trace_id = "..." shows all that one trace has logged.
"""

import asyncio
import logging

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from aiowatchtower import CloudWatchLogFormatter, CloudWatchLogging

trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("shop")
logger = logging.getLogger("shop")


class TraceFilter(logging.Filter):
    """Put the ids of the current span on each record; JSON events carry such extra fields."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Run where the record is logged, so that the span is the right one."""
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            record.trace_id = trace.format_trace_id(span.trace_id)
            record.span_id = trace.format_span_id(span.span_id)
        return True


async def ship(order: int) -> None:
    """Log in a span of its own, inside that of the caller."""
    with tracer.start_as_current_span("ship"):
        await asyncio.sleep(0)
        logger.info("shipped", extra={"order": order})


async def main() -> None:
    """Log outside of spans, and from two traces at once."""
    formatter = CloudWatchLogFormatter(structured=True)
    async with CloudWatchLogging("/examples/opentelemetry", formatter=formatter) as logs:
        logs.handler.addFilter(TraceFilter())
        logger.info("no span yet")
        await asyncio.gather(ship(7), ship(8))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main())
