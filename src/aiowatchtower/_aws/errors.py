"""From botocore's exceptions to one kind of error, with names that say what happened."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Collection
from traceback import walk_tb
from typing import Final

import aiohttp
from botocore import exceptions as botocore_errors

from aiowatchtower._core.errors import DeliveryError, from_endpoint
from aiowatchtower._core.presentable import presentable

from .acceptance import redirected

# Two classes until Python 3.11.
_TIMEOUTS: Final = (TimeoutError, asyncio.TimeoutError)
# aiobotocore drops its HTTP sessions when a client is closed, and stumbles over that at the next call;
# aiohttp says that the session is closed.
_CLOSED: Final = re.compile(r"'NoneType' object has no attribute 'get'|Session is closed")

# The first match wins. The third value: the request may have reached CloudWatch Logs.
_TABLE: Final[tuple[tuple[type[BaseException], str, bool], ...]] = (
    (botocore_errors.NoCredentialsError, "NoCredentials", False),
    (botocore_errors.PartialCredentialsError, "NoCredentials", False),
    (botocore_errors.NoRegionError, "NoRegion", False),
    (botocore_errors.ProfileNotFound, "CredentialsUnavailable", False),
    (botocore_errors.CredentialRetrievalError, "CredentialsUnavailable", False),
    (botocore_errors.MetadataRetrievalError, "CredentialsUnavailable", False),
    (botocore_errors.SSOError, "CredentialsUnavailable", False),
    (botocore_errors.TokenRetrievalError, "CredentialsUnavailable", False),
    (botocore_errors.SSLError, "UntrustedCertificate", False),
    (botocore_errors.ConnectTimeoutError, "EndpointUnreachable", False),
    (botocore_errors.ProxyConnectionError, "ProxyFailed", False),
    (botocore_errors.ReadTimeoutError, "Timeout", True),
    (botocore_errors.ConnectionClosedError, "ConnectionLost", True),
    *((kind, "Timeout", True) for kind in _TIMEOUTS),
)
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_SERVER_ERROR: Final = 500
# Enough for what a page says at its beginning.
_MAX_PAGE: Final = 20_000
_MAX_PAGE_TEXT: Final = 200
_TITLE: Final = re.compile(r"<title[^>]*>([^<]+)<", re.IGNORECASE)
_MARKUP: Final = re.compile(
    r"<!--.*?(?:-->|$)|<(style|script)\b.*?(?:</\1>|$)|<[^>]*>", re.IGNORECASE | re.DOTALL
)
_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_PARSERS: Final = {"aiobotocore.parsers", "botocore.parsers"}


def translated(
    exc: Exception,
    action: str,
    resource: str,
    deadline: float,
    secrets: Collection[str] = (),
    endpoint: str = "",
) -> DeliveryError:
    """Return the DeliveryError for whatever a call to ``endpoint`` raised.

    Its text may be printed: the credentials in use, ``secrets``, are masked like any that can be
    recognised, and what others have written is escaped and cut.
    """
    if isinstance(exc, botocore_errors.ClientError):
        return _answered(exc, action, resource, secrets)
    code, maybe_accepted = _classified(exc)
    message = str(exc) or type(exc).__name__
    if code == "ClientClosed":
        message = "the aiobotocore client that was passed as client= is closed"
    if code == "LoggingFailed":
        message = f"the application's logging raised {type(exc).__name__}: {message}"
    if code == "GarbledAnswer" and not isinstance(exc, botocore_errors.BotoCoreError):
        message = f"no answer of CloudWatch Logs: {message}"
    if isinstance(exc, (AttributeError, TypeError)) and _is_mocked_by_moto():
        code, maybe_accepted = "MockedByMoto", False
        message = "moto's mock_aws is active here, and it cannot answer aiobotocore's calls"
    if isinstance(exc, _TIMEOUTS):
        message = f"no answer{from_endpoint(endpoint)} within {deadline:.3g} s"
    if code == "ProxyFailed":
        message = _refused_by_proxy(exc)
    return DeliveryError(
        action,
        code,
        presentable(message, secrets),
        resource=resource,
        maybe_accepted=maybe_accepted,
    )


def _refused_by_proxy(exc: Exception) -> str:
    """Return the text of botocore, which names the proxy, and what the proxy has answered."""
    answer: object = getattr(exc, "kwargs", {}).get("error")
    status = getattr(answer, "status", 0)
    if not status:
        return f"{exc}: {answer}" if answer else str(exc)
    said = str(getattr(answer, "message", "")).strip()
    return f"{exc}: it answers {status} {said}".rstrip()


def fit_to_be_shown(exc: Exception, secrets: Collection[str] = ()) -> Exception | None:
    """Return the exception, as the cause of one of ours, or None if its text must not be printed.

    A traceback prints the causes of an exception too, and those that quote an answer hold all of it.
    """
    if isinstance(exc, botocore_errors.ClientError) or "error" in getattr(exc, "kwargs", {}):
        return None
    text = str(exc)
    return exc if presentable(text, secrets) == text else None


def _classified(exc: Exception) -> tuple[str, bool]:
    if isinstance(exc, botocore_errors.EndpointConnectionError):
        # Refused and unresolvable come as ClientConnectorError; a reset of a connection that
        # was open does not, and may have come after the events were taken.
        cause = exc.kwargs.get("error")
        if isinstance(cause, aiohttp.ClientConnectorError) or cause is None:
            return "EndpointUnreachable", False
        return "ConnectionLost", True
    if isinstance(exc, botocore_errors.HTTPClientError) and _CLOSED.search(str(exc)):
        return "ClientClosed", False
    for kind, code, maybe_accepted in _TABLE:
        if isinstance(exc, kind):
            return code, maybe_accepted
    return _unexpected(exc), True


def _unexpected(exc: Exception) -> str:
    """Return a name for what no table has, by where it was raised."""
    modules = _modules(exc)
    if "logging" in modules:
        return "LoggingFailed"
    if modules & _PARSERS or isinstance(exc, botocore_errors.HTTPClientError):
        return "GarbledAnswer"
    return type(exc).__name__


def _modules(exc: Exception) -> set[str]:
    """Return the names of the modules that an exception has come through.

    aiobotocore's HTTP session puts what it does not expect into an exception of its own.
    """
    raised: object = getattr(exc, "kwargs", {}).get("error") or exc
    traceback = raised.__traceback__ if isinstance(raised, BaseException) else None
    return {frame.f_globals.get("__name__", "") for frame, _ in walk_tb(traceback)}


def _is_mocked_by_moto() -> bool:
    """Return whether moto answers botocore's calls in this process, which aiobotocore trips over."""
    stubber = getattr(sys.modules.get("moto.core.models"), "botocore_stubber", None)
    return getattr(stubber, "enabled", False) is True


