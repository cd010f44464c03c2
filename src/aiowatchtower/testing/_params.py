"""The parameters of one request, read with the checks AWS's service model declares for them."""

from __future__ import annotations

import json
import re
import zlib

from ._types import INVALID, UNREADABLE, Refusal, violation

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
GROUP_CLASSES = ("STANDARD", "INFREQUENT_ACCESS", "DELIVERY")
GROUP_PATTERN = r"[\.\-_/#A-Za-z0-9]+"
STREAM_PATTERN = r"[^:*]*"
MAX_NAME_LENGTH = 512
MAX_TAGS = 50
MAX_TAG_KEY_LENGTH = 128
MAX_TAG_VALUE_LENGTH = 256

_GROUP = re.compile(GROUP_PATTERN)
_STREAM = re.compile(STREAM_PATTERN)
_TAG = re.compile(r"[\w\s.:/=+\-@]*")  # \w and \s stand for \p{L}, \p{N} and \p{Z}


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
    """Typed, checked access to a request's members; every method raises `Refusal` for what AWS would refuse."""

    def __init__(self, members: dict[str, object]) -> None:
        self.members = members

    def text(self, name: str) -> str | None:
        """Return a string, or None when it is absent or null."""
        value = self.members.get(name)
        if value is not None and not isinstance(value, str):
            raise Refusal(UNREADABLE, f"{name}: a String is expected")
        return value

    def integer(self, name: str, low: int = 0, high: int = 2**63 - 1) -> int | None:
        """Return an integer between `low` and `high`, or None when it is absent."""
        value = self.members.get(name)
        if value is None:
            return None
        if type(value) is not int:
            raise Refusal(UNREADABLE, f"{name}: a Number is expected")
        if value < low:
            raise violation(value, name, f"Member must have value greater than or equal to {low}")
        if value > high:
            raise violation(value, name, f"Member must have value less than or equal to {high}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean."""
        value = self.members.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise Refusal(UNREADABLE, f"{name}: a Boolean is expected")
        return value

    def group(self, name: str = "logGroupName") -> str:
        """Return a required, well-formed group name."""
        return self._name(name, _GROUP, GROUP_PATTERN)

    def stream(self, name: str = "logStreamName") -> str:
        """Return a required, well-formed stream name."""
        return self._name(name, _STREAM, STREAM_PATTERN)

    def names(self, name: str) -> list[str] | None:
        """Return a list of strings, or None when it is absent."""
        value = self.members.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Refusal(UNREADABLE, f"{name}: a List of String is expected")
        return value

    def retention(self) -> int:
        """Return a required retention that is one of AWS's values."""
        value = self.integer("retentionInDays", low=-(2**31))
        if value is None:
            raise violation("null", "retentionInDays", "Member must not be null")
        if value not in RETENTION_DAYS:
            raise violation(
                value,
                "retentionInDays",
                f"Member must satisfy enum value set: {list(RETENTION_DAYS)}",
            )
        return value

    def group_class(self) -> str:
        """Return the log group class, STANDARD when it is absent."""
        value = self.text("logGroupClass") or "STANDARD"
        if value not in GROUP_CLASSES:
            allowed = ", ".join(GROUP_CLASSES)
            raise violation(
                value, "logGroupClass", f"Member must satisfy enum value set: [{allowed}]"
            )
        return value

    def kms_key(self) -> str | None:
        """Return the ARN of a KMS key, or None when it is absent."""
        value = self.text("kmsKeyId")
        if value is not None and not re.fullmatch(
            r"arn:[^:]+:kms:[^:]+:\d{12}:(key|alias)/.+", value
        ):
            raise Refusal(INVALID, f"Invalid KMS key ARN: {value}")
        return value

    def tags(self) -> dict[str, str] | None:
        """Return 1 to 50 tags, or None when they are absent."""
        value = self.members.get("tags")
        if value is None:
            return None
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise Refusal(UNREADABLE, "tags: a Map of String is expected")
        if not value:
            raise violation("{}", "tags", "Member must have length greater than or equal to 1")
        if len(value) > MAX_TAGS:
            raise violation(
                f"{{{len(value)} tags}}",
                "tags",
                f"Member must have length less than or equal to {MAX_TAGS}",
            )
        for key, text in value.items():
            _check_tag(key, text)
        return value

    def _name(self, name: str, pattern: re.Pattern[str], shown: str) -> str:
        value = self.text(name)
        if value is None:
            raise violation("null", name, "Member must not be null")
        if not value:
            raise violation("", name, "Member must have length greater than or equal to 1")
        if len(value) > MAX_NAME_LENGTH:
            raise violation(
                value, name, f"Member must have length less than or equal to {MAX_NAME_LENGTH}"
            )
        if not pattern.fullmatch(value):
            raise violation(value, name, f"Member must satisfy regular expression pattern: {shown}")
        return value


def _check_tag(key: str, text: str) -> None:
    if not 1 <= len(key) <= MAX_TAG_KEY_LENGTH or not _TAG.fullmatch(key):
        raise violation(
            key,
            "tags",
            "Map keys must have a length of 1 to 128 and match [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+",
        )
    if len(text) > MAX_TAG_VALUE_LENGTH or not _TAG.fullmatch(text):
        raise violation(
            text,
            "tags",
            "Map values must have a length of at most 256 and match [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*",
        )
    if key.lower().startswith("aws:"):
        raise Refusal(
            INVALID,
            "aws: prefixed tag key names are not allowed for external use.",
        )
