"""From failure to verdict, read as a table."""

from __future__ import annotations

import pytest

from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.policy import (
    Attempt,
    Decision,
    NextStep,
    Verdict,
    after_creation,
    after_halving,
    decide,
    judge,
    learned_event_limit,
)

VERDICTS = {
    Verdict.ACCEPTED: ["DataAlreadyAcceptedException"],
    Verdict.PROVISION: ["ResourceNotFoundException"],
    Verdict.ISOLATE: [
        "InvalidParameterException",
        "ValidationException",
        "SerializationException",
        "RequestEntityTooLargeException",
    ],
    Verdict.RETRY: [
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "OperationAbortedException",
        "InvalidSequenceTokenException",
        "ServiceUnavailableException",
        "ServiceUnavailable",
        "InternalFailure",
        "InternalServerError",
        "EndpointUnreachable",
        "ConnectionLost",
        "Timeout",
        "GarbledAnswer",
    ],
    Verdict.REFRESH: [
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "NoCredentials",
        "NoRegion",
        "CredentialsUnavailable",
    ],
    Verdict.HOLD: [
        "AccessDeniedException",
        "AccessDenied",
        "UntrustedCertificate",
        "UnexpectedError",
        "Unheard",
    ],
}
BY_CODE = [(code, verdict) for verdict, codes in VERDICTS.items() for code in codes]
BY_STATUS = [
    (0, Verdict.HOLD),
    (400, Verdict.HOLD),
    (403, Verdict.HOLD),
    (408, Verdict.RETRY),
    (413, Verdict.ISOLATE),
    (429, Verdict.RETRY),
    (499, Verdict.HOLD),
    (500, Verdict.RETRY),
    (503, Verdict.RETRY),
    (599, Verdict.RETRY),
]


def _error(code="Unheard", message="", status=400):
    return DeliveryError("PutLogEvents", code, message, status=status)


@pytest.mark.parametrize(("code", "verdict"), BY_CODE)
def test_a_known_code_has_its_verdict(code, verdict):
    """What is known by its code is judged by it, whatever the status says."""
    assert judge(_error(code)) is verdict
    assert judge(_error(code, status=403)) is verdict


@pytest.mark.parametrize(("status", "verdict"), BY_STATUS)
def test_an_unknown_code_is_judged_by_its_status(status, verdict):
    """Without a known code, only what passes by itself or is about size is told by the status."""
    assert judge(_error(str(status), status=status)) is verdict


@pytest.mark.parametrize(
    "message",
    [
        "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint",
        "Value 'a:b' at 'logStreamName' failed to satisfy constraint",
        "Value at 'entity.keyAttributes' failed to satisfy constraint",
    ],
)
@pytest.mark.parametrize("code", ["InvalidParameterException", "ValidationException"])
def test_a_refusal_of_the_request_costs_no_record(code, message):
    """A batch is not halved for a name or an entity that AWS refuses: its records are kept."""
    assert judge(_error(code, message)) is Verdict.HOLD


def test_a_refusal_of_an_event_is_told_from_one_of_the_entity():
    """A message that AWS repeats may speak of identities."""
    error = _error("InvalidParameterException", "Log event is not valid: 'identity unknown'")
    assert judge(error) is Verdict.ISOLATE


@pytest.mark.parametrize("code", ["RequestEntityTooLargeException", "413"])
def test_a_request_that_is_too_large_is_halved(code):
    """HTTP 413 halves the batch, though its usual text has the word entity in it."""
    assert judge(_error(code, "Request Entity Too Large", 413)) is Verdict.ISOLATE


@pytest.mark.parametrize(
    ("message", "limit"),
    [
        ("Log event too large: 292824 bytes exceeds limit of 262144", 262_144),
        ("log EVENT size 5 exceeds limit of 4", 4),
        ("Upload too large: 1048577 bytes exceeds limit of 1048576", None),
        ("Log event too large", None),
        ("", None),
    ],
)
def test_the_event_limit_is_learned_from_what_aws_says(message, limit):
    """The size that AWS names for an event is learned; that of a batch, or none, is not."""
    assert learned_event_limit(_error("InvalidParameterException", message)) == limit


