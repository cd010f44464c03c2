"""What others have written is masked, escaped and cut before it is printed or kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiowatchtower._core.presentable import MAX_CHARACTERS, presentable

TOKEN = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQD+abc=" + "x" * 200
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Rate exceeded", "Rate exceeded"),
        ("Signature expired: 20261124T100000Z is earlier", "Signature expired: 20261124T100000Z is earlier"),
        ("x-amz-security-token:abc/def+1\nhost:x", "x-amz-security-token:***\\nhost:x"),
        ("?X-Amz-Security-Token=abc%2F&X-Amz-Signature=00ff", "?X-Amz-Security-Token=***&X-Amz-Signature=***"),
        ('{"SessionToken": "abc", "a": 1}', '{"SessionToken": "***", "a": 1}'),
        ("aws_secret_access_key = abc", "aws_secret_access_key = ***"),
        ("{'SecretAccessKey': 'abc'}", "{'SecretAccessKey': '***'}"),
        (
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/2026, Signature=00ff",
            "Authorization: ***, Signature=***",
        ),
        ("the key AKIAIOSFODNN7EXAMPLE is unknown", "the key AKIA*** is unknown"),
        (f"the token {TOKEN} is invalid", "the token *** is invalid"),
        ("proxy http://user:pass@proxy:3128 refused", "proxy http://***@proxy:3128 refused"),
        ("\x1b[2Jcleared\r\n2026 INFO forged", "\\x1b[2Jcleared\\r\\n2026 INFO forged"),
        ("a\u2028b\u202ec\x9b\ud800", "a\\u2028b\\u202ec\\x9b\\ud800"),
        ("Größe 10 €", "Größe 10 €"),
    ],
)  # fmt: skip
def test_texts(text, shown):
    """Credentials are masked by how they look or are named; what no terminal should see is escaped."""
    assert presentable(text) == shown


@given(st.text(), st.text())
def test_the_credentials_in_use_are_masked(before, after):
    """Wherever they stand, also as a query string has them."""
    text = presentable(
        f"{before}{SECRET}{after}wJalrXUtnFEMI%2FK7MDENG%2FbPxRfiCYEXAMPLEKEY", [SECRET]
    )
    assert SECRET not in text
    assert "bPxRfiCYEXAMPLEKEY" not in text


@given(st.text())
def test_one_line_that_can_be_printed(text):
    """Whatever it is, it becomes one printable line."""
    shown = presentable(text)
    assert len(shown.splitlines()) <= 1
    shown.encode()


@pytest.mark.parametrize("size", [MAX_CHARACTERS + 1, 5_000_000])
def test_long_texts_are_cut(size):
    """The beginning is kept, and how much there was is said."""
    text = presentable("x" * size)
    assert text == "x" * MAX_CHARACTERS + f"... ({size} characters)"


def test_short_secrets_mask_nothing():
    """A test's secret `a` does not mask every a."""
    assert presentable("a bad request", ["a", ""]) == "a bad request"
