"""The demo, as `nox -s demo` runs it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.examples.programs import ROOT, environment
from tests.programs import PATIENCE_SECONDS

pytestmark = pytest.mark.servers


def _run(*options, server, **more):
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "demo" / "demo.py"), *options],
        check=False,
        env=environment(server, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_SECONDS * 2,
    )
    return done.returncode, done.stdout


def test_on_moto(server):
    """Without options it needs no account: moto serves, and the events are read back from there."""
    pytest.importorskip("flask_cors")
    code, said = _run(server=server)

    assert code == 0, said
    assert "Each event has arrived, exactly once." in said
    assert "RuntimeError: no such luck" in said
    assert server.requests == [], "the AWS settings around it are not used"


def test_on_an_endpoint(server):
    """With an endpoint, a region and a group of one's own, the events are there, and each request is signed."""
    options = ("--endpoint-url", server.url, "--region", "eu-west-1", "--log-group", "/mine")
    code, said = _run(*options, server=server, AWS_ENDPOINT_URL=None)

    assert code == 0, said
    assert f"{len(server.messages('/mine'))} events" in said
    assert server.signatures_verified == len(server.requests)


def test_missing_events_are_found(server):
    """With --aws the environment says where CloudWatch Logs is; the demo ends with 1 when nothing arrives."""
    code, said = _run("--aws", server=server, AIOWATCHTOWER_ENABLED="0")

    assert code == 1
    assert "WRONG  0 times: the line of order 7" in said


def test_doubled_events_are_found(server):
    """It ends with 1 when events are there twice: here, because an answer was lost."""
    server.faults.cut_after_accepting(after=1, times=1)  # the first finds no stream
    code, said = _run("--endpoint-url", server.url, server=server)

    assert code == 1
    assert "WRONG  2 times: the line of order 7" in said
