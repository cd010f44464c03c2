"""The one list of what can be asked of the service; everything that depends on it is derived from it.

An operation is carried out by the function of the same name (`put_log_events` for "PutLogEvents") in `_writes`,
`_reads`, `_filters`, `_queries` or `_sts`; the client in memory has a method of that name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LOGS_OPERATIONS = (
    *("PutLogEvents", "CreateLogGroup", "CreateLogStream", "DeleteLogGroup", "DeleteLogStream"),
    *("PutRetentionPolicy", "DeleteRetentionPolicy", "AssociateKmsKey", "DisassociateKmsKey"),
    *("TagLogGroup", "UntagLogGroup", "ListTagsLogGroup"),
    *("TagResource", "UntagResource", "ListTagsForResource"),
    *(
        "DescribeLogGroups",
        "ListLogGroups",
        "DescribeLogStreams",
        "GetLogEvents",
        "FilterLogEvents",
    ),
    *("PutMetricFilter", "DescribeMetricFilters", "DeleteMetricFilter"),
    *("StartQuery", "GetQueryResults"),
    *("PutSubscriptionFilter", "DescribeSubscriptionFilters", "DeleteSubscriptionFilter"),
)
STS_OPERATIONS = ("GetCallerIdentity", "AssumeRole")
OPERATIONS = LOGS_OPERATIONS + STS_OPERATIONS


def method_name(operation: str) -> str:
    """Return the Python name of an operation, as botocore spells it: "put_log_events"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower()


def check_operations(argument: str, names: Iterable[str]) -> None:
    """Raise `ValueError` for a name that is no operation: a misspelt one would never match a request."""
    for name in names:
        if name not in OPERATIONS:
            message = f"{argument}: no action {name!r}; there are {', '.join(OPERATIONS)}"
            raise ValueError(message)
