"""What a failure means, and what is done about it: pure, so that both can be read as tables.

``judge`` says of what kind a failure is. ``decide`` says what the next step is, given what was tried so
far: an ``Attempt``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, NamedTuple

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
    "EncodingFailed": Verdict.ISOLATE,
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
    "ProxyFailed": Verdict.RETRY,
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


# These codes, and HTTP 429, say that a quota of the account is exhausted.
_THROTTLED: Final = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
    }
)


def is_throttled(error: DeliveryError) -> bool:
    """Return whether the request was refused because the account sends too many."""
    return error.code in _THROTTLED or error.status == _TOO_MANY_REQUESTS


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


class NextStep(Enum):
    """What to do next about one part of a batch."""

    BOOK = "book it as delivered: AWS has it"
    CREATE = "create the stream, and the group where it is missing"
    HALVE = "learn the limit that AWS names, or put each half by itself"
    RENEW = "look for new credentials, wait, and put again"
    PUT = "wait, and put again"


@dataclass(frozen=True)
class Attempt:
    """What was tried for one part of a batch since AWS last accepted one.

    Attributes:
        failures: Tries that failed, whatever for; those that AWS refused for an event are not among them.
        missing: Tries that found no stream: every new stream begins with one.
        refused: Single events in a row that AWS refused.
    """

    failures: int = 0
    missing: int = 0
    refused: int = 0


class Decision(NamedTuple):
    """What follows from a failure.

    Attributes:
        step: What to do.
        attempt: What was tried, this failure included.
        error: The failure that is behind it.
        pause: Wait as after so many failures in a row; not at all if this is not positive.
        told_as: Tell of the failure as one of this kind; None: there is nothing to tell yet.
    """

    step: NextStep
    attempt: Attempt
    error: DeliveryError
    pause: int = 0
    told_as: Verdict | None = None


# Refusing this many single events in a row is no matter of the events: slow down.
_REFUSED_IN_A_ROW: Final = 16
# For so many tries a group may be unknown after its creation, above all when another process
# has it under way (OperationAbortedException): nobody has to do anything about that.
_UNKNOWN_FOR_TRIES: Final = 3
# Creations that succeed, so many times, and change nothing: that is worth a word.
_STAYS_UNKNOWN_TRIES: Final = 8
_STEPS: Final = {
    Verdict.ACCEPTED: NextStep.BOOK,
    Verdict.PROVISION: NextStep.CREATE,
    Verdict.ISOLATE: NextStep.HALVE,
    Verdict.REFRESH: NextStep.RENEW,
    Verdict.RETRY: NextStep.PUT,
    Verdict.HOLD: NextStep.PUT,
}


def decide(error: DeliveryError, attempt: Attempt) -> Decision:
    """Return what follows from a put that failed."""
    verdict = judge(error)
    step = _STEPS[verdict]
    if step in {NextStep.BOOK, NextStep.HALVE}:
        return Decision(step, attempt, error)
    attempt = replace(attempt, failures=attempt.failures + 1)
    if step is NextStep.CREATE:
        return Decision(step, replace(attempt, missing=attempt.missing + 1), error)
    return Decision(step, attempt, error, attempt.failures, verdict)


def after_halving(decision: Decision, *, is_dropped: bool) -> Decision:
    """Return what follows when the part was halved, or was one event and dropped."""
    attempt = replace(decision.attempt, refused=decision.attempt.refused + is_dropped)
    pause = attempt.refused - _REFUSED_IN_A_ROW
    return decision._replace(step=NextStep.PUT, attempt=attempt, pause=pause)


def after_creation(decision: Decision, failure: DeliveryError | None) -> Decision:
    """Return what follows when the stream was created, or when that has failed."""
    attempt = decision.attempt
    if failure is None:
        # Right after its creation a stream may still be unknown where it is asked for next. What failed
        # before, for other reasons, is no reason to wait now.
        told_as = Verdict.RETRY if attempt.missing > _STAYS_UNKNOWN_TRIES else None
        return decision._replace(step=NextStep.PUT, pause=attempt.missing - 1, told_as=told_as)
    verdict = judge(failure)
    is_quiet = verdict is Verdict.PROVISION and attempt.missing <= _UNKNOWN_FOR_TRIES
    told_as = None if is_quiet else verdict
    return Decision(NextStep.PUT, attempt, failure, attempt.failures, told_as)