def _page(markup: str) -> str:
    """Return what a page of a proxy, a gateway or another server says, without its markup."""
    markup = markup[:_MAX_PAGE]
    title = _TITLE.search(markup)
    text = " ".join(_MARKUP.sub(" ", title[1] if title else markup).split())
    return f"a page instead of an answer: {text[:_MAX_PAGE_TEXT]!r}"


def _answered(
    exc: botocore_errors.ClientError, action: str, resource: str, secrets: Collection[str]
) -> DeliveryError:
    error = exc.response.get("Error", {})
    metadata = exc.response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode", 0)
    if status in _REDIRECTS:
        url = metadata.get("HTTPHeaders", {}).get("location", "")
        return redirected(action, resource, status, url, is_followed=False)
    # Without a body botocore puts the status where the code belongs.
    code = str(error.get("Code") or status)
    # AWS writes some codes with a namespace: com.amazon.coral.service#SerializationException
    code = code.rpartition("#")[2]
    message = str(error.get("Message") or "").strip() or f"HTTP {status} without a message"
    if message.startswith("<"):
        message = _page(message)
    if not _CODE.fullmatch(code) or presentable(code, secrets) != code:
        message = f"{presentable(code, secrets)[:80]}: {message}"
        code = "UnknownError"
    return DeliveryError(
        action,
        code,
        presentable(message, secrets),
        status=status,
        resource=resource,
        # A gateway's own page: what is behind it may have taken the events before it gave up.
        maybe_accepted=status >= _SERVER_ERROR and code == str(status),
    )
