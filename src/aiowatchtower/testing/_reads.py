"""The actions that only read the region."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ._types import INVALID, Event, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._account import GroupState, Region, StreamState
    from ._params import Params

    T = TypeVar("T")


def describe_log_groups(region: Region, params: Params) -> dict[str, object]:
    """List groups by name, in pages of at most 50."""
    prefix = params.text("logGroupNamePrefix")
    pattern = params.text("logGroupNamePattern")
    if prefix is not None and pattern is not None:
        raise Refusal(
            INVALID,
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive",
        )
    names = [
        n
        for n in sorted(region.groups)
        if n.startswith(prefix or "") and (pattern or "").lower() in n.lower()
    ]
    page, token = _page(names, params, 50)
    return _with_token(
        {"logGroups": [_describe_group(region, region.groups[name]) for name in page]}, token
    )


def describe_log_streams(region: Region, params: Params) -> dict[str, object]:
    """List a group's streams by name or by last event, in pages of at most 50."""
    group = region.group(params.group())
    prefix = params.text("logStreamNamePrefix")
    by_time = params.text("orderBy") == "LastEventTime"
    if prefix is not None and by_time:
        raise Refusal(INVALID, "Cannot order by LastEventTime with a logStreamNamePrefix.")
    streams = sorted(
        (s for s in group.streams.values() if s.name.startswith(prefix or "")), key=lambda s: s.name
    )
    if by_time:
        streams.sort(key=_last_event_ms)
    if params.flag("descending"):
        streams.reverse()
    page, token = _page(streams, params, 50)
    return _with_token(
        {"logStreams": [_describe_stream(region, group, stream) for stream in page]}, token
    )


def get_log_events(region: Region, params: Params) -> dict[str, object]:
    """Read one stream in time order, a page forward or backward; at an end the token stays the same."""
    events = _in_range(region.stream(params.group(), params.stream()).events(), params)
    limit = params.integer("limit", 1, 10_000) or 10_000
    token = params.text("nextToken")
    if token is not None:
        direction, position = token[:2], _position(token[2:])
        start, stop = (
            (position, position + limit)
            if direction == "f/"
            else (max(0, position - limit), position)
        )
    elif params.flag("startFromHead"):
        start, stop = 0, limit
    else:
        start, stop = max(0, len(events) - limit), len(events)
    page = events[start:stop]
    return {
        "events": [
            {"timestamp": e.timestamp_ms, "message": e.message, "ingestionTime": region.now_ms()}
            for e in page
        ],
        "nextForwardToken": f"f/{start + len(page):056d}",
        "nextBackwardToken": f"b/{start:056d}",
    }


def filter_log_events(region: Region, params: Params) -> dict[str, object]:
    """Read all or some streams of a group interleaved; the pattern is looked for as plain text."""
    group = region.group(params.group())
    names, prefix = params.names("logStreamNames"), params.text("logStreamNamePrefix")
    if names is not None and prefix is not None:
        raise Refusal(
            INVALID,
            "logStreamNames and logStreamNamePrefix are mutually exclusive.",
        )
    chosen = [s for s in group.streams.values() if names is None or s.name in names]
    wanted = (params.text("filterPattern") or "").strip('"')
    events = [
        e
        for s in chosen
        if s.name.startswith(prefix or "")
        for e in s.events()
        if wanted in e.message
    ]
    events.sort(key=lambda e: (e.timestamp_ms, e.ingestion_index))
    page, token = _page(_in_range(events, params), params, 10_000)
    found = [
        {
            "logStreamName": e.stream,
            "timestamp": e.timestamp_ms,
            "message": e.message,
            "ingestionTime": region.now_ms(),
            "eventId": f"{e.ingestion_index:056d}",
        }
        for e in page
    ]
    return _with_token({"events": found, "searchedLogStreams": []}, token)


def _describe_group(region: Region, group: GroupState) -> dict[str, object]:
    described: dict[str, object] = {
        "logGroupName": group.name,
        "creationTime": group.created_ms,
        "metricFilterCount": 0,
        "arn": f"{region.arn(group.name)}:*",
        "logGroupArn": region.arn(group.name),
        "storedBytes": 0,
        "logGroupClass": group.group_class,
        "deletionProtectionEnabled": group.protected,
    }
    if group.retention_days is not None:
        described["retentionInDays"] = group.retention_days
    if group.kms_key_id is not None:
        described["kmsKeyId"] = group.kms_key_id
    return described


def _describe_stream(region: Region, group: GroupState, stream: StreamState) -> dict[str, object]:
    described: dict[str, object] = {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "arn": region.arn(group.name, stream.name),
        "storedBytes": 0,
    }
    if stream.rows:
        described["firstEventTimestamp"] = min(stream.rows)[0]
        described["lastEventTimestamp"] = _last_event_ms(stream)
        described["lastIngestionTime"] = stream.last_ingestion_ms
    return described


def _last_event_ms(stream: StreamState) -> int:
    return max(stream.rows)[0] if stream.rows else 0


def _in_range(events: list[Event], params: Params) -> list[Event]:
    start, end = params.integer("startTime") or 0, params.integer("endTime")
    return [e for e in events if start <= e.timestamp_ms and (end is None or e.timestamp_ms < end)]


def _page(items: Sequence[T], params: Params, most: int) -> tuple[Sequence[T], str | None]:
    limit = params.integer("limit", 1, most) or most
    start = _position(params.text("nextToken") or "0")
    stop = start + limit
    return items[start:stop], str(stop) if stop < len(items) else None


def _position(token: str) -> int:
    if not token.isdigit():
        raise Refusal(INVALID, "The specified nextToken is invalid.")
    return int(token)


def _with_token(answer: dict[str, object], token: str | None) -> dict[str, object]:
    return answer if token is None else {**answer, "nextToken": token}
