"""STS, as far as a client of CloudWatch Logs needs it: who is asking, and the credentials of a role.

STS speaks the query protocol: a form comes in and XML goes out.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from ._account import ACCOUNT_ID, AssumedRole
from ._types import INVALID, UNKNOWN, UNREADABLE, Refusal

if TYPE_CHECKING:
    from ._account import Region
    from ._params import Params
    from ._types import Reply

CONTENT_TYPE = "text/xml"
USER_ARN = f"arn:aws:iam::{ACCOUNT_ID}:user/test"
_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_DEFAULT_SECONDS = 3600
_NUMBERS = ("DurationSeconds",)
# What STS calls the errors that CloudWatch Logs has other names for.
_CODES = {
    INVALID: "ValidationError",
    UNKNOWN: "InvalidAction",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "UnrecognizedClientException": "InvalidClientTokenId",
}


def get_caller_identity(region: Region, params: Params) -> dict[str, object]:
    """Tell who has signed the request."""
    session = region.account.sessions.get(params.caller)
    return {
        "UserId": "AIDATESTINGTESTINGTES" if session is None else session.user_id,
        "Account": ACCOUNT_ID,
        "Arn": USER_ARN if session is None else session.arn,
    }


def assume_role(region: Region, params: Params) -> dict[str, object]:
    """Hand out credentials that work until they expire. Any role can be assumed; there is no trust policy."""
    name = params.required("RoleSessionName")
    role = params.required("RoleArn").rpartition("/")[2]
    seconds = params.integer("DurationSeconds") or _DEFAULT_SECONDS
    key = f"ASIA{secrets.token_hex(8).upper()}"
    session = AssumedRole(
        secret=secrets.token_urlsafe(30),
        token=secrets.token_urlsafe(60),
        expires_at=region.now() + seconds,
        arn=f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}/{name}",
        user_id=f"AROATESTINGTESTINGTES:{name}",
    )
    region.account.sessions[key] = session
    return {
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": session.secret,
            "SessionToken": session.token,
            "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(session.expires_at)),
        },
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
    }


def read_form(body: bytes) -> tuple[str, dict[str, object]]:
    """Return the action and the members of a request in the query protocol; lists are left out."""
    form = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))
    members: dict[str, object] = {
        name: text
        for name, text in form.items()
        if name not in ("Action", "Version") and "." not in name
    }
    return form.get("Action", ""), members


def decode_form(body: bytes) -> dict[str, object]:
    """Return the members of a request in the query protocol, with numbers as numbers."""
    _, members = read_form(body)
    for name in _NUMBERS:
        if name in members:
            text = str(members[name])
            if not text.isdecimal():
                raise Refusal(UNREADABLE, f"{name}: {text} is no Integer")
            members[name] = int(text)
    return members


def encode(action: str, reply: Reply) -> bytes:
    """Return an answer in the query protocol."""
    if reply.error_code:
        code = _CODES.get(reply.error_code, reply.error_code.removesuffix("Exception"))
        error = {"Type": "Sender", "Code": code, "Message": reply.error_message}
        return _element("ErrorResponse", {"Error": error, "RequestId": "0"})
    metadata = {"RequestId": "00000000-0000-0000-0000-000000000000"}
    result = {f"{action}Result": reply.body, "ResponseMetadata": metadata}
    return _element(f"{action}Response", result)


def _element(name: str, content: dict[str, object]) -> bytes:
    return f'<{name} xmlns="{_NAMESPACE}">{_written(content)}</{name}>'.encode()


def _written(value: object) -> str:
    if isinstance(value, dict):
        return "".join(f"<{name}>{_written(inner)}</{name}>" for name, inner in value.items())
    return escape(str(value))
