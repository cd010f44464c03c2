"""Takes one request through the service: the fault that hits it, the delays, and what goes back.

The client in memory and the socket share this. Each says how a body is read, and carries out what `conclude`
returns: bytes to send, or a way to break off.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, get_args

from . import _sts
from ._types import Refusal, Reply, Wire

if TYPE_CHECKING:
    from ._faults import Effect, Fault

Break = Literal["reset_before_reading", "never_read", "hang", "cut", "not_http"]

_BREAKS: tuple[str, ...] = get_args(Break)
_HTML = b"<html><head><title>%s</title></head><body><h1>%s</h1></body></html>"


class RawReply(NamedTuple):
    """An HTTP answer as it is sent."""

    status: int
    body: bytes
    content_type: str = "application/x-amz-json-1.1"


GARBAGE: dict[str, RawReply] = {
    "html_200": RawReply(200, _HTML % (b"Sign in", b"Welcome to our network"), "text/html"),
    "html_502": RawReply(502, _HTML % (b"502 Bad Gateway", b"502 Bad Gateway"), "text/html"),
    "empty_200": RawReply(200, b""),
    "truncated_200": RawReply(200, b'{"nextSequenceToken": "0000'),
    "empty_413": RawReply(413, b""),
}


class Incoming(Protocol):
    """A request that has come in by one of the transports, its body not read yet."""

    @property
    def action(self) -> str:
        """The operation that it asks for."""

    @property
    def wire(self) -> Wire:
        """How it came in."""

    async def read(self) -> bytes:
        """Return the body."""

    def verify(self, body: bytes) -> None:
        """Raise `Refusal` unless the body carries a right signature."""


class Service(Protocol):
    """What a request needs of `CloudWatchLogs`."""

    def pick_early(self, action: str) -> Fault | None:
        """Return the fault that hits a request before its body is read."""

    def exchange(
        self, action: str, body: bytes, wire: Wire, early: Fault | None = None
    ) -> tuple[Reply, Fault | None]:
        """Answer one request, and tell which fault has hit it."""

    def remember(
        self,
        action: str,
        members: dict[str, object],
        reply: Reply,
        fault: Fault | None,
        wire: Wire,
        size: int,
    ) -> None:
        """Add a request to those that a test can look at."""

    @property
    def latency(self) -> float:
        """Seconds between reading a request and answering it."""


class Handled(NamedTuple):
    """A request that the service has seen, before anything goes back."""

    reply: Reply
    fault: Fault | None = None


async def take(service: Service, request: Incoming) -> Handled:
    """Read one request unless a fault forbids it, let the service answer and remember it."""
    early = service.pick_early(request.action)
    if early is not None:
        await asyncio.sleep(early.delay_reading)
        if early.effect in ("reset_before_reading", "never_read"):
            service.remember(request.action, {}, Reply(0, {}), early, request.wire, 0)
            return Handled(Reply(0, {}), early)
    body = await request.read()
    if service.latency:
        await asyncio.sleep(service.latency)
    try:
        request.verify(body)
    except Refusal as refusal:
        reply = refusal.reply()
        service.remember(request.action, {}, reply, None, request.wire, len(body))
        return Handled(reply)
    return Handled(*service.exchange(request.action, body, request.wire, early))


async def conclude(handled: Handled, request: Incoming) -> RawReply | Break:
    """Wait as long as the fault says, and return what to send or how to break off."""
    effect: Effect = "none"
    if handled.fault is not None:
        effect = handled.fault.effect
        await asyncio.sleep(handled.fault.delay_answer)
    if effect in GARBAGE:
        return GARBAGE[effect]
    if effect in _BREAKS:
        return effect  # type: ignore[return-value]  # as the line above says
    reply = handled.reply
    if request.wire.protocol == "query":
        return RawReply(reply.status, _sts.encode(request.action, reply), _sts.CONTENT_TYPE)
    return RawReply(reply.status, reply.encode())
