"""CloudWatch Logs as the sender sees it: seven calls, one kind of error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from .events import Answer, LogEvent

# Of one call, whatever hangs: the network, the endpoint, a proxy. An endpoint that never answers is
# told of within 10 s of the first try.
TRY_SECONDS: Final = 9.0


class Departure:
    """Whether the request of one put may have left this process; the client sets it.

    As long as it has not, AWS cannot have the events, and another put makes no duplicates.
    """

    def __init__(self) -> None:
        self.may_have_left = False


class LogsClient(Protocol):
    """What the sender needs of CloudWatch Logs. Every method raises DeliveryError on failure."""

    @property
    def endpoint(self) -> str:
        """The address that calls go to, for messages; empty while there is no client."""

    async def prepare(self) -> None:
        """Get ready for the first call, and find out whether there are credentials."""

    async def put(
        self,
        stream: str,
        events: Sequence[LogEvent],
        deadline: float,
        departure: Departure | None = None,
    ) -> Answer:
        """Send events, within ``deadline`` seconds; say in ``departure`` when the request has left."""

    async def create_stream(self, stream: str) -> None:
        """Create a log stream; one that exists is success."""

    async def create_group(self, *, tags: bool) -> None:
        """Create the log group, with or without its tags; one that exists is success.

        There is no way to leave out its KMS key: a group is never less encrypted than was asked for.
        """

    async def set_retention(self) -> None:
        """Set the log group's retention."""

    async def renew(self) -> None:
        """Look for new credentials, and use them if there are any."""

    async def aclose(self) -> None:
        """Close the connections; the next call opens new ones."""
