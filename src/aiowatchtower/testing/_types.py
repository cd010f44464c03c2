"""Plain values: requests as they come in, answers, and what the service remembers of both."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

INVALID = "InvalidParameterException"
UNREADABLE = "SerializationException"
NOT_FOUND = "ResourceNotFoundException"
EXISTS = "ResourceAlreadyExistsException"
THROTTLED = "ThrottlingException"
DENIED = "AccessDeniedException"
UNKNOWN = "UnknownOperationException"


class Event(NamedTuple):
    """A log event the service has accepted."""

    timestamp_ms: int
    message: str
    stream: str
    ingestion_index: int
    """Place among all events the service ever accepted; breaks ties within one millisecond."""
    ingestion_ms: int = 0
    """The service's time when it accepted the event."""


class Group(NamedTuple):
    """A log group as it stands now."""

    name: str
    retention_days: int | None
    tags: dict[str, str]
    kms_key_id: str | None
    group_class: str
    streams: list[str]
    region: str = ""


class Request(NamedTuple):
    """One request the service has seen, answered or not."""

    action: str
    group: str
    stream: str
    event_count: int
    batch_bytes: int
    """Size as AWS counts it: UTF-8 bytes of all messages plus 26 per event; 0 when the batch was unreadable."""
    status: int
    """HTTP status of the answer; 0 when a fault left the request without one."""
    error_code: str
    fault: str
    """Effect of the fault that hit this request, or ""."""
    wire_bytes: int
    encoding: str
    connection: int
    user_agent: str
    """The User-Agent header of the client; "" in memory."""
    monotonic_time: float
    region: str = ""


class Reply(NamedTuple):
    """An HTTP answer before it is written out."""

    status: int
    body: dict[str, object]

    @property
    def error_code(self) -> str:
        """AWS's error code, or "" for a success."""
        return str(self.body.get("__type", ""))

    @property
    def error_message(self) -> str:
        """AWS's text, or "" for a success."""
        return str(self.body.get("message", ""))

    def encode(self) -> bytes:
        """Return the body as AWS writes it: nothing at all for an action without output."""
        return json.dumps(self.body).encode() if self.body else b""


class Wire(NamedTuple):
    """How a request came in."""

    encoding: str = ""
    connection: int = 0
    user_agent: str = ""
    region: str = ""
    """The region that the signature names; "" is the default region."""
    access_key: str = ""
    protocol: Literal["json", "query"] = "json"
    """STS speaks the query protocol, CloudWatch Logs JSON."""


class Keyring(NamedTuple):
    """The keys that the service knows, by access key."""

    secrets: Mapping[str, str]
    expired: Collection[str] = ()
    tokens: Mapping[str, str] = {}
    """The session tokens of temporary credentials."""


class Refusal(Exception):  # noqa: N818  # it is an answer, not a mistake of this program
    """An error answer, raised where the rule is broken and turned into a `Reply` in one place."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status

    def reply(self) -> Reply:
        """Return the error in the shape of the AWS JSON 1.1 protocol."""
        return Reply(self.status, {"__type": self.code, "message": self.message})


def violation(value: object, member: str, constraint: str) -> Refusal:
    """Return AWS's refusal of a parameter that breaks its declared shape."""
    text = f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    return Refusal(INVALID, text)
