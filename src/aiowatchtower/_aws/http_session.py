"""aiobotocore's HTTP session, which here follows no redirect and reads no answer without end.

aiobotocore calls aiohttp without ``allow_redirects=False``. A 307 would send records and session
token to another host, also from https to http; a 302 would turn a put into a GET, and whatever
JSON comes back would count as an acceptance. CloudWatch Logs never redirects.
"""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Final

from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiohttp import ClientSession, TraceConfig

from aiowatchtower._diagnostics.self_feeding import is_shipping

from .exchange import EXCHANGE

# The largest answer to PutLogEvents has some 500 bytes; one that lists streams has some 20 KB.
_MAX_ANSWER_BYTES: Final = 2**20


class AnswerTooLargeError(Exception):
    """An answer is larger than any that CloudWatch Logs sends."""

    def __init__(self) -> None:
        super().__init__(f"the answer has more than {_MAX_ANSWER_BYTES} bytes")


class _Answer:
    """An aiohttp response whose body is bounded, for what aiobotocore does with one."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self._body: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    async def read(self) -> bytes:
        """Return the whole body, or raise without having kept more than the bound."""
        if self._body is None:
            parts, size_bytes = [], 0
            async for part in self._response.content.iter_any():
                size_bytes += len(part)
                if size_bytes > _MAX_ANSWER_BYTES:
                    self._response.close()
                    raise AnswerTooLargeError
                parts.append(part)
            self._response.release()
            self._body = b"".join(parts)
        return self._body


async def _headers_are_sent(*_: object) -> None:
    exchange = EXCHANGE.get()
    if exchange is not None:
        exchange.departure.may_have_left = True


_TRACING: Final = TraceConfig()
_TRACING.on_request_headers_sent.append(_headers_are_sent)
_TRACING.freeze()


class _OneHost:
    """The one method of ``aiohttp.ClientSession`` that aiobotocore calls."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session
        if _TRACING not in session.trace_configs:
            session.trace_configs.append(_TRACING)

    async def request(self, method: str, **arguments: Any) -> _Answer:
        """Send a request to the host that it names, and to no other."""
        arguments["allow_redirects"] = False
        exchange = EXCHANGE.get()
        if exchange is not None:
            # Names are looked up and connections made first: aiohttp says when that is over.
            exchange.departure.may_have_left = False
        return _Answer(await self._session.request(method, **arguments))


@cache
def _restrained(session_class: type[AIOHTTPSession]) -> type[AIOHTTPSession]:
    """Return a subclass whose requests follow no redirect, and whose answers are bounded."""

    class OneHostSession(session_class):  # type: ignore[misc]  # aiobotocore comes without types
        # The only way in: aiobotocore has no option for redirects. The name is the same in all
        # releases that we allow (2.21 to 3.10), which a test with each of them shows.
        async def _get_session(self, proxy_url: str | None) -> _OneHost:
            return _OneHost(await super()._get_session(proxy_url))

    return OneHostSession


# Whose requests of ours follow no redirect any more. Weak: they belong to the application.
_restrained_sessions: Final[weakref.WeakSet[Any]] = weakref.WeakSet()


def restrain(client: Any) -> None:
    """Have our calls through a client of the application follow no redirect; its own calls stay as they are.

    There is no option for that, neither of a call nor of a client. With an HTTP client other than aiohttp
    only the history of an answer tells of a redirect.
    """
    http_session: Any = getattr(getattr(client, "_endpoint", None), "http_session", None)
    if not isinstance(http_session, AIOHTTPSession) or http_session in _restrained_sessions:
        return
    given: Callable[[str | None], Awaitable[ClientSession]] = http_session._get_session  # noqa: SLF001

    async def get_session(proxy_url: str | None) -> ClientSession | _OneHost:
        found = await given(proxy_url)
        return _OneHost(found) if is_shipping() else found

    http_session._get_session = get_session  # noqa: SLF001 - aiobotocore offers no other way in
    _restrained_sessions.add(http_session)


def with_one_host(
    config: AioConfig, given: AioConfig | None = None, resolver: object = None
) -> AioConfig:
    """Return the configuration with a session that sends to no other host, and with the resolver.

    ``given`` is the application's own configuration. If it has chosen another HTTP client, that is
    left as it is: httpx follows no redirects, and takes no resolver.
    """
    chosen = getattr(given, "http_session_cls", AIOHTTPSession)
    if not (isinstance(chosen, type) and issubclass(chosen, AIOHTTPSession)):
        return config
    connector = {"resolver": resolver} if resolver is not None else {}
    connector |= getattr(given, "connector_args", None) or {}
    wanted = AioConfig(http_session_cls=_restrained(chosen), connector_args=connector or None)
    # Older releases keep what the first says of the connector, newer ones what the second does.
    merged = wanted.merge(config).merge(wanted)
    # And older ones forget the session class. (They do so again if the session of the application
    # has a configuration of its own; then only the answer's history tells of a redirect.)
    merged.http_session_cls = wanted.http_session_cls
    return merged
