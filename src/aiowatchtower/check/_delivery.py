"""What delivery does, once: put, create what is missing, put again, read back."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Final

import anyio

from aiowatchtower._aws.client import AwsLogsClient
from aiowatchtower._aws.errors import translated
from aiowatchtower._config.settings import Settings
from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.events import Answer, own_event

from ._aws import DEADLINE_SECONDS, Client
from ._diagnosis import DENIED, NOT_FOUND, detail, failed
from ._report import PUT, Status, Step, skipped

GROUP: Final = "CreateLogGroup"
STREAM: Final = "CreateLogStream"
RETENTION: Final = "PutRetentionPolicy"
READ: Final = "GetLogEvents"
ACTIONS: Final = (GROUP, STREAM, PUT, READ)
_NOT_NEEDED: Final = "it exists already"
# After creating, and before what was put can be read.
_SETTLING_SECONDS: Final = 1.0
_READING_SECONDS: Final = 2.0


class Delivery:
    """Puts one event, each call tried once. ``steps`` tells what became of it."""

    def __init__(
        self, client: Client, logs: AwsLogsClient, settings: Settings, stream: str, text: str
    ) -> None:
        self._client = client
        self._logs = logs
        self._settings = settings
        self._stream = stream
        self._text = text
        self._put_at = 0
        self._steps = {name: skipped(name, _NOT_NEEDED) for name in (GROUP, STREAM)}

    async def run(self) -> list[Step]:
        """Try, and return the steps in their order."""
        failure = await self._put()
        if failure is not None and failure.code == NOT_FOUND:
            failure = await self._without(failure)
        elif failure is not None:
            for name in (GROUP, STREAM):
                self._steps[name] = skipped(name, f"{PUT} failed before it came to that")
        if failure is not None:
            self._steps.setdefault(PUT, failed(PUT, failure))
        if PUT in self._steps:
            self._steps[READ] = skipped(READ, "there is nothing to read")
        else:
            self._steps[PUT] = Step(PUT, Status.OK, f"{self._text!r} was accepted")
            self._steps[READ] = await self._read()
        return [self._steps[name] for name in ACTIONS]

    async def _put(self) -> DeliveryError | None:
        self._put_at = int(time.time() * 1000)
        event = own_event(self._stream, self._put_at, self._text)
        try:
            answer = await self._logs.put(self._stream, [event], DEADLINE_SECONDS)
        except DeliveryError as error:
            return error
        if rejected := _rejected(answer):
            self._steps[PUT] = rejected
        return None

    async def _without(self, failure: DeliveryError) -> DeliveryError | None:
        """Create what is missing, and put again; return why that is not possible."""
        if not (self._settings.create_log_group and self._settings.create_log_stream):
            self._steps[PUT] = self._missing(failure)
            for name in (GROUP, STREAM):
                self._steps[name] = skipped(name, "--no-create")
            return None
        if not await self._create():
            self._steps[PUT] = skipped(PUT, "there is no log stream to put to")
            return None
        again = await self._put()
        if again is not None and again.code == NOT_FOUND:
            # What was just created is not always known everywhere at once.
            await anyio.sleep(_SETTLING_SECONDS)
            again = await self._put()
        return again

    async def _create(self) -> bool:
        error = await _tried(self._logs.create_stream(self._stream), STREAM)
        if error is not None and error.code == NOT_FOUND:
            error = await _tried(self._logs.create_group(tags=True), GROUP)
            self._steps[GROUP] = failed(GROUP, error) if error else await self._set_retention()
            if error is not None:
                self._steps[STREAM] = skipped(STREAM, "there is no log group to create it in")
                return False
            error = await _tried(self._logs.create_stream(self._stream), STREAM)
        elif error is not None:
            self._steps[GROUP] = skipped(GROUP, f"{STREAM} failed before it came to that")
        self._steps[STREAM] = failed(STREAM, error) if error else _created(STREAM)
        return error is None

    async def _set_retention(self) -> Step:
        """Give the group that was just created its retention; delivery goes on without it."""
        days = self._settings.log_group_retention_days
        if days is None:
            return Step(GROUP, Status.OK, "created; its events are kept for ever")
        error = await _tried(self._logs.set_retention(), RETENTION)
        if error is None:
            return Step(GROUP, Status.OK, f"created; its events are kept for {days} days")
        unset = failed(GROUP, error)
        text = f"created, and its events are kept for ever: {unset.detail}"
        return replace(unset, status=Status.WARNING, detail=text)

    def _missing(self, error: DeliveryError) -> Step:
        group = self._settings.log_group_name
        if "group" in error.message:
            command = f"aws logs create-log-group --log-group-name '{group}'"
        else:
            names = f"--log-group-name '{group}' --log-stream-name '{self._stream}'"
            command = f"aws logs create-log-stream {names}"
        advice = f"Create it ({command}), or check without --no-create."
        return Step(PUT, Status.FAILED, detail(error), advice, error.code)

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
            "startTime": self._put_at,
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


async def _tried(call: Awaitable[None], action: str) -> DeliveryError | None:
    try:
        with anyio.fail_after(DEADLINE_SECONDS):
            await call
    except DeliveryError as error:
        return error
    except TimeoutError as exc:
        return translated(exc, action, "", DEADLINE_SECONDS)
    return None


def _created(name: str) -> Step:
    return Step(name, Status.OK, "created")


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
