"""One batch to one receipt: try, wait, create what is missing, isolate what is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from typing import Final

import anyio

from aiowatchtower._core.advice import explained
from aiowatchtower._core.backoff import Backoff
from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.events import Answer
from aiowatchtower._core.ledger import Ledger
from aiowatchtower._core.limits import MIN_EVENT_BYTES
from aiowatchtower._core.logs_client import Departure, LogsClient
from aiowatchtower._core.pace import Pace
from aiowatchtower._core.patience import Patience
from aiowatchtower._core.policy import (
    Attempt,
    Decision,
    NextStep,
    Verdict,
    after_halving,
    is_known,
    is_throttled,
    judge,
    learned_event_limit,
)
from aiowatchtower._core.progress import Progress, shortened
from aiowatchtower._diagnostics.rate_limit import Diagnostics

from .provisioner import Provisioner
from .slots import Slots
from .time_budget import TimeBudget, unanswered
from .try_once import try_once

_LOOK_SECONDS: Final = 1.1
# Without these no request is made.
_NOT_SET_UP: Final = frozenset({"NoCredentials", "NoRegion"})
_OUT_OF_TIME: Final = {
    "too_old": "more than 14 days ago",
    "expired": "longer ago than the log group keeps its events",
    "too_new": "more than 2 hours ahead",
}
# Others share the account's quota, and take what is there: who waits for a minute comes last, and when few are
# left, their pauses leave the quota unused. Measured with simulated workers that all start at once: with a
# cap of 60 s the last one has its stream after 1.8 times what the quota alone takes; of 200 workers with 20 s
# after 1.38 to 1.47 times, with 15 s after 1.33 to 1.42, with 10 s after 1.28 to 1.37. Refused are
# 4.5, 5.3 and 7 requests for each that is accepted.
_THROTTLED_CAP_SECONDS: Final = 15.0


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
        clock: Callable[[], float],
        *,
        group: str,
        max_in_flight: int,
        max_event_bytes: int,
    ) -> None:
        self._client = client
        self._provisioner = provisioner
        self._diagnostics = diagnostics
        self._backoff = backoff
        self._throttled_backoff = backoff._replace(cap=_THROTTLED_CAP_SECONDS)
        self._budget = budget
        self._ledger = ledger
        self._clock = clock
        self._group = group
        self._slots = Slots(max_in_flight)
        self._patience = Patience()
        self._pace = Pace()
        self._max_event_bytes = max_event_bytes
        self._has_learned = False
        self._process = os.getpid()
        self._has_succeeded = False
        self._looked_last: set[str] = set()
        # The block is being left, and AWS cannot be called: waiting longer would change nothing.
        self.has_given_up = False
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
        """Return when every event of the batch has met its fate; until then, keep trying.

        Also when there is no way to call AWS and the block is being left: ``has_given_up``.
        """
        stream, attempt = progress.batch.stream, Attempt()
        put = partial(self._put, progress)
        while progress.is_open and not self.has_given_up:
            decision = await try_once(put, self._provisioner, stream, attempt)
            if decision is None:
                attempt = Attempt()
                self._succeeded(stream)
            else:
                attempt = await self._follow(decision, progress)

    async def _follow(self, decision: Decision, progress: Progress) -> Attempt:
        """Take the step that was decided on, and wait; return what was tried so far."""
        if decision.step is NextStep.BOOK:
            progress.known()
        elif decision.step is NextStep.HALVE:
            is_dropped = self._halve(progress, decision.error)
            decision = after_halving(decision, is_dropped=is_dropped)
        if decision.told_as is not None:
            self._ledger.note_error(decision.error)
            self._failed(progress.batch.stream, decision.told_as, decision.error)
        if decision.step is NextStep.RENEW:
            if self._budget.is_leaving and self._was_never_set_up(decision.error):
                await self._look_last(progress.batch.stream)
                return decision.attempt
            await self._client.renew()
        if decision.pause > 0:
            is_throttling = is_throttled(decision.error)
            backoff = self._throttled_backoff if is_throttling else self._backoff
            await self._budget.pause(backoff.pause(decision.pause))
        return decision.attempt

    async def _put(self, progress: Progress) -> None:
        stream = progress.batch.stream
        async with self._slots.one(stream):
            if os.getpid() != self._process:
                # A copy of the parent's worker, in a forked child: these are the parent's records.
                await anyio.sleep_forever()
            await self._take_turn(stream)
            self._note_try(progress)
            resource = f"{self._group}:{stream}"
            departure = Departure()
            asked_at = self._clock()
            try:
                with self._budget.limited_try("PutLogEvents", resource, self._client.endpoint):
                    answer = await self._answer(progress, resource, departure)
            except DeliveryError as exc:
                exc.maybe_accepted = exc.maybe_accepted and departure.may_have_left
                self._note_failure(progress, exc, asked_at)
                raise
            except anyio.get_cancelled_exc_class():
                # What is said of records that were given up names the request nobody answered.
                self._ledger.note_error(unanswered("PutLogEvents", resource, self._client.endpoint))
                progress.failed(maybe_accepted=departure.may_have_left)
                raise
        self._slots.accepted(stream)
        self._pace.accepted()
        self._patience.answered(stream, self._clock() - asked_at)
        rejected = progress.accepted(answer, datetime.now(timezone.utc))
        for reason, count in rejected.items():
            self._diagnostics.warn(
                f"rejected {reason}",
                f"CloudWatch Logs rejected {count} records to {resource} as {reason}: their time is "
                f"{_OUT_OF_TIME[reason]}. They are lost; check record.created and this machine's clock",
            )
        if answer.entity_error:
            self._diagnostics.warn(
                "entity", f"CloudWatch Logs rejected entity=: {answer.entity_error}"
            )
        if answer.only_uncompressed:
            self._diagnostics.warn(
                "compression",
                f"{self._client.endpoint or 'the endpoint'}, or a proxy on the way, takes no "
                "compressed requests. Records are sent uncompressed from now on: set "
                "compression=None to have it so from the start",
            )

    async def _take_turn(self, stream: str) -> None:
        """Wait for this process's next turn while the account is throttled."""
        while not self._budget.is_leaving and (rest := self._pace.rest(stream, self._clock())):
            await self._budget.pause(rest)
        self._pace.sent(stream, self._clock())

    def _note_try(self, progress: Progress) -> None:
        """Count a retry now that it is made: its answer may take long, or never come."""
        found = progress.trying()
        if found.is_retry:
            is_counted = progress.batch.counted
            self._ledger.note_retry(found.possible_duplicates if is_counted else 0)

    def _note_failure(self, progress: Progress, error: DeliveryError, asked_at: float) -> None:
        """Learn from a put that failed how the next ones are to be made."""
        stream = progress.batch.stream
        self._slots.failed(stream)
        progress.failed(maybe_accepted=error.maybe_accepted)
        if judge(error) is Verdict.PROVISION:
            progress.found_missing()
            return
        self._ledger.note_error(error)
        if is_throttled(error):
            self._pace.throttled(asked_at, self._clock())
        elif error.code == "Timeout" and not self._budget.is_leaving:
            self._patience.timed_out(stream)
            progress.halve()

    async def _answer(self, progress: Progress, resource: str, departure: Departure) -> Answer:
        events = progress.part
        if self._has_learned:
            events = shortened(events, self._max_event_bytes)
        try:
            seconds = self._patience.seconds(progress.batch.stream)
            return await self._client.put(progress.batch.stream, events, seconds, departure)
        except DeliveryError:
            raise
        except Exception as exc:
            # A bug of ours, or no memory. It delays this stream alone, like a failure of AWS.
            said = f"{type(exc).__name__}: {exc}"
            raise DeliveryError(
                "PutLogEvents", "UnexpectedError", said, resource=resource, maybe_accepted=True
            ) from exc

    def _halve(self, progress: Progress, error: DeliveryError) -> bool:
        """Learn a limit or halve the part. Returns whether it was a single event, which is dropped."""
        limit = learned_event_limit(error)
        if limit is not None and MIN_EVENT_BYTES <= limit < self._max_event_bytes:
            self._max_event_bytes, self._has_learned = limit, True
            self._diagnostics.warn(
                "event_limit",
                f"CloudWatch Logs takes events of up to {limit} bytes here; longer ones are cut",
            )
            return False
        if not progress.refused(error):
            return False
        if error.code == "EncodingFailed":
            text = f"an event cannot be written into a request, and is dropped: {explained(error)}"
            self._diagnostics.warn("encoding", text, exc_info=error.__cause__)
        else:
            self._diagnostics.warn(
                "refused", f"CloudWatch Logs refuses an event, which is dropped: {error}"
            )
        return True

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

    async def _look_last(self, stream: str) -> None:
        """Look once more for what was set in the last moment; the next time, give up."""
        if stream in self._looked_last:
            self.has_given_up = True
            return
        self._looked_last.add(stream)
        # The client looks once a second at most.
        await self._budget.pause(_LOOK_SECONDS)
        await self._client.renew()

    def _was_never_set_up(self, error: DeliveryError) -> bool:
        """Whether there is no region, or are no credentials, and never were while the block was open."""
        return error.code in _NOT_SET_UP and not self._has_succeeded

    def _succeeded(self, stream: str) -> None:
        self._has_succeeded = True
        for kind, streams in list(self._failing.items()):
            streams -= {stream, ""}
            if not streams:
                del self._failing[kind]
                self._diagnostics.recovered(kind, f"delivery to {stream} works again")
