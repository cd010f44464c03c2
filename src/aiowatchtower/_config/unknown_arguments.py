"""What to write instead of an argument that does not exist. Pure."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping, Sequence
from typing import Final

# What Watchtower's users, and those of boto3, write out of habit, and what to write instead.
_FOREIGN: Final = {
    "boto3_client": "client= (an aiobotocore 'logs' client), or region_name= and endpoint_url=",
    "boto3_session": "session= (an aiobotocore.session.AioSession)",
    "boto3_profile_name": "profile_name=",
    "boto3_region_name": "region_name=",
    "log_group": "log_group_name=",
    "group": "log_group_name=",
    "stream": "log_stream_name=",
    "stream_name": "log_stream_name=",
    "log_stream": "log_stream_name=",
    "json": "structured=",
    "json_format": "structured=",
    "json_serialize_default": "formatter=CloudWatchLogFormatter(json_serialize_default=...)",
    "add_log_record_attrs": "formatter=CloudWatchLogFormatter(add_log_record_attrs=...)",
    "region": "region_name=",
    "profile": "profile_name=",
    "tags": "log_group_tags=",
    "retention_days": "log_group_retention_days=",
    **dict.fromkeys(
        ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
        "profile_name=, or session= (an AioSession with set_credentials)",
    ),
}


_POSITIONAL: Final = 2


def check_keywords(
    owner: str,
    positional: Sequence[object],
    arguments: Mapping[str, object],
    allowed: tuple[str, ...],
) -> None:
    """Raise a TypeError that says what to write instead of an unknown argument, or one without its name."""
    if len(positional) > _POSITIONAL:
        shown = ", ".join(map(reprlib.repr, positional[_POSITIONAL:]))
        msg = (
            f"{owner} takes two arguments by position, log_group_name and log_stream_name. Give {shown} "
            f"by its name, such as {allowed[0]}=. Others are {', '.join(allowed[1:])}"
        )
        raise TypeError(msg)
    for name, value in arguments.items():
        if name in allowed:
            continue
        import difflib

        if name == "use_queues":
            hint = "leave it out, records are always queued; await logs.flush() where you must wait"
        elif name in _FOREIGN:
            hint = f"write {_FOREIGN[name]}"
        elif close := difflib.get_close_matches(name, allowed, 1):
            hint = f"did you mean {close[0]}=?"
        else:
            hint = f"allowed are {', '.join(allowed)}"
        msg = f"{owner} takes no argument {name}={_shown(name, value)}: {hint}"
        raise TypeError(msg)


def _shown(name: str, value: object) -> str:
    """Return the value's repr, shortened; not what a name such as aws_secret_access_key hides."""
    if re.search("secret|key|token|password|credential", name, re.IGNORECASE):
        return "..."
    return reprlib.repr(value)
