"""structlog through the standard library, as its own documentation recommends.

python -m pip install structlog
python structlog_app.py
"""

import asyncio
import logging

import structlog

from aiowatchtower import CloudWatchLogging

shared: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
]
structlog.configure(
    processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
logging.basicConfig(level=logging.INFO)
logger = structlog.stdlib.get_logger("shop")


def json_formatter() -> logging.Formatter:
    """Render structlog's events, and everybody else's records, as the same JSON."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )


async def main() -> None:
    """Log through structlog, and through logging as libraries do."""
    async with CloudWatchLogging("/examples/structlog", formatter=json_formatter()):
        structlog.contextvars.bind_contextvars(request_id="r-1")
        logger.info("order shipped", order=7, items=["tea", "cup"])
        logging.getLogger("library").warning("a library's record")
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            logger.exception("a step failed", order=8)


if __name__ == "__main__":
    asyncio.run(main())
