"""Ship ``logging`` records to Amazon CloudWatch Logs from asyncio services.

::

    async with CloudWatchLogging("/app/web") as logs:
        logging.getLogger("app").warning("hello")
"""

from __future__ import annotations

from ._aws.session import prewarm
from ._background import BackgroundLogging
from ._block import CloudWatchLogging
from ._core.errors import CloudWatchLoggingError, DeliveryError, SetupError
from ._core.events import Lost
from ._core.ledger import Statistics
from ._intake.handler import CloudWatchLogHandler
from ._text.formatter import CloudWatchLogFormatter
from ._version import __version__

__all__ = [
    "BackgroundLogging",
    "CloudWatchLogFormatter",
    "CloudWatchLogHandler",
    "CloudWatchLogging",
    "CloudWatchLoggingError",
    "DeliveryError",
    "Lost",
    "SetupError",
    "Statistics",
    "__version__",
    "prewarm",
]
