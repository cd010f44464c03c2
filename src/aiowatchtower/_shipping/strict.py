"""``strict=True``: prove before anything is logged that events can be delivered."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import anyio

from aiowatchtower._core.advice import explained
from aiowatchtower._core.backoff import Backoff
from aiowatchtower._core.errors import DeliveryError, SetupError
from aiowatchtower._core.events import own_event
from aiowatchtower._core.limits import TOO_OLD_MS
from aiowatchtower._core.logs_client import LogsClient
from aiowatchtower._core.policy import Verdict, judge

from .provisioner import Provisioner

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
    tries = 0
    while True:
        try:
            # What entering does in the background otherwise: it fails in the same words.
            await client.prepare()
            await client.put(stream, [event], max(1.0, ends_at - clock()))
        except DeliveryError as exc:
            tries += 1
            try:
                await _overcome(exc, provisioner, stream)
            except DeliveryError as failure:
                if judge(failure) is not Verdict.RETRY or clock() >= ends_at:
                    raise SetupError(explained(failure)) from failure
            else:
                if clock() >= ends_at:
                    # Created again and again, and never found.
                    raise SetupError(explained(exc)) from exc
            await anyio.sleep(min(backoff.pause(tries), max(0.0, ends_at - clock())))
        else:
            return


async def _overcome(error: DeliveryError, provisioner: Provisioner, stream: str) -> None:
    if judge(error) is not Verdict.PROVISION:
        raise error
    await provisioner.provide(stream)
