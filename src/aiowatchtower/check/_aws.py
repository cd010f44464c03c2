"""aiobotocore as the check sees it: a session, its clients, and what they tell."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple, Protocol, cast

from aiobotocore.config import AioConfig

from aiowatchtower._aws.http_session import with_one_host

CONNECT_SECONDS: Final = 5
DEADLINE_SECONDS: Final = 10
# AWS's have 40 characters.
_REAL_SECRET_LENGTH: Final = 16


class Keys(NamedTuple):
    """Credentials that calls are signed with."""

    access_key: str
    secret_key: str
    token: str | None

    @property
    def shown(self) -> str:
        """Enough of the access key's id to tell it from others."""
        key = self.access_key
        return f"{key[:4]}...{key[-4:]}" if len(key) >= 16 else f"{key[:4]}..."  # noqa: PLR2004

    def hidden_in(self, text: str) -> str:
        """Return ``text`` without the keys, whoever has put them there."""
        for secret in filter(None, (self.secret_key, self.token)):
            if len(secret) >= _REAL_SECRET_LENGTH:
                text = text.replace(secret, "***")
            else:
                # Not inside a word: "test" as a secret, as emulators have it, must not mangle "latest".
                text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])", "***", text)
        return text.replace(self.access_key, self.shown)


class Frozen(Protocol):
    """botocore's keys."""

    access_key: str
    secret_key: str
    token: str | None


class Credentials(Protocol):
    """Where keys come from."""

    method: str

    async def get_frozen_credentials(self) -> Frozen:
        """Return the keys, renewed when they have to be."""


class Events(Protocol):
    """A client's hooks."""

    def register(self, event_name: str, handler: Callable[..., object]) -> None:
        """Call ``handler`` for each such event."""


class ClientMeta(Protocol):
    """What a client knows about itself."""

    endpoint_url: str
    events: Events


class Client(Protocol):
    """The calls that the check makes by itself."""

    meta: ClientMeta

    async def get_caller_identity(self) -> Mapping[str, object]:
        """Ask STS who signs."""

    async def get_log_events(self, **arguments: object) -> Mapping[str, object]:
        """Read one stream."""

    async def filter_log_events(self, **arguments: object) -> Mapping[str, object]:
        """Search a group."""


class Session(Protocol):
    """The parts of ``aiobotocore.session.AioSession`` that are used."""

    profile: str | None

    def get_config_variable(self, logical_name: str) -> object:
        """Return a setting from wherever botocore looks for it."""

    def create_client(
        self,
        service_name: str,
        *,
        region_name: str | None,
        endpoint_url: str | None,
        config: object,
        **keys: str,
    ) -> AbstractAsyncContextManager[Client]:
        """Return a client, made when it is entered."""

    def get_credentials(self) -> Awaitable[Credentials | None]:
        """Look for credentials where botocore does."""

    def get_available_partitions(self) -> list[str]:
        """Return the parts of AWS."""

    def get_available_regions(self, service_name: str, partition_name: str) -> Awaitable[list[str]]:
        """Return the regions that botocore knows."""


def config() -> object:
    """Return the configuration of a client that tries once, does not wait long, and follows no redirect."""
    return cast(
        "object",
        with_one_host(
            AioConfig(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=DEADLINE_SECONDS,
                retries={"total_max_attempts": 1},
            )
        ),
    )
