"""Logging that is configured by a file, dictconfig.yaml, and run by one line.

python -m pip install pyyaml
python dictconfig_app.py
"""

import asyncio
import logging.config
from pathlib import Path

import yaml

from aiowatchtower import CloudWatchLogging

logger = logging.getLogger("shop")


def configure() -> None:
    """Read the file next to this one. No event loop is needed yet."""
    config = Path(__file__).with_name("dictconfig.yaml").read_text(encoding="utf-8")
    logging.config.dictConfig(yaml.safe_load(config))


async def main() -> None:
    """Run the handlers that the file declares."""
    async with CloudWatchLogging.configured():
        logger.info("order shipped", extra={"order": 7})


if __name__ == "__main__":
    configure()
    logger.info("records from before the block are kept and delivered, too")
    asyncio.run(main())
