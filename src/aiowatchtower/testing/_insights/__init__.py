"""The query language of CloudWatch Logs Insights, as far as tests need it.

Pure: a query and rows in, rows out. Known are the commands fields, display, filter, sort, limit and stats; what
else the language has is refused by name, never answered with an empty result. Restated from
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from __future__ import annotations

from ._commands import parse_query
from ._values import Value, discovered, rendered
from ._words import QueryError

__all__ = ["QueryError", "Value", "discovered", "parse_query", "rendered"]
