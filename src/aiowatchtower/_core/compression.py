"""Whether the next body goes out compressed. Pure.

CloudWatch Logs takes gzip. Some stand-ins for it do not, nor do proxies that unpack a body and still
forward ``Content-Encoding: gzip``: they answer with a server's error, or say that the body makes no sense.
Then each event would seem to be at fault. So until a first compressed body has been accepted, what
was refused compressed is also tried as it is.
"""

from __future__ import annotations

from typing import Final

from .errors import DeliveryError
from .policy import Verdict, is_known, is_throttled, judge, learned_event_limit

_SERVER_ERROR: Final = 500
_TOO_LARGE: Final = 413
# What servers answer that cannot read a body, apart from the codes of AWS.
_UNREADABLE: Final = frozenset({400, 415, 422})
# So does AWS call a body that was unpacked on the way: its signature is that of the compressed one.
_SIGNATURE: Final = frozenset({"InvalidSignatureException", "SignatureDoesNotMatch"})
# A server's error may pass by itself between a compressed try and a plain one. So many times in a row it
# does not.
_TURNS: Final = 3
# So many streams are remembered at most; those beyond have their tries compressed only.
_STREAMS: Final = 1_000


class Compression:
    """Chooses for each put, and learns from what becomes of it.

    The client tells it of each put that was accepted or has failed, and whether its body was compressed:
    small ones never are.
    """

    def __init__(self, *, is_wanted: bool) -> None:
        # None: no compressed body has been accepted yet, and gzip was not found to be the trouble.
        self._is_on: bool | None = None if is_wanted else False
        # The streams whose last put failed compressed: how many times in a row the plain one after it
        # has worked.
        self._turns: dict[str, int] = {}
        self._plain_next: set[str] = set()

    def is_next(self, stream: str) -> bool:
        """Return whether the next body for the stream is to be compressed."""
        if self._is_on is None:
            return stream not in self._plain_next
        return self._is_on

    def failed(self, stream: str, error: DeliveryError, *, is_compressed: bool) -> bool:
        """Take note of a put that failed. Return whether to put the same at once, uncompressed."""
        if self._is_on is not None:
            return False
        if not is_compressed:
            # Both ways have failed: that says nothing about gzip.
            self._plain_next.discard(stream)
            self._turns.pop(stream, None)
            return False
        if stream not in self._turns and len(self._turns) >= _STREAMS:
            return False
        if _is_about_the_body(error):
            self._plain_next.add(stream)
            self._turns[stream] = _TURNS - 1
            return True
        is_unsure = error.status >= _SERVER_ERROR and not is_throttled(error)
        if is_unsure or error.code in _SIGNATURE:
            self._plain_next.add(stream)
            self._turns.setdefault(stream, 0)
        return False

    def accepted(self, stream: str, *, is_compressed: bool) -> bool:
        """Take note of a put that was accepted. Return whether it shows that only plain bodies are."""
        if self._is_on is not None:
            return False
        if is_compressed:
            self._settle(is_on=True)
            return False
        if stream not in self._plain_next:
            return False
        self._plain_next.discard(stream)
        self._turns[stream] += 1
        if self._turns[stream] < _TURNS:
            return False
        self._settle(is_on=False)
        return True

    def _settle(self, *, is_on: bool) -> None:
        self._is_on = is_on
        self._turns, self._plain_next = {}, set()


def _is_about_the_body(error: DeliveryError) -> bool:
    """Whether the answer may be that of an endpoint which does not read gzip."""
    if error.status == _TOO_LARGE or learned_event_limit(error) is not None:
        return False
    if judge(error) is Verdict.ISOLATE:
        return True
    return error.status in _UNREADABLE and not is_known(error.code)
