"""`CloudWatchLogs`: the service in memory, from decoded bodies to answers and to what it remembers."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiowatchtower import _substitute

from . import _reads, _writes
from ._account import ACCOUNT_ID, Account, Options, Settings
from ._faults import Fault, FaultPlan
from ._params import Params, decode
from ._rules import BYTES_PER_EVENT
from ._types import DENIED, Answer, Event, Group, Refusal, Request, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self, Unpack

    from ._client import InMemoryClient

    Action = Callable[[Account, Params], dict[str, object]]

UNKNOWN = "UnknownOperationException"

ACTIONS: dict[str, Action] = {
    "PutLogEvents": _writes.put_log_events,
    "CreateLogGroup": _writes.create_log_group,
    "CreateLogStream": _writes.create_log_stream,
    "DeleteLogGroup": _writes.delete_log_group,
    "DeleteLogStream": _writes.delete_log_stream,
    "PutRetentionPolicy": _writes.put_retention_policy,
    "DeleteRetentionPolicy": _writes.delete_retention_policy,
    "AssociateKmsKey": _writes.associate_kms_key,
    "TagLogGroup": _writes.tag_log_group,
    "TagResource": _writes.tag_resource,
    "DescribeLogGroups": _reads.describe_log_groups,
    "DescribeLogStreams": _reads.describe_log_streams,
    "GetLogEvents": _reads.get_log_events,
    "FilterLogEvents": _reads.filter_log_events,
}


class CloudWatchLogs:
    """A CloudWatch Logs in memory that refuses what AWS refuses.

    It starts without any group. The keyword arguments are those of `Settings`; change them later with
    `configure`. Thread-safe. `clock` returns seconds since the epoch.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.time, **options: Unpack[Options]
    ) -> None:
        self._options = options
        self.settings: Settings = _settings(options)
        self.faults: FaultPlan = FaultPlan()
        self._clock = clock
        self._account = Account(self.settings, clock)
        self._requests: list[Request] = []
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<CloudWatchLogs: {len(self.groups)} groups, {self.accepted} events, {len(self._requests)} requests>"

    def client(self) -> InMemoryClient:
        """Return a client to pass wherever an aiobotocore `logs` client is expected; it opens no socket."""
        from ._client import InMemoryClient  # importing aiobotocore takes a quarter of a second

        return InMemoryClient(self)

    @contextmanager
    def installed(self) -> Iterator[Self]:
        """Let each `CloudWatchLogging` that is entered in this block, in any thread, deliver to this service.

        Region, endpoint, profile and session of theirs are not looked at; a `client=` of their own is kept.
        """
        with _substitute.installed(self):
            yield self

    # What a test asks.

    @property
    def accepted(self) -> int:
        """How many events were ever accepted, also into streams that are deleted now."""
        return self._account.accepted

    @property
    def groups(self) -> dict[str, Group]:
        """The groups by name."""
        with self._lock:
            return {name: group.snapshot() for name, group in self._account.groups.items()}

    @property
    def requests(self) -> list[Request]:
        """All requests in the order in which they were answered or dropped."""
        with self._lock:
            return list(self._requests)

    def calls(self, action: str) -> list[Request]:
        """Return the requests for one action, such as "PutLogEvents"."""
        return [request for request in self.requests if request.action == action]

    def streams(self, group: str) -> list[str]:
        """Return the names of a group's streams in order of creation; none for an unknown group."""
        with self._lock:
            found = self._account.groups.get(group)
            return [] if found is None else list(found.streams)

    def events(self, group: str, stream: str | None = None) -> list[Event]:
        """Return a group's accepted events in time order over all streams, or over one."""
        with self._lock:
            found = self._account.groups.get(group)
            chosen = (
                []
                if found is None
                else [s for s in found.streams.values() if stream in (None, s.name)]
            )
            events = [event for each in chosen for event in each.events()]
        events.sort(key=lambda event: (event.timestamp_ms, event.ingestion_index))
        return events

    def messages(self, group: str, stream: str | None = None) -> list[str]:
        """Return the messages of `events`."""
        return [event.message for event in self.events(group, stream)]

    def count(self, group: str | None = None, stream: str | None = None) -> int:
        """Return how many events were accepted in all, or are in a group or a stream now."""
        if group is None:
            return self.accepted
        with self._lock:
            found = self._account.groups.get(group)
            streams = found.streams.values() if found else ()
            return sum(each.accepted for each in streams if stream in (None, each.name))

    def count_calls(self, action: str | None = None) -> int:
        """Return how many requests have come in, in all or for one action."""
        return len(self._requests) if action is None else len(self.calls(action))

    # What a test changes.

    def configure(self, **options: Unpack[Options]) -> None:
        """Change settings from the next request on."""
        with self._lock:
            self.settings.update(options)

    def delete_group(self, group: str) -> None:
        """Delete a group behind the caller's back, protected or not."""
        with self._lock:
            del self._account.groups[group]

    def delete_stream(self, group: str, stream: str) -> None:
        """Delete a stream behind the caller's back."""
        with self._lock:
            del self._account.groups[group].streams[stream]

    def reset(self) -> None:
        """Be as new: without groups, events, requests and faults, with the first settings."""
        with self._lock:
            self.settings = _settings(self._options)
            self._account = Account(self.settings, self._clock)
            self._requests.clear()
            self.faults.clear()

    # What a transport calls.

    def now(self) -> float:
        """Return the service's time in seconds since the epoch."""
        return self._account.now()

    def respond(
        self, action: str, body: bytes | dict[str, object], wire: Wire | None = None
    ) -> Answer:
        """Answer one request by the rules alone: no fault, no record of it."""
        try:
            members = (
                body if isinstance(body, dict) else decode(body, wire.encoding if wire else "")
            )
            with self._lock:
                return self._perform(action, members)
        except Refusal as refusal:
            return refusal.answer()

    def exchange(
        self, action: str, body: bytes, wire: Wire, early: Fault | None = None
    ) -> tuple[Answer, Fault | None]:
        """Answer one request, remember it, and tell which fault the transport has to play.

        `early` is the fault that has hit the request already, from `faults.pick_early`.
        """
        members: dict[str, object] = {}
        fault = early
        try:
            members = decode(body, wire.encoding)
            with self._lock:
                fault = early or self.faults.pick(action, members)
                if fault is not None and fault.effect == "error":
                    if fault.accepts:
                        self._perform(action, members)
                    raise _fault_refusal(self._account, fault, action, members)
                reaches = fault is None or fault.reaches_service
                answer = self._perform(action, members) if reaches else Answer(0, {})
        except Refusal as refusal:
            answer = refusal.answer()
        self.remember(action, members, answer, fault, wire, len(body))
        return answer, fault

    def remember(
        self,
        action: str,
        members: dict[str, object],
        answer: Answer,
        fault: Fault | None,
        wire: Wire,
        size: int,
    ) -> None:
        """Add a request to `requests`."""
        count, batch_bytes = _measure(members.get("logEvents"))
        request = Request(
            action=action,
            group=str(members.get("logGroupName", "")),
            stream=str(members.get("logStreamName", "")),
            event_count=count,
            batch_bytes=batch_bytes,
            status=answer.status,
            error_code=answer.error_code,
            fault=fault.effect if fault else "",
            wire_bytes=size,
            encoding=wire.encoding,
            connection=wire.connection,
            user_agent=wire.user_agent,
            monotonic_time=time.monotonic(),
        )
        with self._lock:
            self._requests.append(request)

    def _perform(self, action: str, members: dict[str, object]) -> Answer:
        perform = ACTIONS.get(action)
        if perform is None:
            raise Refusal(UNKNOWN, "")
        _authorize(self._account, action, members)
        return Answer(200, perform(self._account, Params(members)))


