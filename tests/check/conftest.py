"""Runs `python -m aiowatchtower check` as a user does, with keys that must not come out again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import aiowatchtower

LIBRARY = str(Path(aiowatchtower.__file__).parents[1])
KEY, SECRET, TOKEN = (
    "AKIAWATCHTOWEREXAMPL",
    "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
    "FwoGZXIvYXdzEBYa",
)
GROUP = "/app/web"


class Outcome(NamedTuple):
    """How a check has ended."""

    code: int
    out: str
    errors: str

    @property
    def report(self):
        return json.loads(self.out)

    def step(self, name):
        [found] = [step for step in self.report["steps"] if step["name"] == name]
        return found

    def statuses(self):
        """Return the result of each step."""
        return {step["name"]: step["status"] for step in self.report["steps"]}

    def failure(self):
        """Return the one step that has failed; no other may have."""
        [found] = [step for step in self.report["steps"] if step["status"] == "failed"]
        return found


class Check:
    """Runs the command in an environment that a test changes."""

    def __init__(self, environ):
        path = os.pathsep.join(filter(None, [LIBRARY, os.environ.get("PYTHONPATH")]))
        self.environ = {**os.environ, "PYTHONPATH": path, "AWS_ACCESS_KEY_ID": KEY, **environ}
        self.environ["AWS_SECRET_ACCESS_KEY"] = SECRET

    def without(self, *names):
        """Leave variables out, and return this check."""
        for name in names:
            self.environ.pop(name, None)
        return self

    def run(self, *arguments, program=("-m", "aiowatchtower"), **more):
        """Run it to its end. Whatever it says, it says no secret."""
        done = subprocess.run(
            [sys.executable, "-W", "error::ResourceWarning", *program, *arguments],
            check=False,
            env={**self.environ, **more},
            capture_output=True,
            text=True,
            timeout=60,
        )
        said = done.stdout + done.stderr
        assert SECRET not in said
        assert TOKEN not in said
        assert KEY not in said
        assert "Traceback" not in said, said
        return Outcome(done.returncode, done.stdout, done.stderr)

    def __call__(self, *arguments, **more):
        return self.run("check", "--log-group", GROUP, "--json", *arguments, **more)


@pytest.fixture
def check(server):
    """Return the command, pointed at the served CloudWatch Logs, which knows the keys."""
    server.configure(credentials={KEY: SECRET})
    return Check({"AWS_ENDPOINT_URL": server.url})
