"""The body of one request, and typed access to its members once the service model has been checked."""

from __future__ import annotations

import json
import re
import zlib
from typing import cast

from ._types import INVALID, UNREADABLE, Refusal, violation

# The model declares an integer; the API reference lists these.
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


def decode(body: bytes, encoding: str) -> dict[str, object]:
    """Read a request body as AWS does: strict UTF-8, strict JSON, an object at the top."""
    if encoding == "gzip":
        body = _gunzip(body)
    elif encoding not in ("", "identity"):
        raise Refusal(UNREADABLE, f"Unsupported Content-Encoding: {encoding}")
    try:
        document: object = json.loads(body.decode(), parse_constant=_no_constant)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Refusal(UNREADABLE, f"Malformed JSON: {error}") from error
    if not isinstance(document, dict):
        raise Refusal(UNREADABLE, "Start of structure or map found where not expected.")
    return document


def _gunzip(body: bytes) -> bytes:
    unzip = zlib.decompressobj(wbits=31)
    try:
        text = unzip.decompress(body)
    except zlib.error as error:
        raise Refusal(UNREADABLE, f"Body is not gzip: {error}") from error
    if not unzip.eof:
        raise Refusal(UNREADABLE, "Body is not gzip: it ends too early")
    return text


def _no_constant(name: str) -> object:
    raise Refusal(UNREADABLE, f"{name} is not JSON")


class Params:
    """The members of a request, of the types that the service model declares.

    A member that is absent or null is None.
    """

    def __init__(self, members: dict[str, object], caller: str = "") -> None:
        self.members = members
        self.caller = caller
        """The access key that has signed the request, "" in memory."""

    def text(self, name: str) -> str | None:
        return cast("str | None", self.members.get(name))

    def required(self, name: str) -> str:
        """Return a string that the model requires."""
        return cast("str", self.members[name])

    def integer(self, name: str) -> int | None:
        return cast("int | None", self.members.get(name))

    def flag(self, name: str) -> bool:
        """Return a boolean, False when it is absent."""
        return self.members.get(name) is True

    def texts(self, name: str) -> list[str] | None:
        return cast("list[str] | None", self.members.get(name))

    def structures(self, name: str) -> list[dict[str, object]] | None:
        return cast("list[dict[str, object]] | None", self.members.get(name))

    def one_of(self, *names: str) -> str:
        """Return the name of the only member of these that is given, or refuse the request."""
        given = [name for name in names if self.members.get(name) is not None]
        if len(given) != 1:
            raise Refusal(INVALID, f"Exactly one of {', '.join(names)} must be specified.")
        return given[0]

    def retention(self) -> int:
        """Return a retention that is one of AWS's values."""
        value = cast("int", self.members["retentionInDays"])
        if value not in RETENTION_DAYS:
            allowed = f"Member must satisfy enum value set: {list(RETENTION_DAYS)}"
            raise violation(value, "retentionInDays", allowed)
        return value

    def kms_key(self) -> str | None:
        """Return the ARN of a KMS key, or None when it is absent."""
        value = self.text("kmsKeyId")
        if value is not None and not re.fullmatch(
            r"arn:[^:]+:kms:[^:]+:\d{12}:(key|alias)/.+", value
        ):
            raise Refusal(INVALID, f"Invalid KMS key ARN: {value}")
        return value

    def tags(self) -> dict[str, str]:
        """Return the tags, none when they are absent."""
        value = cast("dict[str, str]", self.members.get("tags") or {})
        if any(key.lower().startswith("aws:") for key in value):
            raise Refusal(INVALID, "aws: prefixed tag key names are not allowed for external use.")
        return value
