"""Shipping makes records; none of them is shipped. The application's own all are."""

from __future__ import annotations

import json

import pytest


def _silent(program):
    assert program.finish() == 0, program.errors
    report = json.loads(program.out[-1])
    assert report["later"] == report["settled"]
    assert report["batches"] == 0
    return report["settled"]


@pytest.mark.parametrize(
    ("host", "how", "debug"),
    [
        ("127.0.0.1", "plain", "0"),
        ("localhost", "plain", "1"),
        ("localhost", "warnings", "1"),
        ("127.0.0.1", "strict", "0"),
        ("localhost", "strict", "1"),
    ],
)
def test_one_record_then_silence(server, run, host, how, debug):
    """With everything at DEBUG on the root logger, one record is followed by no further request."""
    url = server.url.replace("127.0.0.1", host)
    program = run("verbose.py", how, AWS_ENDPOINT_URL=url, DEBUG=debug)
    _silent(program)
    texts = server.messages("/app")
    assert "the one record" in texts
    assert len([text for text in texts if "the one warning" in text]) == (how == "warnings")
    assert len(texts) == 1 + (how == "warnings")
    calls = [call for call in server.calls("PutLogEvents") if call.group == "/app"]
    accepted = [call.event_count for call in calls if call.status == 200]
    # The proof of strict is an event of its own, which AWS rejects.
    assert accepted == [1] * (how == "strict") + [len(texts)]


@pytest.mark.parametrize("fault", ["down", "fail", "reset_before_reading", "cut"])
def test_failing_endpoint(server, run, fault):
    """Failures, retries and the warnings about them feed nothing either."""
    url = server.url.replace("127.0.0.1", "localhost")
    if fault == "down":
        server.down()
    else:
        getattr(server.faults, fault)(times=3)
    program = run("verbose.py", "plain", AWS_ENDPOINT_URL=url, DEBUG="1")
    if fault == "down":
        program.wait_for_line("could not be reached")
        server.up()
    _silent(program)
    assert server.messages("/app") == ["the one record"]


def test_records_of_the_applications_own_client(server, run):
    """What the application's own client and server log at DEBUG does arrive."""
    _silent(run("verbose.py", "own client"))
    texts = server.messages("/app")
    assert "an access of the application's own" in texts
    assert [text for text in texts if "DescribeLogGroups" in text]
    assert not [text for text in texts if "PutLogEvents" in text]
    assert len(texts) > 10
