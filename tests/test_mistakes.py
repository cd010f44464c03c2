"""What a newcomer does wrong is told in words that name the argument or action, the value, and the way out."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from packaging.version import Version
from tests.mistakes import ARGUMENTS, TABLE, Mistake, said_of


@pytest.fixture(autouse=True)
def _environment_as_before(monkeypatch):
    """Put back what a mistake takes out of the environment: these names are set in it already."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


# 2.21, the oldest that is allowed, opens a closed client again: then it is no mistake.
_STAYS_CLOSED = Version(version("aiobotocore")) >= Version("2.22")
_MISTAKES = [
    pytest.param(
        mistake,
        id=mistake.what,
        marks=pytest.mark.skipif(
            not _STAYS_CLOSED and mistake.what == "a client that is closed already",
            reason="this aiobotocore opens a closed client again",
        ),
    )
    for mistake in TABLE
]


@pytest.mark.parametrize("mistake", _MISTAKES)
async def test_a_mistake_is_told(server, mistake: Mistake):
    """The message has what the table asks for, and a record that can be delivered is."""
    said = await said_of(mistake, server)
    missing = [part for part in mistake.names if part not in said]
    assert not missing, said
    if mistake.arrives is not None:
        assert tuple(server.messages("/app")) == mistake.arrives
    # No message shows an object in place of a sentence, and each is one line.
    assert "object at 0x" not in said or "client" in mistake.what
    assert "Traceback" not in said


def test_there_are_fifty():
    """The table covers what is written at construction, and at least as much of what happens later."""
    assert len({mistake.what for mistake in TABLE}) == len(TABLE) >= 50
    assert len(TABLE) - len(ARGUMENTS) >= 30
