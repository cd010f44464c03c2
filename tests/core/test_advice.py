"""What the messages tell a person to do."""

from __future__ import annotations

import json

import pytest

from aiowatchtower._core.advice import advise, statement
from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.policy import Verdict, judge


def _error(code, message="", **about):
    return DeliveryError("PutLogEvents", code, message, **{"resource": "/app:web", **about})


ADVICE = {
    "NoCredentials": "AWS_ACCESS_KEY_ID",
    "NoRegion": "AWS_DEFAULT_REGION",
    "CredentialsUnavailable": "AWS_PROFILE",
    "EndpointUnreachable": "endpoint_url=",
    "ProxyFailed": "NO_PROXY",
    "SerializationException": "compression=None",
    "UntrustedCertificate": "AWS_CA_BUNDLE",
    "Timeout": "security groups",
    "GarbledAnswer": "Something that is not CloudWatch Logs answered",
    "UnrecognizedClientException": "does not know the access key",
    "InvalidClientTokenId": "does not know the access key",
    "InvalidSignatureException": "secret access key",
    "ResourceNotFoundException": "create_log_group",
    "LimitExceededException": "Service Quotas",
    "ExpiredToken": "renew them",
    "ExpiredTokenException": "renew them",
    "RequestExpired": "renew them",
    "AccessDenied": "add this statement",
    "AccessDeniedException": "add this statement",
    "ThrottlingException": "passes by itself",
    "ServiceUnavailable": "passes by itself",
}


@pytest.mark.parametrize(("code", "words"), ADVICE.items())
def test_each_failure_has_its_advice(code, words):
    """Every failure that somebody can end says what to set, check or allow."""
    assert words in advise(_error(code))


@pytest.mark.parametrize("code", ["InvalidParameterException", "NotProvisioned", "Unheard"])
def test_what_does_not_pass_by_itself_is_not_called_harmless(code):
    """Where somebody has to act, nobody is told that it passes by itself."""
    error = _error(code, "Value 'x' at 'logGroupName' failed to satisfy constraint")
    assert judge(error) is Verdict.HOLD
    assert "by itself" not in advise(error)


@pytest.mark.parametrize(
    "message",
    [
        "Signature expired: 20261122T000000Z is now earlier than 20261122T000501Z",
        "Signature not yet current: 20261122T000000Z is still later than 20261121T235500Z",
        "The difference between the request time and the current time is too skewed.",
    ],
)
def test_a_wrong_clock_is_named_whatever_the_code(message):
    """A signature that is refused for its time points at the clock, not at the key."""
    assert "clock" in advise(_error("InvalidSignatureException", message))


def test_the_statement_to_add_is_the_one_that_was_missed():
    """What AWS says was denied comes back as a statement to paste."""
    arn = "arn:aws:logs:eu-central-1:1:log-group:/app:log-stream:*"
    denied = (
        f"User: me is not authorized to perform: logs:CreateLogStream on resource: {arn} because"
    )
    error = _error("AccessDeniedException", denied)
    assert json.loads(statement(error)) == {
        "Effect": "Allow",
        "Action": "logs:CreateLogStream",
        "Resource": arn,
    }
    assert statement(error) in advise(error)


def test_a_denial_without_details_still_gives_a_statement():
    """Where AWS names neither action nor resource, the call's own are used."""
    made = json.loads(statement(_error("AccessDenied", "no")))
    assert made["Action"] == "logs:PutLogEvents"
    assert made["Resource"] == "arn:aws:logs:*:*:log-group:/app:*"
