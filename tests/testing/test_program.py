"""`python -m aiowatchtower.testing`: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import aiowatchtower

ROOT = str(Path(aiowatchtower.__file__).parents[1])
PROGRAM = [sys.executable, "-m", "aiowatchtower.testing"]

# An event loop that lacks what Windows' default one lacks.
PROACTOR = """
import asyncio
from aiowatchtower.testing import __main__ as program

class Loop(asyncio.SelectorEventLoop):
    def _lacking(self, *_):
        raise NotImplementedError
    add_reader = remove_reader = add_writer = remove_writer = _lacking
    add_signal_handler = remove_signal_handler = _lacking

arguments = program._parser().parse_args(["--until-stdin-closes"])
loop = Loop()
loop.run_until_complete(program._serve(arguments))
loop.close()
"""


def _start(*command):
    pipe = subprocess.PIPE
    environ = {**os.environ, "PYTHONPATH": ROOT}
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environ, text=True)


def _run(*arguments):
    with _start(*PROGRAM, *arguments) as process:
        output, errors = process.communicate(timeout=60)
    return process.returncode, output, errors


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")
def test_it_says_how_to_point_a_client_at_it():
    """One line of JSON goes to stdout; the variables, credentials and options go to stderr."""
    options = {"credentials": {"AKIA": "secret"}, "region_name": "eu-west-1", "latency": 0.5}
    with _start(*PROGRAM, "--options", json.dumps(options)) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"export AWS_ENDPOINT_URL_CLOUDWATCH_LOGS={url}\n" in errors
    assert f"export AWS_ENDPOINT_URL_STS={url}\n" in errors
    assert "export AWS_ACCESS_KEY_ID=AKIA\n" in errors
    assert "export AWS_SECRET_ACCESS_KEY=secret\n" in errors
    assert "export AWS_DEFAULT_REGION=eu-west-1\n" in errors
    assert '"latency": 0.5' in errors
    assert '"max_event_bytes": 1048576' in errors


def test_a_busy_port_is_a_sentence():
    """Without a traceback, it says what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, output, errors = _run("--port", str(port))
    assert (code, output) == (1, "")
    assert errors.startswith(f"Cannot listen on port {port} of 127.0.0.1, which is probably in use")
    assert "Traceback" not in errors


@pytest.mark.parametrize("options", ['{"speed": 1}', '{"deny": ["Sing"]}', "[1]", "{"])
def test_bad_options_are_named(options):
    """A mistyped option ends the program with its usage and a sentence."""
    code, _, errors = _run("--options", options)
    assert code == 2
    assert "error: argument --options: " in errors
    assert "Traceback" not in errors


def test_help_lists_the_options():
    """With their defaults."""
    code, output, _ = _run("--help")
    assert code == 0
    assert '"eventual_consistency": 0' in " ".join(output.split())


def test_it_works_on_the_event_loop_of_windows():
    """It serves, and ends with its parent, on a loop without readers and signal handlers."""
    with _start(sys.executable, "-c", PROACTOR) as process:
        assert process.stdout is not None
        urls = json.loads(process.stdout.readline())
        with urllib.request.urlopen(f"{urls['control_url']}/_control/groups", b"{}") as answer:
            assert json.loads(answer.read()) == {}
        _, errors = process.communicate(timeout=60)  # closes stdin
    assert (process.returncode, errors) == (0, "")
