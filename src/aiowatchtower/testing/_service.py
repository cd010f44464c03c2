"""`CloudWatchLogs`: the service in memory, from decoded bodies to answers and to what it remembers."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiowatchtower import _substitute

from . import _filters, _queries, _reads, _sts, _writes
from ._account import Account, GroupState, Region
from ._faults import Fault, FaultPlan
from ._model import check
from ._operations import OPERATIONS, STS_OPERATIONS, method_name
from ._params import Params, decode
from ._permissions import authorize, fault_refusal
from ._rules import measure
from ._settings import Options, ServiceSettings, read_settings
from ._standin import StandIn, listed, missing_group
from ._types import UNKNOWN, Event, Group, Keyring, Refusal, Reply, Request, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self, Unpack

    from ._client import InMemoryClient

    Perform = Callable[[Region, Params], dict[str, object]]

PERFORM: dict[str, Perform] = {
    name: getattr(module, method_name(name))
    for name in OPERATIONS
    for module in (_writes, _reads, _filters, _queries, _sts)
    if hasattr(module, method_name(name))
}


class CloudWatchLogs(StandIn):
    """A CloudWatch Logs in memory that refuses what AWS refuses.

    It starts without any group. The keyword arguments are those of `ServiceSettings`; change them later with
    `configure`. Thread-safe. `clock` returns seconds since the epoch.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.time, **options: Unpack[Options]
    ) -> None:
        self._options = options
        self.settings: ServiceSettings = read_settings(options)
        self.faults: FaultPlan = FaultPlan()
        self._clock = clock
        self._account = Account(self.settings, clock)
        self._requests: list[Request] = []
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<CloudWatchLogs: {len(self.groups)} groups, {self.accepted} events, {len(self._requests)} requests>"

    def client(self, region_name: str | None = None) -> InMemoryClient:
        """Return a client to pass wherever an aiobotocore `logs` client is expected; it opens no socket."""
        from ._client import InMemoryClient  # importing aiobotocore takes a quarter of a second

        return InMemoryClient(self, region_name or self.settings.region_name)

    @contextmanager
    def installed(self) -> Iterator[Self]:
        """Let each `CloudWatchLogging` that is entered in this block, in any thread, deliver to this service.

        The region, endpoint, profile and session that it was given do not matter; a `client=` of its own is kept.
        """
        with _substitute.installed(self):
            yield self

    # What a test asks.

    @property
    def accepted(self) -> int:
        return self._account.accepted

    @property
    def groups(self) -> dict[str, Group]:
        with self._lock:
            found = [(g, r) for r in self._account.regions.values() for g in r.groups.values()]
            found.sort(key=lambda pair: pair[0].created_ms)
            return {group.name: group.snapshot(region.name) for group, region in found}

    @property
    def requests(self) -> list[Request]:
        with self._lock:
            return list(self._requests)

    def events(
        self, group: str, stream: str | None = None, *, region: str | None = None
    ) -> list[Event]:
        with self._lock:
            events = [
                event
                for found in self._account.groups_named(group, region)
                for each in found.streams.values()
                if stream in (None, each.name)
                for event in each.events()
            ]
        events.sort(key=lambda event: (event.timestamp_ms, event.ingestion_index))
        return events

    def count(self, group: str | None = None, stream: str | None = None) -> int:
        """Return how many events were accepted in all, or are in a group or a stream now."""
        if group is None:
            return self.accepted
        with self._lock:
            return sum(
                each.accepted
                for found in self._account.groups_named(group)
                for each in found.streams.values()
                if stream in (None, each.name)
            )

    def count_calls(self, action: str | None = None) -> int:
        """Return how many requests have come in, in all or for one action."""
        return len(self._requests) if action is None else len(self.calls(action))

    # What a test changes.

    def configure(self, **options: Unpack[Options]) -> None:
        with self._lock:
            self.settings.update(options)

    def delete_group(self, group: str, *, region: str | None = None) -> None:
        with self._lock:
            self._existing(group, region)
            for each in self._account.regions.values():
                if region in (None, each.name):
                    each.groups.pop(group, None)

    def delete_stream(self, group: str, stream: str, *, region: str | None = None) -> None:
        with self._lock:
            found = [each for each in self._existing(group, region) if stream in each.streams]
            if not found:
                message = f"no log stream {stream!r} in {group!r}; {listed(self.streams(group))}"
                raise LookupError(message)
            for each in found:
                del each.streams[stream]

    def reset(self) -> None:
        with self._lock:
            self.settings = read_settings(self._options)
            self._account = Account(self.settings, self._clock)
            self._requests.clear()
            self.faults.clear()

    def _existing(self, group: str, region: str | None) -> list[GroupState]:
        found = list(self._account.groups_named(group, region))
        if not found:
            raise LookupError(missing_group(group, self.groups))
        return found

    # What a transport calls.

    @property
    def latency(self) -> float:
        """Seconds between reading a request and answering it."""
        return self.settings.latency

    def now(self) -> float:
        """Return the service's time in seconds since the epoch."""
        return self._account.now()

    @property
    def keys(self) -> Keyring:
        """The keys that requests can be signed with: those of the settings, and those of assumed roles."""
        with self._lock:
            sessions, now = self._account.sessions, self.now()
            return Keyring(
                {**self.settings.credentials, **{key: s.secret for key, s in sessions.items()}},
                {
                    *self.settings.expired_keys,
                    *(k for k, s in sessions.items() if s.expires_at < now),
                },
                {key: session.token for key, session in sessions.items()},
            )

    def pick_early(self, action: str) -> Fault | None:
        """Return the fault that hits a request before its body is read."""
        return self.faults.pick_early(action)

    def respond(
        self, action: str, body: bytes | dict[str, object], wire: Wire | None = None
    ) -> Reply:
        """Answer one request by the rules alone: no fault, no record of it."""
        try:
            wire = wire or Wire()
            members = body if isinstance(body, dict) else _decode(body, wire)
            with self._lock:
                return self._perform(action, members, wire)
        except Refusal as refusal:
            return refusal.reply()

    def exchange(
        self, action: str, body: bytes, wire: Wire, early: Fault | None = None
    ) -> tuple[Reply, Fault | None]:
        """Answer one request, remember it, and tell which fault has hit it: the transport carries it out.

        `early` is the fault that has hit the request already, from `pick_early`.
        """
        members: dict[str, object] = {}
        fault = early
        try:
            members = _decode(body, wire)
            with self._lock:
                fault = early or self.faults.pick(action, members)
                if fault is not None and fault.effect == "error":
                    if fault.accepts:
                        self._perform(action, members, wire)
                    raise fault_refusal(self._account.region(wire.region), fault, action, members)
                reaches = fault is None or fault.reaches_service
                reply = self._perform(action, members, wire) if reaches else Reply(0, {})
        except Refusal as refusal:
            reply = refusal.reply()
        self.remember(action, members, reply, fault, wire, len(body))
        return reply, fault

    def remember(
        self,
        action: str,
        members: dict[str, object],
        reply: Reply,
        fault: Fault | None,
        wire: Wire,
        size: int,
    ) -> None:
        """Add a request to `requests`."""
        count, batch_bytes = measure(members.get("logEvents"))
        request = Request(
            action=action,
            group=str(members.get("logGroupName", "")),
            stream=str(members.get("logStreamName", "")),
            event_count=count,
            batch_bytes=batch_bytes,
            status=reply.status,
            error_code=reply.error_code,
            fault=fault.effect if fault else "",
            wire_bytes=size,
            encoding=wire.encoding,
            connection=wire.connection,
            user_agent=wire.user_agent,
            monotonic_time=time.monotonic(),
            region=wire.region or self.settings.region_name,
        )
        with self._lock:
            self._requests.append(request)

    def _perform(self, action: str, members: dict[str, object], wire: Wire) -> Reply:
        perform = PERFORM.get(action)
        if perform is None:
            raise Refusal(UNKNOWN, f"{action}: this service has {', '.join(OPERATIONS)}")
        region = self._account.region(wire.region)
        authorize(region, action, members)
        check("sts" if action in STS_OPERATIONS else "logs", action, members)
        return Reply(200, perform(region, Params(members, wire.access_key)))


def _decode(body: bytes, wire: Wire) -> dict[str, object]:
    return _sts.decode_form(body) if wire.protocol == "query" else decode(body, wire.encoding)
