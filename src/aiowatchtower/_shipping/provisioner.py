"""Creating what is missing: the stream, then the group, with as few calls as possible."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import Final

import anyio

from aiowatchtower._config.settings import Settings
from aiowatchtower._core.advice import explained
from aiowatchtower._core.backoff import Backoff
from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.limits import CREATE_STREAM_PER_SECOND, CREATIONS_AT_ONCE
from aiowatchtower._core.logs_client import LogsClient
from aiowatchtower._core.pace import Pace
from aiowatchtower._core.policy import Verdict, is_throttled, judge
from aiowatchtower._diagnostics.rate_limit import Diagnostics

from .time_budget import TimeBudget, unanswered

_RETENTION_TRIES: Final = 5
_RETENTION_FIRST_SECONDS: Final = 1.0
# What CreateLogGroup answers when the tags may be the reason.
_OPTION_REFUSED: Final = frozenset({"AccessDeniedException", "InvalidParameterException"})


class Retention(Enum):
    """How far the retention of a group that was created here has come."""

    SETTLED = "there is none to set"
    UNCERTAIN = "the answer to the creation was lost: once the group is there, it is due"
    DUE = "it is to be set, beside the records"
    BEING_SET = "a task is setting it"


class Provisioner:
    """Creates the group and its streams when PutLogEvents has found them missing."""

    def __init__(
        self,
        settings: Settings,
        client: LogsClient,
        diagnostics: Diagnostics,
        backoff: Backoff,
        budget: TimeBudget,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._client = client
        self._diagnostics = diagnostics
        self._backoff = backoff
        self._budget = budget
        self._clock = clock
        self._group_lock = anyio.Lock()
        self._slots = anyio.CapacityLimiter(CREATIONS_AT_ONCE)
        self._groups_created = 0
        self._turns = anyio.Lock()
        self._pace = Pace(1 / CREATE_STREAM_PER_SECOND)
        self._retention = Retention.SETTLED

    async def provide(self, stream: str) -> None:
        """Create the stream, and the group where that is missing too. Raises DeliveryError."""
        if not self._settings.create_log_stream:
            raise self._missing("create_log_stream", stream)
        seen = self._groups_created
        await self._take_turn(stream)
        try:
            await self._create_stream(stream)
        except DeliveryError as exc:
            if judge(exc) is not Verdict.PROVISION:
                raise
            if not self._settings.create_log_group:
                raise self._missing("create_log_group", stream) from exc
        else:
            if self._retention is Retention.UNCERTAIN:
                self._retention = Retention.DUE
            return
        async with self._group_lock:
            # Another stream's lane may have created it while this one waited.
            if seen == self._groups_created:
                await self._create_group()
                self._groups_created += 1
        await self._take_turn(stream)
        await self._create_stream(stream)

    async def _create_stream(self, stream: str) -> None:
        resource = f"{self._settings.log_group_name}:{stream}"
        # Creations that hang must leave connections to those who put.
        async with self._slots:
            asked_at = self._clock()
            try:
                with self._budget.limited_try("CreateLogStream", resource, self._client.endpoint):
                    await self._client.create_stream(stream)
            except DeliveryError as exc:
                if is_throttled(exc):
                    self._pace.throttled(asked_at, self._clock())
                raise
            self._pace.accepted()

    def _missing(self, switch: str, stream: str) -> DeliveryError:
        group = self._settings.log_group_name
        return DeliveryError(
            "PutLogEvents",
            "NotProvisioned",
            f"the log group or stream does not exist, and {switch}=False forbids to create it",
            resource=f"{group}:{stream}",
        )

    async def _take_turn(self, stream: str) -> None:
        """Keep the rate of CreateLogStream under the account's quota, and under what is left of it."""
        async with self._turns:
            while rest := self._pace.rest(stream, self._clock()):
                if self._budget.is_leaving:
                    # There is no time to be lost: keep no other distance than that of the quota.
                    await anyio.sleep(min(rest, 1 / CREATE_STREAM_PER_SECOND))
                    break
                await self._budget.pause(rest)
            self._pace.sent(stream, self._clock())

    async def _create_group(self) -> None:
        """Create the group; without its tags rather than not at all, but never without its KMS key."""
        refusal: DeliveryError | None = None
        for tags in (True, False) if self._settings.log_group_tags else (False,):
            try:
                with self._budget.limited_try(
                    "CreateLogGroup", self._settings.log_group_name, self._client.endpoint
                ):
                    await self._client.create_group(tags=tags)
            except DeliveryError as exc:
                if exc.maybe_accepted and self._settings.log_group_retention_days is not None:
                    self._retention = Retention.UNCERTAIN
                if exc.code not in _OPTION_REFUSED or not tags:
                    raise
                refusal = exc
            else:
                if refusal is not None:
                    self._warn_of_tags(refusal)
                break
        if self._settings.log_group_retention_days is not None:
            await self._set_retention_first()

    async def _set_retention_first(self) -> None:
        """Set it before the first events come, if that is quickly done; else it is done beside them."""
        is_set = False
        try:
            with suppress(DeliveryError), anyio.move_on_after(_RETENTION_FIRST_SECONDS):
                await self._client.set_retention()
                is_set = True
        finally:
            self._retention = Retention.SETTLED if is_set else Retention.DUE

    def _warn_of_tags(self, refusal: DeliveryError) -> None:
        self._diagnostics.warn(
            "group_options",
            f"the log group {self._settings.log_group_name} was created without its tags, because "
            f"AWS refused: {explained(refusal)}",
        )

    @property
    def owes_retention(self) -> bool:
        """Whether a retention is still to be set, which no record waits for."""
        return self._retention in {Retention.DUE, Retention.BEING_SET}

    def claim_retention(self) -> bool:
        """Return whether the caller is to call ``set_retention`` now: it is due, and nobody does it."""
        is_due = self._retention is Retention.DUE
        if is_due:
            self._retention = Retention.BEING_SET
        return is_due

    def unclaim_retention(self) -> None:
        """Say that no task is setting it any more: it is due again, unless it was set."""
        if self._retention is Retention.BEING_SET:
            self._retention = Retention.DUE

    async def set_retention(self) -> None:
        """Set the created group's retention, with a few tries; logs flow meanwhile, and without it."""
        group = self._settings.log_group_name
        try:
            for tries in range(1, _RETENTION_TRIES + 1):
                try:
                    with self._budget.limited_try(
                        "PutRetentionPolicy", group, self._client.endpoint
                    ):
                        await self._client.set_retention()
                except DeliveryError as exc:
                    passing = judge(exc) in {Verdict.RETRY, Verdict.PROVISION}
                    if passing and tries < _RETENTION_TRIES:
                        await self._budget.pause(self._backoff.pause(tries))
                        continue
                    self._warn_of_retention(exc)
                break
            self._retention = Retention.SETTLED
        except anyio.get_cancelled_exc_class():
            if self._budget.is_leaving:
                self._warn_of_retention(
                    unanswered("PutRetentionPolicy", group, self._client.endpoint)
                )
            raise
        finally:
            self.unclaim_retention()

    def _warn_of_retention(self, error: DeliveryError) -> None:
        self._diagnostics.warn(
            "retention",
            f"the log group {self._settings.log_group_name} keeps its events for ever: "
            + explained(error),
        )
