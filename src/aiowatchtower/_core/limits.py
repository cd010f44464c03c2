"""AWS's numbers, each with the page that states it (read 2026-11-22).

PutLogEvents: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
Names: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
Quotas: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
"""

from __future__ import annotations

import re
from typing import Final, get_args

from .choices import LogGroupClass, RetentionDays

# "calculated as the sum of all event messages in UTF-8, plus 26 bytes for each log event"
EVENT_OVERHEAD_BYTES: Final = 26
MAX_BATCH_BYTES: Final = 1_048_576
MAX_BATCH_COUNT: Final = 10_000
# "A batch of log events in a single request cannot span more than 24 hours"
MAX_BATCH_SPAN_MS: Final = 24 * 60 * 60 * 1000
# "Each log event can be no larger than 1 MB". The exact count is not given, so the 26 are included.
MAX_EVENT_BYTES: Final = 1_048_576
# Smallest event size at which a cut still leaves room for its marker.
MIN_EVENT_BYTES: Final = 256
# Room for some hundred records in several files.
MIN_SPOOL_BYTES: Final = 65_536

# PutLogEvents rejects events older than 14 days; used for a probe that leaves nothing behind.
TOO_OLD_MS: Final = 14 * 24 * 60 * 60 * 1000

# "50 requests per second per account per Region"; this leaves room for other workers.
CREATE_STREAM_PER_SECOND: Final = 40
# Connections that creating may take.
CREATIONS_AT_ONCE: Final = 4

LOG_GROUP_NAME: Final = re.compile(r"[\.\-_/#A-Za-z0-9]{1,512}")
LOG_GROUP_RESERVED_PREFIX: Final = "aws/"
LOG_STREAM_NAME_LENGTH: Final = 512
LOG_STREAM_NAME_FORBIDDEN: Final = ":*"

RETENTION_DAYS: Final[tuple[int, ...]] = get_args(RetentionDays)
LOG_GROUP_CLASSES: Final[tuple[str, ...]] = get_args(LogGroupClass)
MAX_TAGS: Final = 50
MAX_TAG_KEY_LENGTH: Final = 128
MAX_TAG_VALUE_LENGTH: Final = 256
# AWS's pattern is [\p{L}\p{Z}\p{N}_.:/=+\-@]; re has no \p: \w is letters, numbers and "_".
TAG_FORBIDDEN: Final = re.compile(r"[^\w\s.:/=+\-@]")
MAX_KMS_KEY_LENGTH: Final = 256

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Namespace
METRICS_NAMESPACE: Final = re.compile(r"(?!AWS/)(?!\s)[\w .\-/#:]{1,255}", re.ASCII)
