"""Put, and create what is missing: the one try that delivery, ``strict=True`` and ``check`` repeat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.policy import Attempt, Decision, NextStep, after_creation, decide

from .provisioner import Provisioner


async def try_once(
    put: Callable[[], Awaitable[object]], provisioner: Provisioner, stream: str, attempt: Attempt
) -> Decision | None:
    """Put once, and create the stream if that is missing. Return what is to be done next, or None.

    None: AWS has accepted the events.
    """
    try:
        await put()
    except DeliveryError as exc:
        decision = decide(exc, attempt)
    else:
        return None
    if decision.step is not NextStep.CREATE:
        return decision
    try:
        await provisioner.provide(stream)
    except DeliveryError as exc:
        return after_creation(decision, exc)
    return after_creation(decision, None)
