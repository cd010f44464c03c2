"""From failure to verdict: pure, so that it can be read as a table."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from .errors import DeliveryError


class Verdict(Enum):
    """What to do about a failed call."""

    RETRY = "wait and try again: it passes by itself"
    REFRESH = "wait and try again with credentials looked up anew"
    PROVISION = "create what is missing, then try again"
    ISOLATE = "halve the batch until the event that AWS refuses is found"
    HOLD = "keep the batch and try again with the same back-off: somebody has to act"
    ACCEPTED = "AWS has the events already"


# Matched by code, because PutLogEvents models few of the errors it answers with.
_BY_CODE: Final = {
    "DataAlreadyAcceptedException": Verdict.ACCEPTED,
    "ResourceNotFoundException": Verdict.PROVISION,
    "InvalidParameterException": Verdict.ISOLATE,
    "ValidationException": Verdict.ISOLATE,
    "SerializationException": Verdict.ISOLATE,
    "RequestEntityTooLargeException": Verdict.ISOLATE,
    "ThrottlingException": Verdict.RETRY,
    "Throttling": Verdict.RETRY,
    "ThrottledException": Verdict.RETRY,
    "TooManyRequestsException": Verdict.RETRY,
    "RequestLimitExceeded": Verdict.RETRY,
    "LimitExceededException": Verdict.RETRY,
    "OperationAbortedException": Verdict.RETRY,
    "InvalidSequenceTokenException": Verdict.RETRY,
    "ServiceUnavailableException": Verdict.RETRY,
    "ServiceUnavailable": Verdict.RETRY,
    "InternalFailure": Verdict.RETRY,
    "InternalServerError": Verdict.RETRY,
    "EndpointUnreachable": Verdict.RETRY,
    "ConnectionLost": Verdict.RETRY,
    "Timeout": Verdict.RETRY,
    "GarbledAnswer": Verdict.RETRY,
    "LoggingFailed": Verdict.RETRY,
    "ExpiredToken": Verdict.REFRESH,
    "ExpiredTokenException": Verdict.REFRESH,
    "RequestExpired": Verdict.REFRESH,
    "UnrecognizedClientException": Verdict.REFRESH,
    "InvalidClientTokenId": Verdict.REFRESH,
    "InvalidSignatureException": Verdict.REFRESH,
    "MissingAuthenticationTokenException": Verdict.REFRESH,
    "NoCredentials": Verdict.REFRESH,
    "NoRegion": Verdict.REFRESH,
    "CredentialsUnavailable": Verdict.REFRESH,
    "AccessDeniedException": Verdict.HOLD,
    "AccessDenied": Verdict.HOLD,
    "UntrustedCertificate": Verdict.HOLD,
    "Redirected": Verdict.HOLD,
    "UnexpectedError": Verdict.HOLD,
}
_REQUEST_TOO_LARGE: Final = 413
_TOO_MANY_REQUESTS: Final = 429
_REQUEST_TIMEOUT: Final = 408
_SERVER_ERROR: Final = 500
_ABOUT_THE_REQUEST: Final = re.compile(r"logGroupName|logStreamName|\bentity\b", re.IGNORECASE)
_EVENT_LIMIT: Final = re.compile(r"exceeds limit of (\d+)")


def judge(error: DeliveryError) -> Verdict:
    """Return what to do about ``error``.

    An unknown refusal holds the batch: a fault of the set-up must not cost records.
    """
    if error.status == _REQUEST_TOO_LARGE:
        # Before the words are looked at: its usual text is "Request Entity Too Large".
        return Verdict.ISOLATE
    verdict = _BY_CODE.get(error.code)
    if verdict is Verdict.ISOLATE and _ABOUT_THE_REQUEST.search(error.message):
        return Verdict.HOLD
    if verdict is not None:
        return verdict
    if error.status in {_TOO_MANY_REQUESTS, _REQUEST_TIMEOUT} or error.status >= _SERVER_ERROR:
        return Verdict.RETRY
    return Verdict.HOLD


def is_known(code: str) -> bool:
    """Return whether AWS, or this library, has a meaning for the code of an error."""
    return code in _BY_CODE


def learned_event_limit(error: DeliveryError) -> int | None:
    """Return the event size AWS names when it refuses a larger one, or None.

    ``Log event too large: 292824 bytes exceeds limit of 262144``.
    """
    found = _EVENT_LIMIT.search(error.message)
    return int(found.group(1)) if found and "event" in error.message.lower() else None
