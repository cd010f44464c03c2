"""Who may do what: the policy of the settings, and AWS's words for a denial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _sts
from ._operations import STS_OPERATIONS
from ._types import DENIED, Refusal

if TYPE_CHECKING:
    from ._account import Region
    from ._faults import Fault


def authorize(region: Region, action: str, members: dict[str, object]) -> None:
    """Raise the `Refusal` that AWS answers when the policy of the settings does not allow an operation."""
    needed = [action]
    if action == "CreateLogGroup":
        needed += ["TagResource"] if members.get("tags") else []
        needed += ["AssociateKmsKey"] if members.get("kmsKeyId") else []
    allow, deny = region.settings.allow, region.settings.deny
    if action == "GetCallerIdentity":
        allow = None  # It needs no permission, and only a policy around the account's can deny it.
    for permission in needed:
        if permission in deny or (allow is not None and permission not in allow):
            raise _denied(region, permission, members)


def _denied(region: Region, permission: str, members: dict[str, object]) -> Refusal:
    if permission in STS_OPERATIONS:
        reason = "with an explicit deny in a VPC endpoint policy"
        text = f"User: {_sts.USER_ARN} is not authorized to perform: sts:{permission} {reason}"
        return Refusal(DENIED, text, 403)
    stream = "" if permission in ("PutLogEvents", "CreateLogStream") else None
    if stream is not None:
        stream = str(members.get("logStreamName", ""))
    arn = region.arn(str(members.get("logGroupName", "")), stream)
    return Refusal(
        DENIED,
        f"User: {_sts.USER_ARN} is not authorized to perform: logs:{permission} on resource: "
        f"{arn} because no identity-based policy allows the logs:{permission} action",
    )


def fault_refusal(region: Region, fault: Fault, action: str, members: dict[str, object]) -> Refusal:
    """Return the error that a fault answers; a denial without a text has AWS's."""
    if fault.code == "AccessDeniedException" and not fault.message:
        return _denied(region, action, members)
    return Refusal(fault.code, fault.message, fault.status)
