"""Runs the command in this process, or as a program, with keys that must not come out again."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import aiowatchtower
from aiowatchtower.check import main

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


def _outcome(code, out, errors):
    """Return how it has ended. Whatever the command says, it says no secret."""
    said = out + errors
    assert SECRET not in said
    assert TOKEN not in said
    assert KEY not in said
    assert "Traceback" not in said, said
    return Outcome(code, out, errors)


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

    def run(self, *arguments, **more):
        """Run the command in this process: a start of Python takes a hundred times as long."""
        out, errors = io.StringIO(), io.StringIO()
        outside = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.environ | more)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
                code = main(arguments)
        except SystemExit as exc:
            code = int(exc.code or 0)
        finally:
            os.environ.clear()
            os.environ.update(outside)
        return _outcome(code, out.getvalue(), errors.getvalue())

    def start(self, *arguments, program=("-m", "aiowatchtower"), **more):
        """Run the command as a user does, in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-W", "error::ResourceWarning", *program, *arguments],
            check=False,
            env={**self.environ, **more},
            capture_output=True,
            text=True,
            timeout=90,
        )
        return _outcome(done.returncode, done.stdout, done.stderr)

    def __call__(self, *arguments, **more):
        """Run it for an application that creates its log group, unless an argument says otherwise."""
        return self.run("check", "--log-group", GROUP, "--json", "--create", *arguments, **more)


@pytest.fixture
def check(server):
    """Return the command, pointed at the served CloudWatch Logs, which knows the keys."""
    server.configure(credentials={KEY: SECRET})
    return Check({"AWS_ENDPOINT_URL": server.url})
