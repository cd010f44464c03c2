"""All steps in their order, and what follows from one for the next."""

from __future__ import annotations

import asyncio
import os
import uuid
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

from aiowatchtower._aws.client import AwsLogsClient
from aiowatchtower._aws.errors import translated
from aiowatchtower._aws.new_client import endpoint_url
from aiowatchtower._aws.session import new_session
from aiowatchtower._config.settings import Settings
from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.presentable import presentable
from aiowatchtower._intake.handler import ENABLED_VARIABLE, CloudWatchLogHandler

from ._aws import DEADLINE_SECONDS, Client, Keys, Session, config
from ._caller import find_credentials, find_region, identify
from ._clock import Clock
from ._delivery import ACTIONS, Delivery
from ._diagnosis import failed
from ._endpoint import reach
from ._report import Report, Status, Step, skipped
from ._watched import RETENTION

_BEFORE: Final = ("credentials", "region", "endpoint", "identity")
_NAMES: Final = (*_BEFORE, *ACTIONS, "clock")


async def examine(settings: Settings, stream: str) -> Report:
    """Find out whether records would arrive."""
    return await _Examination(settings, stream).run()


class _Examination:
    def __init__(self, settings: Settings, stream: str) -> None:
        self._settings = settings
        self._stream = stream
        self._steps: dict[str, Step] = {}
        self._keys: Keys | None = None
        self._clock = Clock()

    async def run(self) -> Report:
        async with AsyncExitStack() as stack:
            await self._look(stack)
        named = [name for name in _NAMES if name != RETENTION or name in self._steps]
        steps = [self._steps.get(name) or skipped(name, self._why()) for name in named]
        if not CloudWatchLogHandler(self._settings.log_group_name).enabled:
            steps.insert(0, _SWITCHED_OFF)
        shown = tuple(map(self._without_secrets, steps))
        return Report(self._settings.log_group_name, self._stream, shown)

    async def _look(self, stack: AsyncExitStack) -> None:
        try:
            session: Session = new_session(self._settings.profile_name, self._settings.region_name)
            self._add(find_region(session, self._settings))
        except Exception as exc:  # noqa: BLE001 - whatever is raised is what is reported
            error = translated(exc, "credentials", "", DEADLINE_SECONDS)
            unavailable = DeliveryError("credentials", "CredentialsUnavailable", error.message)
            self._add(failed("credentials", unavailable))
            return
        found = await find_credentials(session)
        self._add(found.step)
        self._keys = found.keys
        if self._failed("region"):
            return
        logs = await self._client(session, stack)
        if logs is None:
            return
        region = str(self._steps["region"].facts["region"])
        self._add(await reach(session, self._settings, logs.meta.endpoint_url, region))
        if not self._failed("credentials") and not self._failed("endpoint"):
            await self._call(session, logs, stack)

    def _add(self, step: Step) -> None:
        self._steps[step.name] = step

    def _failed(self, name: str) -> bool:
        return self._steps[name].status is Status.FAILED

    async def _client(self, session: Session, stack: AsyncExitStack) -> Client | None:
        """Make the client; what can go wrong with that is the region's or the endpoint's name."""
        region, settings = self._settings.region_name, self._settings
        try:
            made = session.create_client(
                "logs",
                region_name=region,
                endpoint_url=endpoint_url(settings, session),
                config=config(),
                **({} if self._keys else _NO_KEYS),
            )
            client = await stack.enter_async_context(made)
        except Exception as exc:  # noqa: BLE001 - whatever is raised is what is reported
            name = "region" if "region" in type(exc).__name__.lower() else "endpoint"
            advice = f"Check the {name}'s name and spelling."
            self._add(Step(name, Status.FAILED, str(exc), advice, type(exc).__name__))
            return None
        client.meta.events.register("after-call.cloudwatch-logs", self._clock.note)
        return client

    async def _call(self, session: Session, client: Client, stack: AsyncExitStack) -> None:
        settings = replace(
            self._settings, client=client, region_name=None, profile_name=None, endpoint_url=None
        )
        logs = AwsLogsClient(settings)
        stack.push_async_callback(logs.aclose)
        text = f"aiowatchtower check {uuid.uuid4().hex[:12]}"
        delivery = Delivery(client, logs, settings, self._stream, text)
        asked = self._settings
        sts = session.create_client(
            "sts",
            region_name=asked.region_name,
            endpoint_url=asked.endpoint_url,
            config=config(),
        )
        identity, steps = await asyncio.gather(identify(sts, self._clock), delivery.run())
        for step in (identity, *steps):
            self._add(step)
        said = " ".join(step.detail for step in steps)
        delivers = Report("", "", tuple(steps)).delivers
        self._add(self._clock.step(said, delivers=delivers))

    def _why(self) -> str:
        """Say why the steps that are missing were not tried."""
        broken = [step.name for step in self._steps.values() if step.status is Status.FAILED]
        return f"not tried: {' and '.join(sorted(broken))} failed"

    def _without_secrets(self, step: Step) -> Step:
        detail = self._keys.hidden_in(step.detail) if self._keys else step.detail
        return replace(step, detail=presentable(detail))


# For a client that only tells its endpoint: it would look for credentials again, and fail again.
_NO_KEYS: Final = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
_SWITCHED_OFF: Final = Step(
    "enabled",
    Status.WARNING,
    f"{ENABLED_VARIABLE}={os.environ.get(ENABLED_VARIABLE)} switches delivery off",
    f"Unset {ENABLED_VARIABLE}: with it an application delivers nothing.",
)
