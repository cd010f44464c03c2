"""The operations that only read groups, streams and events."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, cast

from ._account import ACCOUNT_ID
from ._pages import Mark, events_in_page, mark_after, mark_before, page_of, place_of, read_mark
from ._patterns import PatternError, parse
from ._types import INVALID, NOT_FOUND, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._account import GroupState, Region, StreamState
    from ._params import Params
    from ._types import Event

# FilterLogEvents reads the newest events first only from this time on: January 1, 2024.
NEWEST_FIRST_SINCE_MS = 1_704_067_200_000


def describe_log_groups(region: Region, params: Params) -> dict[str, object]:
    """List groups by name, in pages of at most 50."""
    prefix, pattern = params.text("logGroupNamePrefix"), params.text("logGroupNamePattern")
    if prefix is not None and pattern is not None:
        raise Refusal(
            INVALID, "LogGroup name prefix and LogGroup name pattern are mutually exclusive"
        )
    wanted, group_class = params.texts("logGroupIdentifiers"), params.text("logGroupClass")
    if wanted is not None and (prefix, pattern, group_class) != (None, None, None):
        raise Refusal(
            INVALID, "logGroupIdentifiers can be combined with includeLinkedAccounts only."
        )
    names = None if wanted is None else [region.identified(each) for each in wanted]
    groups = [
        group
        for name, group in sorted(region.groups.items())
        if name.startswith(prefix or "")
        and (pattern or "") in name
        and group_class in (None, group.group_class)
        and (names is None or name in names)
        and _is_of_account(params)
    ]
    page, token = page_of(groups, params, 50)
    describe = _describe_group if pattern is None else _describe_group_briefly
    return {"logGroups": [describe(region, group) for group in page], **token}


def list_log_groups(region: Region, params: Params) -> dict[str, object]:
    """List groups by name and class only, 50 in a page unless told otherwise."""
    if params.members.get("dataSources") or params.members.get("fieldIndexNames"):
        raise Refusal(INVALID, "This service has no data sources and no field indexes.")
    expression = re.compile(params.text("logGroupNamePattern") or "")
    group_class = params.text("logGroupClass")
    groups = [
        group
        for name, group in sorted(region.groups.items())
        if expression.search(name)
        and group_class in (None, group.group_class)
        and all(_has_tag(group, tag) for tag in params.structures("logGroupTags") or [])
        and _is_of_account(params)
    ]
    page, token = page_of(groups, params, 50)
    found = [
        {
            "logGroupName": group.name,
            "logGroupArn": region.arn(group.name),
            "logGroupClass": group.group_class,
        }
        for group in page
    ]
    return {"logGroups": found, **token}


def describe_log_streams(region: Region, params: Params) -> dict[str, object]:
    """List a group's streams by name or by last event, in pages of at most 50."""
    group = _group(region, params)
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
    page, token = page_of(streams, params, 50)
    return {"logStreams": [_describe_stream(region, group, stream) for stream in page], **token}


def get_log_events(region: Region, params: Params) -> dict[str, object]:
    """Read one stream in time order, a page forward or backward; at an end the token stays the same."""
    stream = region.stream(_group(region, params).name, params.required("logStreamName"))
    start_ms, end_ms = params.integer("startTime") or 0, params.integer("endTime")
    events = [
        event
        for event in stream.events()
        if start_ms <= event.timestamp_ms and (end_ms is None or event.timestamp_ms < end_ms)
    ]
    token = params.text("nextToken")
    if token is not None:
        mark = read_mark(token)
        position = bisect_left([place_of(event) for event in events], mark.place)
    else:
        is_forward = params.flag("startFromHead")
        mark = Mark("f" if is_forward else "b", 0, 0)
        position = 0 if is_forward else len(events)
    limit = params.integer("limit")
    if mark.direction == "f":
        page = events[position : position + events_in_page(events[position:], limit)]
    else:
        page = events[position - events_in_page(reversed(events[:position]), limit) : position]
    earlier = mark_before("b", page[0]) if page else mark._replace(direction="b")
    later = mark_after("f", page[-1]) if page else mark._replace(direction="f")
    return {
        "events": [
            {"timestamp": e.timestamp_ms, "message": e.message, "ingestionTime": e.ingestion_ms}
            for e in page
        ],
        "nextForwardToken": str(later),
        "nextBackwardToken": str(earlier),
    }


