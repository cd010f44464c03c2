"""One batch to one receipt: try, wait, create what is missing, isolate what is refused."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import Final

import anyio

from aiowatchtower._core.advice import explained
from aiowatchtower._core.backoff import Backoff
from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.ledger import Ledger
from aiowatchtower._core.limits import MIN_EVENT_BYTES
from aiowatchtower._core.logs_client import TRY_SECONDS, LogsClient
from aiowatchtower._core.policy import Verdict, is_known, judge, learned_event_limit
from aiowatchtower._core.progress import Progress, shortened
from aiowatchtower._diagnostics.rate_limit import Diagnostics

from .provisioner import Provisioner
from .time_budget import TimeBudget, unanswered

# Refusing this many single events in a row is no matter of the events: slow down.
_REFUSED_IN_A_ROW: Final = 16
# For so many tries a group may be unknown after its creation, above all when another process
# has it under way (OperationAbortedException): nobody has to do anything about that.
_UNKNOWN_FOR_TRIES: Final = 3
# Creations that succeed, so many times, and change nothing: that is worth a word.
_STAYS_UNKNOWN_TRIES: Final = 8


class Sender:
    """Puts batches until AWS has them, over at most ``max_in_flight`` calls at a time."""

    def __init__(
        self,
        client: LogsClient,
        provisioner: Provisioner,
        diagnostics: Diagnostics,
        backoff: Backoff,
        budget: TimeBudget,
        ledger: Ledger,
        *,
        group: str,
        max_in_flight: int,
        max_event_bytes: int,
    ) -> None:
        self._client = client
        self._provisioner = provisioner
        self._diagnostics = diagnostics
        self._backoff = backoff
        self._budget = budget
        self._ledger = ledger
        self._group = group
        self._slots = anyio.CapacityLimiter(max_in_flight)
        self._max_event_bytes = max_event_bytes
        self._has_learned = False
        self._process = os.getpid()
        # The streams with a failure of each kind, to tell when the last of them has recovered.
        self._failing: dict[str, set[str]] = {}

    async def prepare(self) -> None:
        """Make the client before it is needed, and say early what would keep it from working."""
        try:
            await self._client.prepare()
        except DeliveryError as exc:
            self._ledger.note_error(exc)
            self._failed("", judge(exc), exc)

    async def deliver(self, progress: Progress) -> None:
        """Return when every event of the batch has met its fate; until then, keep trying."""
        tries = 0
        refused_in_a_row = 0
        while progress.is_open:
            try:
                await self._put(progress)
            except DeliveryError as exc:
                verdict = judge(exc)
                if verdict is Verdict.PROVISION:
                    progress.found_missing()
                else:
                    self._ledger.note_error(exc)
                progress.failed(maybe_accepted=exc.maybe_accepted)
                if verdict is Verdict.ACCEPTED:
                    progress.known()
                elif verdict is Verdict.ISOLATE and exc.action == "PutLogEvents":
                    refused_in_a_row += self._isolate(progress, exc)
                    await self._pause(refused_in_a_row - _REFUSED_IN_A_ROW)
                else:
                    tries += 1
                    await self._recover(progress, verdict, exc, tries)
            else:
                tries = refused_in_a_row = 0
                self._succeeded(progress.batch.stream)

    async def _put(self, progress: Progress) -> None:
        async with self._slots:
            if os.getpid() != self._process:
                # A copy of the parent's worker, in a forked child: these are the parent's records.
                await anyio.sleep_forever()
            progress.trying()
            events = progress.part
            if self._has_learned:
                events = shortened(events, self._max_event_bytes)
            stream = progress.batch.stream
            action, resource = "PutLogEvents", f"{self._group}:{stream}"
            try:
                with self._budget.limited_try(action, resource):
                    answer = await self._client.put(stream, events, TRY_SECONDS)
            except DeliveryError:
                raise
            except Exception as exc:
                # A bug of ours, or no memory. It delays this stream alone, like a failure of AWS.
                said = f"{type(exc).__name__}: {exc}"
                raise DeliveryError(
                    action, "UnexpectedError", said, resource=resource, maybe_accepted=True
                ) from exc
            except anyio.get_cancelled_exc_class():
                # What is said of records that were given up names the request nobody answered.
                self._ledger.note_error(unanswered(action, resource))
                progress.failed(maybe_accepted=True)
                raise
        progress.accepted(answer, datetime.now(timezone.utc))
        if answer.entity_error:
            self._diagnostics.warn(
                "entity", f"CloudWatch Logs rejected entity=: {answer.entity_error}"
            )

    def _isolate(self, progress: Progress, error: DeliveryError) -> int:
        """Learn a limit or halve the part. Returns how many events were given up: 0 or 1."""
        limit = learned_event_limit(error)
        if limit is not None and MIN_EVENT_BYTES <= limit < self._max_event_bytes:
            self._max_event_bytes, self._has_learned = limit, True
            self._diagnostics.warn(
                "event_limit",
                f"CloudWatch Logs takes events of up to {limit} bytes here; longer ones are cut",
            )
            return 0
        if not progress.refused(error):
            return 0
        self._diagnostics.warn(
            "refused", f"CloudWatch Logs refuses an event, which is dropped: {error}"
        )
        return 1

    async def _recover(
        self, progress: Progress, verdict: Verdict, error: DeliveryError, tries: int
    ) -> None:
        """Do what the verdict says, then wait."""
        stream = progress.batch.stream
        if verdict is Verdict.PROVISION:
            if await self._provided(stream, progress.missing):
                # Right after a creation it may still be unknown where it is asked for next, but
                # what failed before, for other reasons, is no reason to wait now.
                if progress.missing > _STAYS_UNKNOWN_TRIES:
                    self._ledger.note_error(error)
                    self._failed(stream, Verdict.RETRY, error)
                await self._pause(progress.missing - 1)
                return
        else:
            self._failed(stream, verdict, error)
        if verdict is Verdict.REFRESH:
            await self._client.renew()
        await self._pause(tries)

    async def _provided(self, stream: str, missing: int) -> bool:
        try:
            await self._provisioner.provide(stream)
        except DeliveryError as exc:
            verdict = judge(exc)
            if verdict is not Verdict.PROVISION or missing > _UNKNOWN_FOR_TRIES:
                self._ledger.note_error(exc)
                self._failed(stream, verdict, exc)
            return False
        return True

    async def _pause(self, tries: int) -> None:
        if tries > 0:
            await self._budget.pause(self._backoff.pause(tries))

    def _failed(self, stream: str, verdict: Verdict, error: DeliveryError) -> None:
        """Warn of it: one kind for all that passes by itself, one for each thing to be done."""
        if error.code == "Timeout" and self._budget.is_leaving:
            # The next try succeeds, or the warning of what was lost names this as the reason.
            return
        # One kind for all codes that nobody knows: a service could send a new one each time.
        code = error.code if is_known(error.code) else "unknown"
        kind = "delivery" if verdict is Verdict.RETRY else f"{error.action} {code}"
        self._failing.setdefault(kind, set()).add(stream)
        self._diagnostics.warn(
            kind,
            f"{explained(error)} Records are kept, within max_buffer_size, and tried again.",
            exc_info=error.__cause__ if error.code == "UnexpectedError" else None,
        )

    def _succeeded(self, stream: str) -> None:
        for kind, streams in list(self._failing.items()):
            streams -= {stream, ""}
            if not streams:
                del self._failing[kind]
                self._diagnostics.recovered(kind, f"delivery to {stream} works again")
