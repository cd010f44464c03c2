"""The steps of delivery, from what AWS has answered to each call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import anyio

from aiowatchtower._aws.client import AwsLogsClient
from aiowatchtower._aws.errors import translated
from aiowatchtower._config.settings import Settings
from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.events import Answer

from ._aws import DEADLINE_SECONDS, Client
from ._diagnosis import DENIED, NOT_FOUND, detail, failed
from ._report import PUT, Status, Step, skipped
from ._trial import Trial
from ._watched import GROUP, RETENTION, STREAM, WatchedClient

READ: Final = "GetLogEvents"
ACTIONS: Final = (GROUP, RETENTION, STREAM, PUT, READ)
_NOT_NEEDED: Final = "it exists already"
# Before what was put can be read.
_READING_SECONDS: Final = 2.0


class Delivery:
    """Tries delivery, and says how each of its steps has ended."""

    def __init__(
        self, client: Client, logs: AwsLogsClient, settings: Settings, stream: str, text: str
    ) -> None:
        self._client = client
        self._logs = WatchedClient(logs)
        client.meta.events.register("after-call.cloudwatch-logs", self._logs.note_created)
        self._settings = settings
        self._stream = stream
        self._text = text
        self._trial = Trial(self._logs, settings, stream, text)

    async def run(self) -> list[Step]:
        """Try, and return the steps in their order."""
        failure = await self._trial.run()
        steps = [self._group(), self._log_stream()]
        if self._settings.log_group_retention_days is not None:
            steps.insert(1, self._retention())
        put = self._event(failure, steps)
        if put.status is Status.OK:
            return [*steps, put, await self._read()]
        return [*steps, put, skipped(READ, "there is nothing to read")]

    def _group(self) -> Step:
        logs, failure = self._logs, self._logs.failure(GROUP)
        if failure is not None:
            return failed(GROUP, failure, logs.failures(GROUP), self._options())
        if logs.has_created(GROUP):
            return self._created_group()
        if self._trial.knows_group:
            return skipped(GROUP, _NOT_NEEDED)
        if self._trial.misses_group:
            return skipped(GROUP, "not tried, for that would create it: --create does")
        return self._not_reached(GROUP)

    def _created_group(self) -> Step:
        days = self._settings.log_group_retention_days
        is_kept = days is None or self._logs.failure(RETENTION) is not None
        text = f"created; its events are kept for {'ever' if is_kept else f'{days} days'}"
        facts = {"created": True}
        if refusals := self._logs.failures(GROUP):
            step = failed(GROUP, refusals[-1], refusals)
            text = f"{text}; without its tags: {step.detail}"
            return replace(step, status=Status.WARNING, detail=text, facts=facts)
        return Step(GROUP, Status.OK, text, facts=facts)

    def _options(self) -> list[str]:
        """Name the permissions that creating this group takes besides its own."""
        settings = self._settings
        is_untried = not self._logs.was_tried(RETENTION)
        needed = {
            "logs:TagResource": settings.log_group_tags,
            "logs:AssociateKmsKey": settings.log_group_kms_key_id,
            "logs:PutRetentionPolicy": settings.log_group_retention_days and is_untried,
        }
        return [permission for permission, is_needed in needed.items() if is_needed]

    def _retention(self) -> Step:
        failure = self._logs.failure(RETENTION)
        if failure is None and self._logs.was_tried(RETENTION):
            return Step(RETENTION, Status.OK, f"{self._settings.log_group_retention_days} days")
        if failure is None:
            if self._trial.knows_group:
                return skipped(RETENTION, "the log group exists already")
            return skipped(RETENTION, "not tried: nothing was created that it could be set for")
        if failure.code == NOT_FOUND:
            return skipped(RETENTION, "allowed, and there is no log group to set it for")
        return replace(failed(RETENTION, failure), status=Status.WARNING)

    def _log_stream(self) -> Step:
        logs, failure = self._logs, self._logs.failure(STREAM)
        if failure is not None and failure.code == NOT_FOUND:
            return skipped(STREAM, "allowed, and there is no log group to create it in")
        if failure is not None:
            return failed(STREAM, failure)
        if logs.has_created(STREAM):
            return Step(STREAM, Status.OK, "created", facts={"created": True})
        if logs.failure(PUT) is None or logs.was_tried(STREAM):
            return skipped(STREAM, _NOT_NEEDED)
        if not self._settings.create_log_stream:
            return skipped(STREAM, "not tried, for that would create it")
        return self._not_reached(STREAM)

    def _not_reached(self, action: str) -> Step:
        error = self._logs.failure(PUT)
        if error is not None and error.code in DENIED:
            return skipped(action, "not tried: it is not known whether it exists")
        return skipped(action, f"{PUT} failed before it came to that")

    def _event(self, failure: DeliveryError | None, before: Sequence[Step]) -> Step:
        answer, error = self._logs.answer, self._logs.failure(PUT)
        if failure is None and answer is not None:
            return _rejected(answer) or Step(PUT, Status.OK, f"{self._text!r} was accepted")
        if error is None:
            # There was no client to make the call with.
            return failed(PUT, failure or DeliveryError(PUT, "UnexpectedError", "nothing was put"))
        if error.code != NOT_FOUND:
            return failed(PUT, error)
        if any(step.status is Status.FAILED for step in before):
            return skipped(PUT, "allowed, and there is no log stream to put to")
        return self._missing(error)

    def _missing(self, error: DeliveryError) -> Step:
        group = self._settings.log_group_name
        if not self._trial.misses_group:
            names = f"--log-group-name '{group}' --log-stream-name '{self._stream}'"
            command = f"aws logs create-log-stream {names}"
            way = "check without --no-create"
        else:
            command = f"aws logs create-log-group --log-group-name '{group}'"
            way = "check with --create, which creates it as an application would"
        return Step(
            PUT, Status.FAILED, detail(error), f"Create it ({command}), or {way}.", error.code
        )

    async def _read(self) -> Step:
        """Look for the event; once more after a while, since reading lags behind."""
        try:
            found = await self._look()
            if not found:
                await anyio.sleep(_READING_SECONDS)
                found = await self._look()
        except Exception as exc:  # noqa: BLE001 - whatever is raised is what is reported
            error = translated(exc, READ, self._stream, DEADLINE_SECONDS)
            if error.code in DENIED:
                return skipped(READ, "not allowed (delivery does not need it)")
            text = f"{detail(error)} (delivery does not need it)"
            return Step(READ, Status.WARNING, text, error_code=error.code)
        if not found:
            return skipped(READ, "the event was accepted, and cannot be read yet")
        return Step(READ, Status.OK, "the event was read back")

    async def _look(self) -> bool:
        where: dict[str, object] = {
            "logGroupName": self._settings.log_group_name,
            "startTime": self._trial.put_at,
        }
        with anyio.fail_after(DEADLINE_SECONDS):
            try:
                answer = await self._client.get_log_events(logStreamName=self._stream, **where)
            except Exception as exc:
                if translated(exc, READ, "", DEADLINE_SECONDS).code not in DENIED:
                    raise
                answer = await self._client.filter_log_events(
                    logStreamNames=[self._stream], **where
                )
        events = answer["events"]
        found = events if isinstance(events, Sequence) else ()
        return any(event["message"] == self._text for event in found)


def _rejected(answer: Answer) -> Step | None:
    """Return the step of an event that an answer with status 200 has refused."""
    if answer.expired_end:
        reason = "older than the log group's retention"
    elif answer.too_old_end:
        reason = "older than 14 days"
    elif answer.too_new_start is not None:
        reason = "more than 2 hours ahead"
    else:
        return None
    advice = "Synchronise this machine's clock (NTP, chrony)."
    text = f"AWS has rejected the event: by its clock it is {reason}"
    return Step(PUT, Status.FAILED, text, advice, "EventRejected")
