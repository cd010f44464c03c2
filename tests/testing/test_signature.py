"""Signature Version 4, against AWS's own example and against botocore's signer."""

from __future__ import annotations

import calendar
import time

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from aiowatchtower.testing import Refusal
from aiowatchtower.testing._served.signature import Signed, verify
from aiowatchtower.testing._types import Keyring

KEYS = Keyring({"testing": "testing"}, expired={"old"})
URL = "http://127.0.0.1:4599/"


def _sign(body=b"{}", *, key="testing", secret="testing", service="logs", path="", **headers):
    """Return a request as botocore signs it."""
    request = AWSRequest("POST", URL + path, data=body, headers=headers)
    SigV4Auth(Credentials(key, secret, "token"), service, "us-east-1").add_auth(request)
    found = {name.lower(): value for name, value in request.headers.items()}
    return Signed("POST", "/" + path, {"host": "127.0.0.1:4599", **found}, body)


def _refusal(request, now=None):
    with pytest.raises(Refusal) as caught:
        verify(request, KEYS, time.time() if now is None else now)
    return caught.value


def test_signature_of_botocore_is_right():
    """What botocore signs is verified, session token and query included."""
    assert verify(_sign(), KEYS, time.time()) == "testing"
    assert verify(_sign(path="?b=2&a=x%20y&c"), KEYS, time.time()) == "testing"


def test_published_example_is_right():
    """AWS's published GET example has the signature that AWS publishes."""
    # https://docs.aws.amazon.com/general/latest/gr/sigv4_signing.html (iam ListUsers)
    authorization = (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )
    headers = {
        "authorization": authorization,
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "host": "iam.amazonaws.com",
        "x-amz-date": "20150830T123600Z",
    }
    request = Signed("GET", "/?Action=ListUsers&Version=2010-05-08", headers, b"")
    keys = Keyring({"AKIDEXAMPLE": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"})
    now = calendar.timegm((2015, 8, 30, 12, 36, 0))
    assert verify(request, keys, now, "iam") == "AKIDEXAMPLE"


TAMPERED = {
    "another body": lambda signed: signed._replace(body=b"{} "),
    "another path": lambda signed: signed._replace(target="/x"),
    "another method": lambda signed: signed._replace(method="PUT"),
    "another host": lambda signed: signed._replace(headers={**signed.headers, "host": "x"}),
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED.keys())
def test_changed_request_is_refused(change):
    """Whatever is signed cannot be changed afterwards."""
    found = _refusal(change(_sign()))
    assert (found.code, found.status) == ("InvalidSignatureException", 403)
    assert "does not match the signature you provided" in found.message


def test_claimed_hash_does_not_help():
    """The hash is made of the body received, not read from a header."""
    claimed = {"X-Amz-Content-SHA256": "0" * 64}
    assert _refusal(_sign(**claimed)).code == "InvalidSignatureException"


REFUSED = {
    "wrong secret": ({"secret": "guess"}, "InvalidSignatureException", 403),
    "unknown key": ({"key": "nobody"}, "UnrecognizedClientException", 400),
    "expired key": ({"key": "old"}, "ExpiredTokenException", 400),
    "another service": ({"service": "s3"}, "InvalidSignatureException", 403),
}


@pytest.mark.parametrize(("how", "code", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_wrong_credentials_are_refused(how, code, status):
    """Each way to be wrong has its own code."""
    found = _refusal(_sign(**how))
    assert (found.code, found.status) == (code, status)


def test_missing_or_malformed_header_is_refused():
    """No Authorization header and an unreadable one are told apart."""
    bare = Signed("POST", "/", {}, b"")
    assert _refusal(bare).code == "MissingAuthenticationTokenException"
    basic = bare._replace(headers={"authorization": "Basic eA=="})
    assert _refusal(basic).code == "IncompleteSignatureException"


@pytest.mark.parametrize(
    ("skew", "text"), [(310, "Signature expired: "), (-310, "Signature not yet current: ")]
)
def test_clock_skew_is_refused(skew, text):
    """More than five minutes apart, either way, is refused, and the text says which way."""
    found = _refusal(_sign(), time.time() + skew)
    assert found.code == "InvalidSignatureException"
    assert found.message.startswith(text)
    assert "5 min.)" in found.message