def _settings(options: Options) -> Settings:
    settings = Settings()
    settings.update(options)
    return settings


def _authorize(account: Account, action: str, members: dict[str, object]) -> None:
    needed = [action]
    if action == "CreateLogGroup":
        needed += ["TagResource"] if members.get("tags") else []
        needed += ["AssociateKmsKey"] if members.get("kmsKeyId") else []
    allow, deny = account.settings.allow, account.settings.deny
    for permission in needed:
        if permission in deny or (allow is not None and permission not in allow):
            raise _denied(account, permission, members)


def _denied(account: Account, permission: str, members: dict[str, object]) -> Refusal:
    stream = "" if permission in ("PutLogEvents", "CreateLogStream") else None
    if stream is not None:
        stream = str(members.get("logStreamName", ""))
    arn = account.arn(str(members.get("logGroupName", "")), stream)
    return Refusal(
        DENIED,
        f"User: arn:aws:iam::{ACCOUNT_ID}:user/test is not authorized to perform: logs:{permission} on resource: "
        f"{arn} because no identity-based policy allows the logs:{permission} action",
    )


def _fault_refusal(
    account: Account, fault: Fault, action: str, members: dict[str, object]
) -> Refusal:
    if fault.code == "AccessDeniedException" and not fault.message:
        return _denied(account, action, members)
    return Refusal(fault.code, fault.message, fault.status)


def _measure(events: object) -> tuple[int, int]:
    if not isinstance(events, list):
        return 0, 0
    size = 0
    for event in events:
        message = event.get("message") if isinstance(event, dict) else None
        if not isinstance(message, str):
            return len(events), 0
        size += BYTES_PER_EVENT + (
            len(message) if message.isascii() else len(message.encode("utf-8", "surrogatepass"))
        )
    return len(events), size
