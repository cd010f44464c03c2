"""``strict=True``: prove before anything is logged that events can be delivered."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from aiowatchtower._core.advice import explained
from aiowatchtower._core.backoff import Backoff
from aiowatchtower._core.errors import SetupError
from aiowatchtower._core.events import own_event
from aiowatchtower._core.limits import TOO_OLD_MS
from aiowatchtower._core.logs_client import LogsClient
from aiowatchtower._core.policy import Attempt, Decision, NextStep, Verdict, judge

from .provisioner import Provisioner
from .try_once import try_once

_PATIENCE_SECONDS: Final = 10.0


async def prove_delivery(
    client: LogsClient,
    provisioner: Provisioner,
    backoff: Backoff,
    stream: str,
    clock: Callable[[], float],
) -> None:
    """Put one event that AWS takes the request of and rejects as too old; raise SetupError.

    So everything is tried that delivery needs, and nothing is left in the stream.
    """
    text = "aiowatchtower: can events be delivered?"
    at = int(time.time() * 1000) - 2 * TOO_OLD_MS
    event = own_event(stream, at, text)
    ends_at = clock() + _PATIENCE_SECONDS

    async def put() -> None:
        # What entering does in the background otherwise: it fails in the same words.
        await client.prepare()
        await client.put(stream, [event], max(1.0, ends_at - clock()))

    def pause(failures: int) -> float | None:
        rest = ends_at - clock()
        return min(backoff.pause(failures), rest) if rest > 0 else None

    decision = await try_while_it_may_pass(put, provisioner, stream, pause)
    if decision is not None:
        raise SetupError(explained(decision.error)) from decision.error


async def try_while_it_may_pass(
    put: Callable[[], Awaitable[object]],
    provisioner: Provisioner,
    stream: str,
    pause: Callable[[int], float | None],
) -> Decision | None:
    """Put until AWS accepts, and return None; or return the failure that another try would not mend.

    ``pause`` says how long to wait after so many failures in a row, and None when it is enough.
    """
    attempt = Attempt()
    while (decision := await try_once(put, provisioner, stream, attempt)) is not None:
        attempt = decision.attempt
        if not _may_pass(decision):
            return decision
        if decision.pause > 0:
            seconds = pause(decision.pause)
            if seconds is None:
                return decision
            await anyio.sleep(seconds)
    return None


def _may_pass(decision: Decision) -> bool:
    """Whether it is worth another try: the stream was created, or the failure passes by itself."""
    verdict = judge(decision.error)
    was_created = verdict is Verdict.PROVISION and decision.error.action == "PutLogEvents"
    return decision.step is NextStep.PUT and (was_created or verdict is Verdict.RETRY)
