"""From failure to verdict, and how long to wait: read as tables."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.policy import Backoff, Verdict, judge, learned_event_limit

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
    Verdict.HOLD: ["AccessDeniedException", "AccessDenied", "UntrustedCertificate", "Unheard"],
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


chances = st.floats(0, 1, exclude_max=True)


@given(chances, st.integers(1, 10_000))
def test_a_pause_keeps_its_bounds_for_any_random(chance, tries):
    """However the dice fall, a pause is no hot loop, and no longer than its ceiling or the cap."""
    pause = Backoff(lambda: chance).pause(tries)
    assert 0.05 <= pause <= 60.0
    assert pause <= max(0.05, 0.2 * 2.0 ** min(tries - 1, 20))


@given(chances, st.integers(1, 100), st.floats(0.01, 10), st.floats(0.01, 100))
def test_a_pause_is_the_share_of_its_ceiling_that_the_dice_say(chance, tries, first, cap):
    """Full jitter: anything from the floor to the ceiling, which doubles up to the cap."""
    pause = Backoff(lambda: chance, first=first, cap=cap, floor=0.0).pause(tries)
    assert pause == pytest.approx(chance * min(cap, first * 2.0 ** (tries - 1)))


def test_ceilings_grow_and_then_stay():
    """With the highest throw, pauses double from a fifth of a second to a minute."""
    backoff = Backoff(lambda: 1.0)
    pauses = [backoff.pause(tries) for tries in range(1, 12)]
    assert pauses[:4] == [0.2, 0.4, 0.8, 1.6]
    assert pauses[-2:] == [60.0, 60.0]
    assert pauses == sorted(pauses)


def test_two_workers_do_not_wait_alike():
    """Pauses are drawn anew each time, so that workers that failed together come back apart."""
    one, two = Backoff(random.Random(1).random), Backoff(random.Random(2).random)
    assert len({backoff.pause(8) for backoff in (one, two) for _ in range(10)}) == 20
