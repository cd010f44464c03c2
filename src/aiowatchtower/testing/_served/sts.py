"""STS, as far as "who am I" needs it: GetCallerIdentity of the query protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from aiowatchtower.testing._account import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Collection

CONTENT_TYPE = "text/xml"
# No policy of the caller's can deny it; one of an organization or of a VPC endpoint can.
_DENIED = (
    f"User: arn:aws:iam::{ACCOUNT_ID}:user/test is not authorized to perform: sts:GetCallerIdentity with an "
    "explicit deny in a VPC endpoint policy"
)
_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


def is_query(content_type: str) -> bool:
    """Tell whether a request speaks the query protocol, which CloudWatch Logs does not."""
    return content_type.startswith("application/x-www-form-urlencoded")


def respond(body: bytes, deny: Collection[str]) -> tuple[int, bytes]:
    """Reply GetCallerIdentity, unless it is denied, and nothing else."""
    action = parse_qs(body.decode("latin-1")).get("Action", [""])[0]
    if action != "GetCallerIdentity":
        return refuse(
            "InvalidAction", f"Could not find operation {action} for version 2011-06-15", 400
        )
    if action in deny:
        return refuse("AccessDenied", _DENIED, 403)
    return 200, (
        f'<GetCallerIdentityResponse xmlns="{_NAMESPACE}"><GetCallerIdentityResult>'
        f"<Arn>arn:aws:iam::{ACCOUNT_ID}:user/test</Arn><UserId>AIDATESTINGTESTINGTES</UserId>"
        f"<Account>{ACCOUNT_ID}</Account></GetCallerIdentityResult><ResponseMetadata>"
        "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    ).encode()


def refuse(code: str, message: str, status: int) -> tuple[int, bytes]:
    """Return an error in the query protocol's shape."""
    return status, (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>Sender</Type><Code>{code.removesuffix("Exception")}</Code>'
        f"<Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
    ).encode()
