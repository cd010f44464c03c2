"""AWS Signature Version 4, verified over the bytes that were received.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import calendar
import functools
import hashlib
import hmac
import re
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote

from aiowatchtower.testing._types import Keyring, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SKEW = 300
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,]+)/(?P<date>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request,"
    r"\s*SignedHeaders=(?P<signed>[^,]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_MISSING = "MissingAuthenticationTokenException"
_WRONG = "InvalidSignatureException"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


class Signed(NamedTuple):
    """What a signature covers; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def verify(request: Signed, keys: Keyring, now: float, service: str = "logs") -> str:
    """Return the access key that has signed a request, or raise the `Refusal` that AWS answers."""
    authorization = request.headers.get("authorization")
    if not authorization:
        raise Refusal(_MISSING, "Missing Authentication Token")
    found = _AUTHORIZATION.fullmatch(authorization)
    if found is None:
        raise Refusal(
            "IncompleteSignatureException", f"Authorization header is malformed: {authorization}"
        )
    access_key = found["key"]
    if access_key in keys.expired:
        raise Refusal(
            "ExpiredTokenException", "The security token included in the request is expired"
        )
    secret = keys.secrets.get(access_key)
    token = keys.tokens.get(access_key)
    if secret is None or token not in (None, request.headers.get("x-amz-security-token")):
        raise Refusal(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    if found["service"] != service:
        raise Refusal(_WRONG, f"Credential should be scoped to correct service: '{service}'.", 403)
    stamp = request.headers.get("x-amz-date", "")
    _check_age(stamp, found["date"], now)
    names = found["signed"].split(";")
    if "host" not in names or "x-amz-date" not in names:
        raise Refusal(_WRONG, "'Host' and 'X-Amz-Date' must be signed headers.", 403)
    scope = f"{found['date']}/{found['region']}/{service}/aws4_request"
    digest = hashlib.sha256(_canonical(request, names).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    expected = hmac.new(_signing_key(secret, scope), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, found["signature"]):
        raise Refusal(_WRONG, _MISMATCH, 403)
    return access_key


def signed_by(authorization: str) -> tuple[str, str]:
    """Return the access key and the region that an Authorization header names, "" where it names none."""
    found = _AUTHORIZATION.fullmatch(authorization)
    return (found["key"], found["region"]) if found else ("", "")


def _canonical(request: Signed, names: list[str]) -> str:
    path, _, query = request.target.partition("?")
    pairs = sorted(
        tuple(map(_normal, pair.partition("=")[::2])) for pair in query.split("&") if pair
    )
    missing = [name for name in names if name not in request.headers]
    if missing:
        raise Refusal(
            _WRONG, f"Signed headers are missing from the request: {', '.join(missing)}", 403
        )
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names)
    # The hash is made of the body that came in, whatever X-Amz-Content-SHA256 claims.
    payload = hashlib.sha256(request.body).hexdigest()
    query_string = "&".join(f"{name}={value}" for name, value in pairs)
    return f"{request.method}\n{quote(path, safe='/-_.~%')}\n{query_string}\n{headers}\n{';'.join(names)}\n{payload}"


def _normal(text: str) -> str:
    return quote(unquote(text), safe="-_.~")


def _check_age(stamp: str, date: str, now: float) -> None:
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp) or not stamp.startswith(date):
        raise Refusal(
            _WRONG,
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {stamp}",
            403,
        )
    signed_at = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    if signed_at < now - MAX_SKEW:
        raise Refusal(
            _WRONG,
            f"Signature expired: {stamp} is now earlier than {_stamp(now - MAX_SKEW)} ({_stamp(now)} - 5 min.)",
            403,
        )
    if signed_at > now + MAX_SKEW:
        raise Refusal(
            _WRONG,
            f"Signature not yet current: {stamp} is still later than {_stamp(now + MAX_SKEW)} ({_stamp(now)} + 5 min.)",
            403,
        )


def _stamp(seconds: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


@functools.lru_cache(maxsize=64)
def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
