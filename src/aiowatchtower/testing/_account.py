"""The state of one account: its regions, and in each its groups, streams and events."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ._types import NOT_FOUND, Event, Group, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._settings import ServiceSettings

ACCOUNT_ID = "123456789012"


@dataclass
class StreamState:
    """A log stream: its accepted events as (timestamp, ingestion index, time of ingestion, message)."""

    name: str
    created_ms: int
    hidden_puts: int
    """How many puts are still told that the stream does not exist."""
    rows: list[tuple[int, int, int, str]] = field(default_factory=list)
    accepted: int = 0
    last_ingestion_ms: int | None = None

    def events(self) -> list[Event]:
        """Return the events in time order, those of one millisecond in order of ingestion."""
        return [
            Event(timestamp, text, self.name, index, ingested)
            for timestamp, index, ingested, text in sorted(self.rows)
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
    metric_filters: dict[str, dict[str, object]] = field(default_factory=dict)
    subscription_filters: dict[str, dict[str, object]] = field(default_factory=dict)
    """Filters by name, as they are described."""

    def snapshot(self, region_name: str) -> Group:
        """Return the group as a value."""
        return Group(
            self.name,
            self.retention_days,
            dict(self.tags),
            self.kms_key_id,
            self.group_class,
            list(self.streams),
            region_name,
        )


@dataclass
class StartedQuery:
    """A query and its results, which are there once the query has been asked about often enough."""

    results: list[list[dict[str, str]]]
    statistics: dict[str, float]
    is_running_for: int
    """How many times it is still answered to be running."""


class AssumedRole(NamedTuple):
    """The temporary credentials of a role that was assumed."""

    secret: str
    token: str
    expires_at: float
    arn: str
    user_id: str


class Account:
    """Everything that the operations read and change; not thread-safe by itself."""

    def __init__(self, settings: ServiceSettings, clock: Callable[[], float]) -> None:
        self.settings = settings
        self._clock = clock
        self.regions: dict[str, Region] = {}
        self.sessions: dict[str, AssumedRole] = {}
        """Temporary credentials by access key."""
        self.accepted = 0

    def region(self, name: str = "") -> Region:
        """Return a region, the default one for an empty name; each is a world of its own."""
        name = name or self.settings.region_name
        return self.regions.setdefault(name, Region(self, name))

    def groups_named(self, name: str, region: str | None = None) -> Iterator[GroupState]:
        """Yield the groups of a name in one region, or in all of them."""
        for each in self.regions.values():
            if region in (None, each.name) and name in each.groups:
                yield each.groups[name]

    def now(self) -> float:
        """Return the service's time in seconds since the epoch."""
        return self._clock() + self.settings.clock_offset


class Region:
    """The groups of one region, and what the operations need to know about it."""

    def __init__(self, account: Account, name: str) -> None:
        self.account = account
        self.settings = account.settings
        self.name = name
        self.groups: dict[str, GroupState] = {}
        self.stream_creations: deque[float] = deque()
        self.queries: dict[str, StartedQuery] = {}

    def now(self) -> float:
        """Return the service's time in seconds since the epoch."""
        return self.account.now()

    def now_ms(self) -> int:
        """Return the service's time in milliseconds since the epoch."""
        return int(self.account.now() * 1000)

    def arn(self, group: str, stream: str | None = None) -> str:
        """Return the ARN of a group or of a stream."""
        partition = "aws-cn" if self.name.startswith("cn-") else "aws"
        arn = f"arn:{partition}:logs:{self.name}:{ACCOUNT_ID}:log-group:{group}"
        return arn if stream is None else f"{arn}:log-stream:{stream}"

    def identified(self, identifier: str) -> str:
        """Return the name of the group that a name or an ARN stands for; an ARN must be of this region."""
        if not identifier.startswith("arn:"):
            return identifier
        prefix = self.arn("")
        if not identifier.startswith(prefix):
            raise Refusal(NOT_FOUND, "The specified log group does not exist.")
        return identifier.removeprefix(prefix).removesuffix(":*")

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
        account = self.account
        first = account.accepted
        account.accepted += len(messages)
        stream.accepted += len(messages)
        stream.last_ingestion_ms = now_ms = self.now_ms()
        if self.settings.keep_events:
            indexes = range(first, account.accepted)
            stream.rows.extend(
                zip(timestamps_ms, indexes, itertools.repeat(now_ms), messages, strict=False)
            )
