"""The actions that change the region."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._account import GroupState, Region, StreamState
from ._rules import check_batch, entity_error, find_rejected, read_batch
from ._types import EXISTS, INVALID, NOT_FOUND, THROTTLED, Refusal

if TYPE_CHECKING:
    from ._params import Params


MAX_TAGS = 50


def put_log_events(region: Region, params: Params) -> dict[str, object]:
    """Accept a batch, less the events that are too old, expired or too new."""
    group_name, stream_name = params.required("logGroupName"), params.required("logStreamName")
    batch = read_batch(params.members.get("logEvents"), region.settings.max_event_bytes)
    stream = region.stream(group_name, stream_name)
    if stream.hidden_puts:
        stream.hidden_puts -= 1
        raise Refusal(NOT_FOUND, "The specified log stream does not exist.")
    now_ms = region.now_ms()
    check_batch(batch, now_ms)
    rejected = find_rejected(batch.timestamps_ms, now_ms, region.group(group_name).retention_days)
    accepted = slice(rejected.accepted_from, rejected.too_new_from)
    region.accept(stream, batch.timestamps_ms[accepted], batch.messages[accepted])
    answer: dict[str, object] = {"nextSequenceToken": f"{region.account.accepted:056d}"}
    if info := rejected.info(len(batch.messages)):
        answer["rejectedLogEventsInfo"] = info
    if error := entity_error(params.members.get("entity")):
        answer["rejectedEntityInfo"] = {"errorType": error}
    return answer


def create_log_group(region: Region, params: Params) -> dict[str, object]:
    """Create a group with its class, key and tags."""
    name = params.required("logGroupName")
    if name.lower().startswith("aws/"):
        raise Refusal(INVALID, "Log groups starting with AWS/ are reserved for AWS.")
    group = GroupState(
        name,
        region.now_ms(),
        group_class=params.text("logGroupClass") or "STANDARD",
        kms_key_id=_usable_key(region, params, name),
        tags=params.tags(),
        protected=params.flag("deletionProtectionEnabled"),
    )
    if name in region.groups:
        raise Refusal(EXISTS, "The specified log group already exists")
    region.groups[name] = group
    return {}


def create_log_stream(region: Region, params: Params) -> dict[str, object]:
    """Create a stream in an existing group."""
    group_name, stream_name = params.required("logGroupName"), params.required("logStreamName")
    _throttle_creation(region)
    group = region.group(group_name)
    if stream_name in group.streams:
        raise Refusal(EXISTS, "The specified log stream already exists")
    hidden = region.settings.eventual_consistency
    group.streams[stream_name] = StreamState(stream_name, region.now_ms(), hidden)
    return {}


def delete_log_group(region: Region, params: Params) -> dict[str, object]:
    """Delete a group with all its streams."""
    group = region.group(params.required("logGroupName"))
    if group.protected:
        raise Refusal(
            "ValidationException", "Deletion protection is enabled for the specified log group."
        )
    del region.groups[group.name]
    return {}


def delete_log_stream(region: Region, params: Params) -> dict[str, object]:
    """Delete a stream with its events."""
    stream = region.stream(params.required("logGroupName"), params.required("logStreamName"))
    del region.group(params.required("logGroupName")).streams[stream.name]
    return {}


def put_retention_policy(region: Region, params: Params) -> dict[str, object]:
    """Set how long a group keeps events."""
    name, days = params.required("logGroupName"), params.retention()
    region.group(name).retention_days = days
    return {}


def delete_retention_policy(region: Region, params: Params) -> dict[str, object]:
    """Let a group keep events for ever."""
    region.group(params.required("logGroupName")).retention_days = None
    return {}


def associate_kms_key(region: Region, params: Params) -> dict[str, object]:
    """Encrypt a group's later events with a key."""
    group = _encrypted_group(region, params)
    group.kms_key_id = _usable_key(region, params, group.name)
    return {}


def disassociate_kms_key(region: Region, params: Params) -> dict[str, object]:
    """Encrypt a group's later events with no key of the account's own."""
    _encrypted_group(region, params).kms_key_id = None
    return {}


def tag_log_group(region: Region, params: Params) -> dict[str, object]:
    """Add tags to a group by its name."""
    return _tag(region.group(params.required("logGroupName")), params)


def untag_log_group(region: Region, params: Params) -> dict[str, object]:
    """Remove tags from a group by its name."""
    return _untag(region.group(params.required("logGroupName")), params.texts("tags"))


def list_tags_log_group(region: Region, params: Params) -> dict[str, object]:
    """Return the tags of a group by its name."""
    return {"tags": dict(region.group(params.required("logGroupName")).tags)}


def tag_resource(region: Region, params: Params) -> dict[str, object]:
    """Add tags to a group by its ARN."""
    return _tag(_resource(region, params), params)


def untag_resource(region: Region, params: Params) -> dict[str, object]:
    """Remove tags from a group by its ARN."""
    return _untag(_resource(region, params), params.texts("tagKeys"))


def list_tags_for_resource(region: Region, params: Params) -> dict[str, object]:
    """Return the tags of a group by its ARN."""
    return {"tags": dict(_resource(region, params).tags)}


def _resource(region: Region, params: Params) -> GroupState:
    arn = params.required("resourceArn")
    if not re.fullmatch(r"arn:[\w-]+:logs:[\w-]+:\d{12}:log-group:.+", arn):
        raise Refusal(INVALID, f"Invalid resource ARN: {arn}")
    return region.group(region.identified(arn))


def _encrypted_group(region: Region, params: Params) -> GroupState:
    given = params.one_of("logGroupName", "resourceIdentifier")
    identifier = params.required(given)
    if identifier.endswith(":query-result:*"):
        raise Refusal(INVALID, "This service encrypts no query results: name a log group.")
    return region.group(region.identified(identifier))


def _tag(group: GroupState, params: Params) -> dict[str, object]:
    tags = {**group.tags, **params.tags()}
    if len(tags) > MAX_TAGS:
        raise Refusal(
            "TooManyTagsException" if "resourceArn" in params.members else INVALID,
            f"A resource can have no more than {MAX_TAGS} tags.",
        )
    group.tags = tags
    return {}


def _untag(group: GroupState, keys: list[str] | None) -> dict[str, object]:
    for key in keys or []:
        group.tags.pop(key, None)
    return {}


def _usable_key(region: Region, params: Params, group: str) -> str | None:
    key = params.kms_key()
    known = region.settings.kms_keys
    if key is not None and known is not None and key not in known:
        raise Refusal(
            INVALID,
            "The specified KMS key does not exist or is not allowed to be used with "
            f"LogGroup '{region.arn(group)}'",
        )
    return key


def _throttle_creation(region: Region) -> None:
    limit = region.settings.create_streams_per_second
    if limit is None:
        return
    now, recent = region.now(), region.stream_creations
    while recent and recent[0] <= now - 1:
        recent.popleft()
    if len(recent) >= limit:
        raise Refusal(THROTTLED, "Rate exceeded")
    recent.append(now)
