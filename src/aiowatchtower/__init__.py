"""Ship ``logging`` records to Amazon CloudWatch Logs from asyncio services.

::

    async with CloudWatchLogging("/app/web") as logs:
        logging.getLogger("app").warning("hello")
"""

from __future__ import annotations

from ._cloudwatch import CloudWatchLogging
from ._errors import CloudWatchLoggingError, DeliveryError, SetupError
from ._events import Lost
from ._formatter import CloudWatchLogFormatter
from ._handler import CloudWatchLogHandler
from ._ledger import Statistics
from ._session import prewarm
from ._version import __version__

__all__ = [
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
