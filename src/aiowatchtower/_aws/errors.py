"""From botocore's exceptions to one kind of error, with names that say what happened."""

from __future__ import annotations

import asyncio
import re
from typing import Final

import aiohttp
from botocore import exceptions as botocore_errors

from aiowatchtower._core.errors import DeliveryError

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
    (botocore_errors.ProxyConnectionError, "EndpointUnreachable", False),
    (botocore_errors.ReadTimeoutError, "Timeout", True),
    (botocore_errors.ConnectionClosedError, "ConnectionLost", True),
    *((kind, "Timeout", True) for kind in _TIMEOUTS),
    (botocore_errors.HTTPClientError, "GarbledAnswer", True),
)
_SERVER_ERROR: Final = 500


def translated(exc: Exception, action: str, resource: str, deadline: float) -> DeliveryError:
    """Return the DeliveryError for whatever a call raised."""
    if isinstance(exc, botocore_errors.ClientError):
        return _answered(exc, action, resource)
    code, maybe_accepted = _classified(exc)
    message = str(exc) or type(exc).__name__
    if code == "ClientClosed":
        message = "the aiobotocore client that was passed as client= is closed"
    if isinstance(exc, _TIMEOUTS):
        message = f"no answer within {deadline:.3g} s"
    return DeliveryError(action, code, message, resource=resource, maybe_accepted=maybe_accepted)


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
    return type(exc).__name__, True


def _answered(exc: botocore_errors.ClientError, action: str, resource: str) -> DeliveryError:
    error = exc.response.get("Error", {})
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    # Without a body botocore puts the status where the code belongs.
    code = str(error.get("Code") or status)
    # AWS writes some codes with a namespace: com.amazon.coral.service#SerializationException
    code = code.rpartition("#")[2]
    message = str(error.get("Message") or "").strip() or f"HTTP {status} without a message"
    return DeliveryError(
        action,
        code,
        message[:1000],
        status=status,
        resource=resource,
        # A gateway's own page: what is behind it may have taken the events before it gave up.
        maybe_accepted=status >= _SERVER_ERROR and code == str(status),
    )
