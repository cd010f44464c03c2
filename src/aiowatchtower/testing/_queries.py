"""The operations that run queries of CloudWatch Logs Insights."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ._account import ACCOUNT_ID, StartedQuery
from ._insights import QueryError, discovered, parse_query, rendered
from ._pages import page_of
from ._types import INVALID, NOT_FOUND, Refusal

if TYPE_CHECKING:
    from ._account import GroupState, Region
    from ._insights import Value
    from ._params import Params
    from ._types import Event

MALFORMED = "MalformedQueryException"
MAX_GROUPS = 50
DEFAULT_LIMIT = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def start_query(region: Region, params: Params) -> dict[str, object]:
    """Run a query over some groups from startTime to endTime, both included."""
    if params.text("queryLanguage") not in (None, "CWLI"):
        raise Refusal(INVALID, "This service knows the query language CWLI only.")
    groups = _groups(region, params)
    start_ms, end_ms = (1000 * (params.integer(name) or 0) for name in ("startTime", "endTime"))
    if end_ms < start_ms:
        raise Refusal(INVALID, "endTime must not lie before startTime.")
    try:
        query = parse_query(params.required("queryString"))
    except QueryError as error:
        raise Refusal(MALFORMED, f"Malformed query: {error}") from error
    found = [
        (group, event)
        for group in groups
        for stream in group.streams.values()
        for event in stream.events()
        # The last second is included as a whole.
        if start_ms <= event.timestamp_ms < end_ms + 1000
    ]
    # Without sort, the newest event comes first.
    found.sort(key=lambda pair: (-pair[1].timestamp_ms, -pair[1].ingestion_index))
    rows, matched = query.run([_row(group, event) for group, event in found])
    rows = rows[: params.integer("limit") or DEFAULT_LIMIT]
    query_id = str(uuid.uuid4())
    region.queries[query_id] = StartedQuery(
        [[{"field": name, "value": _shown(name, value)} for name, value in row] for row in rows],
        {
            "recordsMatched": float(matched),
            "recordsScanned": float(len(found)),
            "bytesScanned": float(sum(len(event.message.encode()) for _, event in found)),
        },
        region.settings.queries_running,
    )
    return {"queryId": query_id}


def get_query_results(region: Region, params: Params) -> dict[str, object]:
    """Return what a query has found; at first it is still running, as it nearly always is at AWS."""
    query = region.queries.get(params.required("queryId"))
    if query is None:
        raise Refusal(NOT_FOUND, "The specified query does not exist.")
    if query.is_running_for > 0:
        query.is_running_for -= 1
        statistics = dict.fromkeys(query.statistics, 0.0)
        return {"status": "Running", "results": [], "statistics": statistics}
    page, token = page_of(query.results, params, DEFAULT_LIMIT, limit="maxItems")
    return {
        "queryLanguage": "CWLI",
        "status": "Complete",
        "results": list(page),
        "statistics": query.statistics,
        **token,
    }


def _groups(region: Region, params: Params) -> list[GroupState]:
    given = params.one_of("logGroupName", "logGroupNames", "logGroupIdentifiers")
    names = [params.required(given)] if given == "logGroupName" else list(params.texts(given) or [])
    if not 1 <= len(names) <= MAX_GROUPS:
        raise Refusal(INVALID, f"{given} must name 1 to {MAX_GROUPS} log groups.")
    return [region.group(region.identified(name)) for name in dict.fromkeys(names)]


def _row(group: GroupState, event: Event) -> dict[str, Value]:
    return {
        **discovered(event.message),
        "@timestamp": event.timestamp_ms,
        "@message": event.message,
        "@logStream": event.stream,
        "@log": f"{ACCOUNT_ID}:{group.name}",
        "@ingestionTime": event.ingestion_ms,
        "@ptr": f"{event.ingestion_index:056d}",
    }


def _shown(name: str, value: Value) -> str:
    is_time = name in ("@timestamp", "@ingestionTime") or name.startswith("bin(")
    if is_time and isinstance(value, int):
        moment = _EPOCH + timedelta(milliseconds=value)
        return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}"
    return rendered(value)
