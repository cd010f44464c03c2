"""Answers that quote credentials, forge lines, or are too long: what is printed and kept of them."""

from __future__ import annotations

import asyncio
import traceback

import pytest

from aiowatchtower import CloudWatchLogging, CloudWatchLogHandler, SetupError

TOKEN = "FwoGZXIvYXdzEBYaDHostile//////////wEaDExampleToken+abc=" + "q" * 300
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
QUOTED = (
    f"The canonical string was\nhost:logs\nx-amz-security-token:{TOKEN}\n\x1b[31mred\r2026 INFO forged "
    f"{SECRET}"
)


@pytest.fixture(autouse=True)
def _session_token(server, monkeypatch):
    server.configure(credentials={"testing": SECRET})
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)


def _is_clean(text: str) -> bool:
    return not any(part in text for part in (TOKEN[:40], SECRET, "\x1b", "\r"))


@pytest.mark.parametrize(
    ("status", "code"), [(400, "InvalidSignatureException"), (400, "Strange"), (503, "Busy")]
)
async def test_what_is_printed_and_kept(server, ship, shop, said, status, code):
    """The warning is one line without credentials, and so is what the statistics hold."""
    server.faults.fail(status, code, QUOTED, times=1)
    async with ship() as logs:
        shop.info("record")
        await logs.flush(60)
        seen = logs.statistics()
    [warning] = said.warnings
    assert code in warning
    assert "x-amz-security-token:***" in warning
    for text in (warning, str(seen.last_error), repr(seen), repr(logs)):
        assert _is_clean(text)
        assert len(text.splitlines()) == 1
    assert server.messages("/app") == ["record"]


async def test_a_traceback_of_setup_error(server):
    """Its causes are printed with it, and quote nothing either."""
    server.faults.fail(403, "Strange", QUOTED)
    logs = CloudWatchLogging("/app", "web", loggers=[], strict=True, endpoint_url=server.url)
    with pytest.raises(SetupError) as caught:
        async with logs:
            pass
    assert _is_clean("".join(traceback.format_exception(caught.value)))


async def test_codes_that_are_none(server, ship, shop, said):
    """Half a megabyte in the place of a code is cut, and codes that are new each time are one trouble."""
    server.faults.fail(400, "C" * 500_000, "first", times=1)
    for number in range(4):
        server.faults.fail(400, f"Fresh{number}Exception", "another", times=1)
    async with ship() as logs:
        shop.info("record")
        await asyncio.to_thread(server.wait_for, 1, timeout=60)
        await logs.flush(60)
        kept = repr(logs.statistics())
    [warning] = said.warnings
    assert "UnknownError: CCC" in warning
    assert len(warning) < 3000
    assert len(kept) < 3000
    assert server.messages("/app") == ["record"]


@pytest.mark.parametrize(
    "argument", ["http://user:hunter22@127.0.0.1:1", "https://user@host", "ftp://u:hunter22@h"]
)
def test_no_user_in_the_endpoint(argument):
    """An endpoint with a password is refused at construction, and the message does not print it."""
    with pytest.raises(
        ValueError, match="endpoint_url= must not contain a user or a password"
    ) as caught:
        CloudWatchLogHandler("/app", endpoint_url=argument)
    assert "hunter22" not in str(caught.value)


async def test_the_last_error_keeps_no_batch(server, ship, shop):
    """What is kept of a failure refers to no traceback, whose frames would keep a batch of texts alive."""
    server.faults.throttle(times=1)
    async with ship() as logs:
        shop.info("record")
        await logs.flush(60)
    error = logs.statistics().last_error
    assert error.code == "ThrottlingException"
    assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)
