"""From what a client raises to one kind of error."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from operator import attrgetter

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from botocore import exceptions

from aiowatchtower._aws.errors import translated
from aiowatchtower._core.policy import Verdict, judge

KEY = ConnectionKey("logs.example", 443, True, True, None, None, None)
REFUSED = aiohttp.ClientConnectorError(KEY, OSError(111, "Connect call failed"))
UNRESOLVED = aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-2, "Name or service not known"))
HERE = {"endpoint_url": "https://logs.example"}

# What was raised, its name of ours, whether AWS may have the events, what to do.
RAISED = [
    (exceptions.NoCredentialsError(), "NoCredentials", False, Verdict.REFRESH),
    (
        exceptions.PartialCredentialsError(provider="env", cred_var="x"),
        "NoCredentials",
        False,
        Verdict.REFRESH,
    ),
    (exceptions.NoRegionError(), "NoRegion", False, Verdict.REFRESH),
    (exceptions.ProfileNotFound(profile="p"), "CredentialsUnavailable", False, Verdict.REFRESH),
    (
        exceptions.CredentialRetrievalError(provider="sso", error_msg="x"),
        "CredentialsUnavailable",
        False,
        Verdict.REFRESH,
    ),
    (
        exceptions.MetadataRetrievalError(error_msg="x"),
        "CredentialsUnavailable",
        False,
        Verdict.REFRESH,
    ),
    (exceptions.UnauthorizedSSOTokenError(), "CredentialsUnavailable", False, Verdict.REFRESH),
    (
        exceptions.TokenRetrievalError(provider="sso", error_msg="x"),
        "CredentialsUnavailable",
        False,
        Verdict.REFRESH,
    ),
    (
        exceptions.SSLError(error=ssl.SSLError("self-signed"), **HERE),
        "UntrustedCertificate",
        False,
        Verdict.HOLD,
    ),
    (exceptions.EndpointConnectionError(**HERE), "EndpointUnreachable", False, Verdict.RETRY),
    (
        exceptions.EndpointConnectionError(error=REFUSED, **HERE),
        "EndpointUnreachable",
        False,
        Verdict.RETRY,
    ),
    (
        exceptions.EndpointConnectionError(error=UNRESOLVED, **HERE),
        "EndpointUnreachable",
        False,
        Verdict.RETRY,
    ),
    (
        exceptions.EndpointConnectionError(error=aiohttp.ClientOSError(104, "reset"), **HERE),
        "ConnectionLost",
        True,
        Verdict.RETRY,
    ),
    (exceptions.ConnectTimeoutError(**HERE), "EndpointUnreachable", False, Verdict.RETRY),
    (
        exceptions.ProxyConnectionError(proxy_url="http://proxy"),
        "ProxyFailed",
        False,
        Verdict.RETRY,
    ),
    (exceptions.ReadTimeoutError(**HERE), "Timeout", True, Verdict.RETRY),
    (exceptions.ConnectionClosedError(**HERE), "ConnectionLost", True, Verdict.RETRY),
    (TimeoutError(), "Timeout", True, Verdict.RETRY),
    (exceptions.HTTPClientError(error="x"), "GarbledAnswer", True, Verdict.RETRY),
    (RuntimeError("Session is closed"), "RuntimeError", True, Verdict.HOLD),
]


@pytest.mark.parametrize(
    ("raised", "code", "maybe_accepted", "verdict"),
    RAISED,
    ids=[f"{type(raised).__name__}-{number}" for number, (raised, *_) in enumerate(RAISED)],
)
def test_what_never_was_an_answer_has_a_name(raised, code, maybe_accepted, verdict):
    """Each failure on the way has a name, says whether AWS may have the events, and a verdict."""
    error = translated(raised, "PutLogEvents", "/app:web", 15.0)
    assert (error.code, error.maybe_accepted, error.status) == (code, maybe_accepted, 0)
    assert (error.action, error.resource) == ("PutLogEvents", "/app:web")
    assert error.message
    assert judge(error) is verdict


@pytest.mark.parametrize("kind", [TimeoutError, asyncio.TimeoutError])
def test_a_deadline_says_how_long_it_was(kind):
    """A try that ran out of time names the time, on every Python."""
    error = translated(kind(), "PutLogEvents", "", 2.5)
    assert (error.code, error.message) == ("Timeout", "no answer within 2.5 s")


def test_a_failure_without_words_is_named_after_its_kind():
    """There is always something to read."""
    assert translated(ValueError(), "PutLogEvents", "", 1.0).message == "ValueError"


def _answered(status=400, **error):
    response = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
    raised = exceptions.ClientError(response, "PutLogEvents")
    return translated(raised, "PutLogEvents", "/app:web", 15.0)


def test_an_answer_keeps_its_code_message_and_status():
    """What AWS says is carried as it was said."""
    error = _answered(400, Code="ThrottlingException", Message=" Rate exceeded ")
    assert (error.code, error.message, error.status) == (
        "ThrottlingException",
        "Rate exceeded",
        400,
    )
    assert not error.maybe_accepted


def test_a_namespace_is_taken_off_the_code():
    """Codes that AWS writes with a namespace are known all the same."""
    assert _answered(Code="com.amazon.coral.service#SerializationException").code == (
        "SerializationException"
    )


@pytest.mark.parametrize(("status", "maybe_accepted"), [(403, False), (413, False), (502, True)])
def test_a_page_instead_of_an_answer_is_its_status(status, maybe_accepted):
    """Without an error of AWS's, the status is the code; behind a failing gateway all is possible."""
    error = _answered(status)
    assert (error.code, error.message) == (str(status), f"HTTP {status} without a message")
    assert error.maybe_accepted is maybe_accepted


def test_a_page_is_not_carried_whole():
    """Of a message without end, the first thousand characters are kept."""
    message = _answered(502, Code="502", Message="x" * 50_000).message
    assert message == "x" * 1_000 + "... (50000 characters)"


def test_an_answer_without_anything_is_still_an_error():
    """Neither an error nor a status: nothing breaks."""
    raised = exceptions.ClientError({}, "PutLogEvents")
    error = translated(raised, "PutLogEvents", "/app:web", 15.0)
    assert (error.code, error.status) == ("0", 0)


def _logging_raises() -> Exception:
    """Return what a log call raises because of a filter of the application."""
    logger = logging.Logger("botocore.new")
    logger.addFilter(attrgetter("no_such_attribute"))
    try:
        logger.warning("Found credentials")
    except AttributeError as exc:
        return exc
    raise AssertionError


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_the_applications_logging_is_named(is_wrapped):
    """An exception that has come through logging passes; aiobotocore may have wrapped it in another."""
    exc = _logging_raises()
    if is_wrapped:
        exc = exceptions.HTTPClientError(error=exc)
    error = translated(exc, "PutLogEvents", "/app", 9.0)
    assert (error.code, judge(error)) == ("LoggingFailed", Verdict.RETRY)
    assert "the application's logging raised" in error.message
