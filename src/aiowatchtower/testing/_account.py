"""The state of one account: groups, streams, events, settings."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from ._types import NOT_FOUND, Event, Group, Refusal, check_actions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from typing_extensions import TypedDict

    class Options(TypedDict, total=False):
        """The keyword arguments that `Settings` documents."""

        region_name: str
        allow: Collection[str] | None
        deny: Collection[str]
        kms_keys: Collection[str] | None
        max_event_bytes: int
        eventual_consistency: int
        create_streams_per_second: int | None
        clock_offset: float
        latency: float
        keep_events: bool
        credentials: Mapping[str, str]
        expired_keys: Collection[str]
        verify_signatures: bool

else:
    Options = dict

ACCOUNT_ID = "123456789012"


@dataclass
class Settings:
    """How strict, how slow and how forgiving the service is."""

    region_name: str = "us-east-1"
    allow: Collection[str] | None = None
    """Actions that the caller's policy allows, such as {"PutLogEvents"}; None allows all."""
    deny: Collection[str] = ()
    """Actions that the policy denies; TagResource and AssociateKmsKey also govern CreateLogGroup's parameters."""
    kms_keys: Collection[str] | None = None
    """ARNs of the KMS keys that exist; None: all do."""
    max_event_bytes: int = 1_048_576
    """Largest event including its 26 bytes of overhead; it was 262 144 until 2025."""
    eventual_consistency: int = 0
    """How many puts after a stream's creation still answer that it does not exist."""
    create_streams_per_second: int | None = None
    """Throttle CreateLogStream above this rate (AWS: 50)."""
    clock_offset: float = 0.0
    """Seconds by which the service's clock is ahead of the machine's."""
    latency: float = 0.0
    """Seconds between taking a request and answering it."""
    keep_events: bool = True
    """False counts accepted events without keeping them: for long benchmarks."""
    credentials: Mapping[str, str] = field(default_factory=lambda: {"testing": "testing"})
    """Secret key by access key; served over HTTP only, like the two below."""
    expired_keys: Collection[str] = ()
    """Access keys that answer ExpiredTokenException."""
    verify_signatures: bool = True

    def update(self, options: Options) -> None:
        """Change some settings; an unknown name raises `TypeError`."""
        known = {each.name for each in fields(self)}
        for name, value in options.items():
            if name not in known:
                message = f"unknown setting {name!r}; known are {', '.join(sorted(known))}"
                raise TypeError(message)
            if name in ("allow", "deny"):
                check_actions(name, value or ())  # type: ignore[arg-type]
            setattr(self, name, value)


@dataclass
class StreamState:
    """A log stream: its accepted events as (timestamp, ingestion index, message)."""

    name: str
    created_ms: int
    hidden_puts: int
    """Puts that will still be told that the stream does not exist."""
    rows: list[tuple[int, int, str]] = field(default_factory=list)
    accepted: int = 0
    last_ingestion_ms: int | None = None

    def events(self) -> list[Event]:
        """Return the events in time order, those of one millisecond in order of ingestion."""
        return [
            Event(timestamp, text, self.name, index) for timestamp, index, text in sorted(self.rows)
        ]


@dataclass
class GroupState:
    """A log group and its streams."""

    name: str
    created_ms: int
    group_class: str = "STANDARD"
    kms_key_id: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    retention_days: int | None = None
    protected: bool = False
    streams: dict[str, StreamState] = field(default_factory=dict)

    def snapshot(self) -> Group:
        """Return the group as a value."""
        return Group(
            self.name,
            self.retention_days,
            dict(self.tags),
            self.kms_key_id,
            self.group_class,
            list(self.streams),
        )


class Account:
    """Everything that the actions read and change; not thread-safe by itself."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self.settings = settings
        self._clock = clock
        self.groups: dict[str, GroupState] = {}
        self.accepted = 0
        self.stream_creations: deque[float] = deque()

    def now(self) -> float:
        """Return the service's time in seconds since the epoch."""
        return self._clock() + self.settings.clock_offset

    def now_ms(self) -> int:
        """Return the service's time in milliseconds since the epoch."""
        return int(self.now() * 1000)

    def arn(self, group: str, stream: str | None = None) -> str:
        """Return the ARN of a group or of a stream."""
        arn = f"arn:aws:logs:{self.settings.region_name}:{ACCOUNT_ID}:log-group:{group}"
        return arn if stream is None else f"{arn}:log-stream:{stream}"

    def group(self, name: str) -> GroupState:
        """Return an existing group, or raise AWS's ResourceNotFoundException."""
        try:
            return self.groups[name]
        except KeyError:
            raise Refusal(NOT_FOUND, "The specified log group does not exist.") from None

    def stream(self, group: str, name: str) -> StreamState:
        """Return an existing stream, or raise AWS's ResourceNotFoundException."""
        try:
            return self.group(group).streams[name]
        except KeyError:
            raise Refusal(NOT_FOUND, "The specified log stream does not exist.") from None

    def accept(self, stream: StreamState, timestamps_ms: list[int], messages: list[str]) -> None:
        """Store events that passed every rule."""
        first = self.accepted
        self.accepted += len(messages)
        stream.accepted += len(messages)
        stream.last_ingestion_ms = self.now_ms()
        if self.settings.keep_events:
            stream.rows.extend(
                zip(timestamps_ms, range(first, self.accepted), messages, strict=True)
            )
