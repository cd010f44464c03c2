"""What a test can ask of a stand-in for CloudWatch Logs, and change behind the application's back.

`CloudWatchLogs` answers in this process, `CloudWatchServer` asks another one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Unpack

    from ._settings import Options
    from ._types import Event, Group, Request

# The control port of the served service passes these on to `CloudWatchLogs` as they are.
ORDERS: Final = ("events", "groups", "requests", "configure", "delete_group", "delete_stream")


class StandIn(ABC):
    """A CloudWatch Logs for tests."""

    @property
    @abstractmethod
    def accepted(self) -> int:
        """How many events were ever accepted, also into streams that are deleted now."""

    @property
    @abstractmethod
    def groups(self) -> dict[str, Group]:
        """The groups by name. Of groups of one name in several regions, the one created last."""

    @property
    @abstractmethod
    def requests(self) -> list[Request]:
        """All requests in the order in which they were answered or dropped."""

    @abstractmethod
    def events(
        self, group: str, stream: str | None = None, *, region: str | None = None
    ) -> list[Event]:
        """Return a group's accepted events in time order, over all streams or of one.

        Without `region`, over all regions. A group that does not exist has none.
        """

    @abstractmethod
    def configure(self, **options: Unpack[Options]) -> None:
        """Change settings from the next request on; the keyword arguments are those of `ServiceSettings`."""

    @abstractmethod
    def delete_group(self, group: str, *, region: str | None = None) -> None:
        """Delete a group behind the application's back, protected or not; in all regions without `region`."""

    @abstractmethod
    def delete_stream(self, group: str, stream: str, *, region: str | None = None) -> None:
        """Delete a stream behind the application's back; in all regions without `region`."""

    @abstractmethod
    def reset(self) -> None:
        """Be as new: without groups, events, requests and faults, with the first settings."""

    def calls(self, action: str) -> list[Request]:
        """Return the requests for one action, such as "PutLogEvents"."""
        return [request for request in self.requests if request.action == action]

    def streams(self, group: str) -> list[str]:
        """Return the names of a group's streams in order of creation; none for an unknown group."""
        found = self.groups.get(group)
        return [] if found is None else found.streams

    def messages(
        self, group: str, stream: str | None = None, *, region: str | None = None
    ) -> list[str]:
        """Return the messages of `events`.

        Raises `LookupError`, which says which groups exist, for a group that does not: nothing can have arrived
        under a mistyped name.
        """
        existing = self.groups
        if group not in existing:
            raise LookupError(missing_group(group, existing))
        return [event.message for event in self.events(group, stream, region=region)]


def missing_group(group: str, existing: Iterable[str]) -> str:
    """Return the sentence about a log group that does not exist, and those that do."""
    return f"no log group {group!r}; {listed(existing)}"


def listed(names: Iterable[str]) -> str:
    """Return "there is none" or "there are" with the names."""
    found = ", ".join(map(repr, names))
    return f"there are {found}" if found else "there is none"
