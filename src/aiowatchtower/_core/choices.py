"""The closed sets of names and numbers that users write or read, as types."""

from __future__ import annotations

from typing import Literal

#: How many days AWS can keep events: see `PutRetentionPolicy
#: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>`_.
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731,
    1096, 1827, 2192, 2557, 2922, 3288, 3653,
]  # fmt: skip
#: The classes of a log group: see `CreateLogGroup
#: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>`_.
LogGroupClass = Literal["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"]
#: The names of ``logging``; a level of the application's own is given by its number.
LevelName = Literal["NOTSET", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"]
#: Why AWS rejects a record in a request that it accepts.
RejectReason = Literal["too_old", "expired", "too_new"]
#: Why this library drops a record.
DropReason = Literal[
    "buffer_full",
    "shutdown",
    "refused",
    "empty",
    "after_exit",
    "worker_crashed",
    "abandoned",
    "malformed",
    "spool_damaged",
]