def filter_log_events(region: Region, params: Params) -> dict[str, object]:
    """Read all or some streams of a group, interleaved in time order, through a filter pattern."""
    group = _group(region, params)
    streams = _chosen_streams(group, params)
    matches = pattern_of(params)
    # "Events with a timestamp later than this time are not returned": one of that time is.
    start_ms, end_ms = params.integer("startTime") or 0, params.integer("endTime")
    events = [
        event
        for stream in streams
        for event in stream.events()
        if start_ms <= event.timestamp_ms and (end_ms is None or event.timestamp_ms <= end_ms)
    ]
    events.sort(key=place_of)
    mark = _mark_of_filter(params, start_ms)
    position = bisect_left([place_of(event) for event in events], mark.place)
    ahead = events[position:] if mark.direction == "f" else events[position - 1 :: -1]
    if mark.direction == "b" and not position:
        ahead = []
    found = [event for event in ahead if matches(event.message)]
    page = found[: events_in_page(found, params.integer("limit"))]
    answer: dict[str, object] = {
        "events": [_describe_match(event) for event in page],
        "searchedLogStreams": [],
    }
    if len(page) < len(found):
        rest = mark_after("f", page[-1]) if mark.direction == "f" else mark_before("b", page[-1])
        answer["nextToken"] = str(rest)
    return answer


def pattern_of(params: Params) -> Callable[[str], bool]:
    """Return what a request's filter pattern matches, or refuse the pattern."""
    try:
        return parse(params.text("filterPattern") or "")
    except PatternError as error:
        raise Refusal(INVALID, f"Invalid filter pattern: {error}") from error


def _group(region: Region, params: Params) -> GroupState:
    given = params.one_of("logGroupName", "logGroupIdentifier")
    return region.group(region.identified(params.required(given)))


def _chosen_streams(group: GroupState, params: Params) -> list[StreamState]:
    names, prefix = params.texts("logStreamNames"), params.text("logStreamNamePrefix")
    if names is not None and prefix is not None:
        raise Refusal(INVALID, "logStreamNames and logStreamNamePrefix are mutually exclusive.")
    if names is None:
        return [s for s in group.streams.values() if s.name.startswith(prefix or "")]
    if not set(names) <= set(group.streams):
        raise Refusal(NOT_FOUND, "The specified log stream does not exist.")
    return [group.streams[name] for name in dict.fromkeys(names)]


def _mark_of_filter(params: Params, start_ms: int) -> Mark:
    token = params.text("nextToken")
    if token is not None:
        return read_mark(token)
    if params.members.get("startFromHead", True):
        return Mark("f", 0, 0)
    if start_ms < NEWEST_FIRST_SINCE_MS:
        raise Refusal(
            INVALID, "startFromHead can be false only with a startTime on or after January 1, 2024."
        )
    return Mark("b", 10**20 - 1, 0)


def _is_of_account(params: Params) -> bool:
    accounts = params.texts("accountIdentifiers")
    return not accounts or ACCOUNT_ID in accounts


def _has_tag(group: GroupState, tag: dict[str, object]) -> bool:
    value = group.tags.get(str(tag.get("key")))
    wanted = tag.get("values")
    if value is None:
        return False
    return not wanted or any(_is_tag_value(value, str(each)) for each in cast("list[str]", wanted))


def _is_tag_value(value: str, wanted: str) -> bool:
    # "Exact matching and negation are case-sensitive. Wildcard matching is case-insensitive."
    if wanted.startswith("!"):
        return not _is_tag_value(value, wanted[1:])
    if "*" not in wanted:
        return value == wanted
    expression = ".*".join(map(re.escape, wanted.split("*")))
    return re.fullmatch(expression, value, re.IGNORECASE) is not None


def _describe_group(region: Region, group: GroupState) -> dict[str, object]:
    described: dict[str, object] = {
        "logGroupName": group.name,
        "creationTime": group.created_ms,
        "metricFilterCount": len(group.metric_filters),
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


def _describe_group_briefly(region: Region, group: GroupState) -> dict[str, object]:
    # "If you specify logGroupNamePattern, then only arn, creationTime, and logGroupName are included."
    described = _describe_group(region, group)
    return {name: described[name] for name in ("arn", "creationTime", "logGroupName")}


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
        described["uploadSequenceToken"] = f"{stream.accepted:056d}"
    return described


def _describe_match(event: Event) -> dict[str, object]:
    return {
        "logStreamName": event.stream,
        "timestamp": event.timestamp_ms,
        "message": event.message,
        "ingestionTime": event.ingestion_ms,
        "eventId": f"{event.ingestion_index:056d}",
    }


def _last_event_ms(stream: StreamState) -> int:
    return max(stream.rows)[0] if stream.rows else 0
