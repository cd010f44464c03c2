"""This machine's clock against that of whoever answers."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_tz
from typing import Final, Protocol

from aiowatchtower._core.errors import DeliveryError

from ._diagnosis import failed
from ._report import Status, Step, skipped

# https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
_ACCEPTED_SECONDS: Final = 300
_SUSPICIOUS_SECONDS: Final = 60
# Signature expired: 20261122T000000Z is now earlier than 20261122T000501Z (20261122T001001Z - 5 min.)
_SAID: Final = re.compile(r"\((\d{8}T\d{6}Z) [-+] 5 min")


class Response(Protocol):
    """An HTTP answer, as botocore's ``after-call`` event has it."""

    headers: Mapping[str, str]


class Clock:
    """Keeps the smallest difference seen: the others contain the way here too."""

    def __init__(self) -> None:
        self._skew: float | None = None

    def note(self, http_response: Response, **_: object) -> None:
        """Read the date of an answer; for botocore's ``after-call`` event."""
        parsed = parsedate_tz(http_response.headers.get("Date", ""))
        if parsed is not None:
            self._keep(calendar.timegm(parsed[:6]) - (parsed[9] or 0))

    def _keep(self, theirs: float) -> None:
        skew = round(theirs - time.time(), 1)
        if self._skew is None or abs(skew) < abs(self._skew):
            self._skew = skew

    def step(self, error_text: str, *, delivers: bool) -> Step:
        """Return what there is to say, with what a failed call said about the time."""
        said = _SAID.search(error_text)
        if self._skew is None and said:
            self._keep(calendar.timegm(time.strptime(said.group(1), "%Y%m%dT%H%M%SZ")))
        if self._skew is None:
            return skipped("clock", "no answer has said what time it is")
        facts = {"skew_seconds": self._skew}
        if abs(self._skew) < _SUSPICIOUS_SECONDS:
            text = f"the same as the endpoint's, within {abs(self._skew) + 1:.0f} s"
            return Step("clock", Status.OK, text, facts=facts)
        direction = "behind" if self._skew > 0 else "ahead of"
        text = f"this machine is {abs(self._skew):.0f} s {direction} the endpoint"
        advice = failed("clock", DeliveryError("clock", "ClockSkew", "too skewed")).advice
        wrong = abs(self._skew) >= _ACCEPTED_SECONDS and not delivers
        if not wrong:
            advice = "Synchronise this machine's clock (NTP, chrony): AWS accepts 300 s at most."
        status = Status.FAILED if wrong else Status.WARNING
        return Step("clock", status, text, advice, "ClockSkew", facts=facts)