MISSING, DENIED, BUSY = "ResourceNotFoundException", "AccessDeniedException", "ThrottlingException"
EXPIRED, POISON = "ExpiredTokenException", "InvalidParameterException"
TRIED = Attempt(failures=2, missing=1, refused=3)
# A failed put, after TRIED: the step, the failures, the missing, the pause, and what it is told as.
DECISIONS = {
    "DataAlreadyAcceptedException": (NextStep.BOOK, 2, 1, 0, None),
    MISSING: (NextStep.CREATE, 3, 2, 0, None),
    POISON: (NextStep.HALVE, 2, 1, 0, None),
    EXPIRED: (NextStep.RENEW, 3, 1, 3, Verdict.REFRESH),
    BUSY: (NextStep.PUT, 3, 1, 3, Verdict.RETRY),
    DENIED: (NextStep.PUT, 3, 1, 3, Verdict.HOLD),
}


@pytest.mark.parametrize(("code", "expected"), DECISIONS.items(), ids=DECISIONS.keys())
def test_a_failed_put_has_its_step(code, expected):
    """Each kind of failure leads to one step, is counted in the attempt, and waits as long as is due."""
    error = _error(code)
    decision = decide(error, TRIED)
    attempt = decision.attempt
    found = (decision.step, attempt.failures, attempt.missing, decision.pause, decision.told_as)
    assert found == expected
    assert attempt.refused == TRIED.refused
    assert decision.error is error


def _missing(times) -> Decision:
    decision = decide(_error(MISSING), Attempt())
    for _ in range(times - 1):
        decision = decide(_error(MISSING), decision.attempt)
    return decision


@pytest.mark.parametrize(("times", "told_as"), [(1, None), (8, None), (9, Verdict.RETRY)])
def test_after_a_creation_the_put_comes_at_once(times, told_as):
    """The first creation is followed by a put at once; those that change nothing wait, and are told of."""
    decision = after_creation(_missing(times), None)
    assert (decision.step, decision.pause, decision.told_as) == (NextStep.PUT, times - 1, told_as)
    assert decision.error.code == MISSING


@pytest.mark.parametrize(
    ("code", "times", "told_as"),
    [
        (MISSING, 3, None),
        (MISSING, 4, Verdict.PROVISION),
        (DENIED, 1, Verdict.HOLD),
        (BUSY, 1, Verdict.RETRY),
    ],
)
def test_a_failed_creation_is_told_of(code, times, told_as):
    """A creation that fails is told of, except for a group that another process is creating."""
    failure = DeliveryError("CreateLogStream", code, "no", status=400)
    decision = after_creation(_missing(times), failure)
    assert (decision.step, decision.pause, decision.told_as) == (NextStep.PUT, times, told_as)
    assert decision.error is failure


@pytest.mark.parametrize(("refused", "pause"), [(0, -15), (15, 0), (16, 1)])
def test_many_refused_events_in_a_row_slow_down(refused, pause):
    """Up to sixteen single events may be refused one after the other; then there are pauses."""
    decision = decide(_error(POISON), Attempt(refused=refused))
    following = after_halving(decision, is_dropped=True)
    assert (following.step, following.pause, following.attempt.refused) == (
        NextStep.PUT,
        pause,
        refused + 1,
    )
    assert after_halving(decision, is_dropped=False).attempt.refused == refused


def test_every_kind_of_failure_has_a_step():
    """Whatever its kind, a failure leads somewhere, and an attempt never forgets a failure."""
    for verdict, codes in VERDICTS.items():
        decision = decide(_error(codes[0]), Attempt())
        assert isinstance(decision.step, NextStep)
        counted = verdict not in {Verdict.ACCEPTED, Verdict.ISOLATE}
        assert decision.attempt.failures == counted
