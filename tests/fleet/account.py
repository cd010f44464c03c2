"""An AWS account as its quotas see it: pure, with the time as an argument.

What a worker is told follows the quotas of CloudWatch Logs, which the whole account shares in a region:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiowatchtower._core.errors import DeliveryError


@dataclass
class TokenBucket:
    """A quota: `rate` requests a second, and a second's worth of them at once, but at least one."""

    rate: float
    tokens: float = field(init=False)
    filled_at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = max(1.0, self.rate)

    def take(self, now: float, share: float = 1.0) -> bool:
        """Take one token, if there is one. `share` is what others leave of the rate."""
        rate = self.rate * share
        self.tokens = min(max(1.0, rate), self.tokens + (now - self.filled_at) * rate)
        self.filled_at = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


@dataclass(frozen=True)
class Spell:
    """A time with less than the usual quota, from `begins` until `ends`.

    `share` is what is left of PutLogEvents' rate: 0.1 where the account is throttled to a tenth, 0.2 where a
    neighbour takes four fifths of it, 0 where the whole region is away.
    """

    begins: float
    ends: float
    share: float


@dataclass(frozen=True)
class Terms:
    """What an account allows, and how its service behaves."""

    puts_per_second: float = 1_500.0
    streams_per_second: float = 50.0
    spells: Sequence[Spell] = ()
    # Whether the streams have been there since the last run.
    streams_exist: bool = False
    # How long a new stream stays unknown to PutLogEvents.
    settling_seconds: float = 0.5
    # Streams with a name that ends so are denied, to create and to write to, until that time.
    denied: str = ""
    denied_until: float = 0.0
    latency_seconds: float = 0.04


class Account:
    """Answers each request with success or an error code, and counts both."""

    def __init__(self, terms: Terms, seed: int) -> None:
        self.terms = terms
        self._random = random.Random(seed)
        self._puts = TokenBucket(terms.puts_per_second)
        self._creations = TokenBucket(terms.streams_per_second)
        self._known_from: dict[str, float] = {}
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.records = 0
        self.put_at: list[float] = []
        self.longest_wait = 0.0
        # By whole second: [accepted, refused], for the picture.
        self.seconds: dict[int, list[int]] = {}

    def share(self, now: float) -> float:
        """Return what is left of PutLogEvents' rate at that time."""
        for spell in self.terms.spells:
            if spell.begins <= now < spell.ends:
                return spell.share
        return 1.0

    def latency(self) -> float:
        """Draw how long the next answer takes: mostly the usual, sometimes ten times that."""
        return self._random.lognormvariate(0.0, 0.6) * self.terms.latency_seconds

    def create_stream(self, stream: str, now: float) -> None:
        """Create a stream, or raise what CreateLogStream would answer."""
        if self._is_denied(stream, now):
            raise self._refusal("CreateLogStream", "AccessDeniedException", now)
        if self.share(now) == 0:
            raise self._refusal("CreateLogStream", "ServiceUnavailableException", now)
        if not self._creations.take(now):
            raise self._refusal("CreateLogStream", "ThrottlingException", now)
        self._known_from.setdefault(stream, now + self.terms.settling_seconds)
        self._count(self.accepted, "CreateLogStream", now)

    def put(self, stream: str, times: Sequence[float], now: float) -> None:
        """Take events, made at these times, or raise what PutLogEvents would answer."""
        share = self.share(now)
        if share == 0:
            raise self._refusal("PutLogEvents", "ServiceUnavailableException", now)
        if not self._puts.take(now, share):
            raise self._refusal("PutLogEvents", "ThrottlingException", now)
        if self._is_denied(stream, now):
            raise self._refusal("PutLogEvents", "AccessDeniedException", now)
        unknown = float("-inf" if self.terms.streams_exist else "inf")
        if now < self._known_from.get(stream, unknown):
            # Every new stream begins with this: it is no refusal of the quota's.
            raise DeliveryError("PutLogEvents", "ResourceNotFoundException", "", status=400)
        self.records += len(times)
        self.longest_wait = max(self.longest_wait, now - min(times))
        self.put_at.append(now)
        self._count(self.accepted, "PutLogEvents", now)

    def _is_denied(self, stream: str, now: float) -> bool:
        return now < self.terms.denied_until and stream.endswith(self.terms.denied)

    def _count(self, book: Counter[str], action: str, now: float) -> None:
        book[action] += 1
        self.seconds.setdefault(int(now), [0, 0])[book is self.refused] += 1

    def _refusal(self, action: str, code: str, now: float) -> DeliveryError:
        self._count(self.refused, f"{action} {code}", now)
        return DeliveryError(action, code, "simulated", status=503 if code[0] == "S" else 400)
