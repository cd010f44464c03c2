"""One aiobotocore client: its calls, and when it is closed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import AsyncExitStack, nullcontext
from typing import Any, Final, cast

from aiowatchtower._config.settings import Settings
from aiowatchtower._core.presentable import presentable

from .exchange import hook_into
from .http_session import restrain
from .new_client import frozen_credentials, given_client, made_client, session_for
from .threads import RoomForThreads


class Connection:
    """One aiobotocore client, closed when the last call on it is over."""

    def __init__(
        self,
        client: Any,
        stack: AsyncExitStack,
        settings: Settings,
        credentials: tuple[str, ...] | None,
        *,
        is_given: bool,
    ) -> None:
        self._client = client
        self._stack = stack
        self._settings = settings
        self._credentials = credentials
        self._is_given = is_given
        self._calls = 0
        self._is_used = False
        self.has_worked = False
        self.is_retired = False
        self.opened_at = time.monotonic()

    @classmethod
    async def open(cls, settings: Settings, threads: Executor | None = None) -> Connection:
        """Make the client, or take the application's, or that of a test."""
        async with AsyncExitStack() as stack:
            client = given_client(settings)
            credentials = None
            is_given = client is not None
            if is_given:
                restrain(client)
            else:
                client, credentials = await made_client(settings, stack, threads)
            hook_into(client)
            return cls(client, stack.pop_all(), settings, credentials, is_given=is_given)

    async def call(self, action: str, **arguments: object) -> dict[str, Any]:
        """Call one operation by its AWS name."""
        method = cast(
            "Callable[..., Awaitable[dict[str, Any]]]", getattr(self._client, _METHODS[action])
        )
        # aiobotocore reads the certificates on the first call, in a thread.
        room = nullcontext() if self._is_used else RoomForThreads()
        self._is_used = True
        self._calls += 1
        try:
            with room:
                answer = await method(**arguments)
            self.has_worked = True
            return answer
        finally:
            self._calls -= 1
            if self.is_retired and not self._calls:
                await self._close()

    @property
    def endpoint(self) -> str:
        """The address that calls go to, without what may be secret."""
        meta = getattr(self._client, "meta", None)
        return presentable(str(getattr(meta, "endpoint_url", "") or ""))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret key and the session token that the client was made with."""
        return (self._credentials or ())[1:]

    @property
    def has_credentials(self) -> bool:
        """Whether a call can be signed. A client of the application is assumed to have credentials."""
        return self._credentials is not None or self._is_given

    async def has_new_credentials(self) -> bool:
        """Return whether the credentials to be found now differ from those in use."""
        if self._is_given:
            return False
        found = await frozen_credentials(session_for(self._settings))
        return found is not None and found != self._credentials

    async def retire(self) -> None:
        """Close now, or when the last call under way is over. No new call may begin after this."""
        self.is_retired = True
        if not self._calls:
            await self._close()

    async def _close(self) -> None:
        """Close the client. A failure to do so must not hide the answer of the last call."""
        with contextlib.suppress(Exception):
            await self._stack.aclose()


_METHODS: Final = {
    "PutLogEvents": "put_log_events",
    "CreateLogStream": "create_log_stream",
    "CreateLogGroup": "create_log_group",
    "PutRetentionPolicy": "put_retention_policy",
}
