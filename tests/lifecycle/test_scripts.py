"""Plain scripts from their start to the end of the interpreter, signals included."""

from __future__ import annotations

import contextlib
import json
import signal
import socketserver
import ssl
import sys
import threading

import pytest
import trustme
from tests.programs import PATIENCE_SECONDS

# What a library that leaves something behind makes Python or aiohttp print.
LEFTOVERS = ("never retrieved", "was destroyed", "never awaited", "Unclosed", "unclosed", "ignored")


def _is_clean(errors):
    return not [word for word in LEFTOVERS if word in errors]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize(
    ("how", "code", "last_words"),
    [
        ("end", 0, []),
        ("raise", 1, ["ValueError: wrong"]),
        ("exit", 3, []),
        ("exit in a task", 3, []),
    ],
)
def test_ways_to_end(server, run, how, code, last_words, loop):
    """A script delivers everything however it ends, and ends as any Python program does."""
    program = run("plain.py", how, loop)
    assert program.finish() == code
    assert server.messages("/app") == [f"record {number}" for number in range(100)]
    assert program.err[-1:] == last_words
    assert "ExceptionGroup" not in program.errors
    if how == "end":
        assert program.errors == ""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_interrupted(server, run, loop):
    """Ctrl+C in a plain script delivers everything; then it is a KeyboardInterrupt as ever."""
    program = run("plain.py", "wait", loop)
    program.wait_for_line("ready")
    assert program.stop(signal.SIGINT) == -signal.SIGINT
    assert server.messages("/app") == [f"record {number}" for number in range(100)]
    assert program.err[-1:] == ["KeyboardInterrupt"]
    assert _is_clean(program.errors)


def test_interrupted_twice(server, run):
    """A second Ctrl+C ends the wait for an endpoint that does not answer."""
    server.faults.hang()
    program = run("plain.py", "wait")
    program.wait_for_line("ready")
    program.send(signal.SIGINT)
    server.wait_for_calls(1, "PutLogEvents")
    program.send(signal.SIGINT)
    code = program.finish()
    assert code == -signal.SIGINT
    assert "KeyboardInterrupt" in program.err
    assert "Unclosed" not in program.errors
    # Before 3.11 the loop may be gone before anybody can say so.
    told = [line for line in program.err if line.startswith("100 records to /app (web) could")]
    assert len(told) == 1 or (sys.version_info < (3, 11) and not told)


def test_no_signal_handler(server, run):
    """SIGTERM does to a plain script what it does without the library: nothing here handles signals."""
    program = run("plain.py", "wait")
    program.wait_for_line("ready")
    assert program.stop(signal.SIGTERM) == -signal.SIGTERM
    assert program.errors == ""


@pytest.mark.parametrize("fault", ["down", "hang", "never_read", "reset_before_reading", "cut"])
def test_dead_endpoint_leaves_nothing_behind(server, run, fault):
    """With a dead endpoint the block is left in time, with one warning and no task, thread or socket."""
    server.down() if fault == "down" else getattr(server.faults, fault)()
    program = run("-X", "dev", "-W", "error", "dead_end.py", "0.5")
    assert program.finish() == 0, program.errors
    left = json.loads(program.out[-1])
    assert left == {
        "tasks": [], "threads": [], "sockets": 0, "dropped": {"shutdown": 25}, "pending": 0,
    }  # fmt: skip
    [warning] = [line for line in program.err if "could not be delivered" in line]
    assert warning.startswith("25 records to /app (web) ")
    assert _is_clean(program.errors)
    assert "Traceback" not in program.errors


@pytest.mark.parametrize("how", ["left", "thread", "never left"])
def test_records_at_the_end_of_the_interpreter(server, run, how):
    """Records from atexit, `__del__` and late threads, after the loop was closed, harm nothing."""
    program = run("-X", "dev", "late.py", how)
    code = program.finish()
    assert code == 0, program.errors
    assert server.messages("/app") == ["inside"]
    assert program.out == ["ends"]
    assert "Traceback" not in program.errors
    assert "Exception" not in program.errors
    warnings = [line for line in program.err if "after the block" in line]
    assert len(warnings) == (0 if how == "never left" else 1)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_fork_inside_the_block(server, run, loop):
    """A forked child never blocks, has none of its parent's records, and delivers in a block of its own."""
    program = run("-W", "ignore::DeprecationWarning", "forks.py", loop)
    assert program.finish() == 0, program.errors
    report = json.loads(program.out[-1])
    assert report["codes"] == [0] * 8
    parent = str(report["pid"])
    mine = [
        f"{name} {number}" for name, count in report["counts"].items() for number in range(count)
    ]
    assert sorted(server.messages("/app", parent)) == sorted([*mine, "last"])
    assert (report["delivered"], report["pending"]) == (len(mine) + 1, 0)
    others = [server.messages("/app", each) for each in server.streams("/app") if each != parent]
    assert sorted(others) == [
        [f"child {number} {when}" for when in ("before", "again", "inside")] for number in range(8)
    ]
    warnings = [line for line in program.err if "was forked" in line]
    assert len(warnings) == 8
    assert "from_handler" in warnings[0]


@pytest.mark.parametrize("turns", ["0", "1", "2"])
def test_a_loop_that_ends_right_after_entry_is_no_trouble(run, turns):
    """A program that ends in the turns after entering a block ends without a warning."""
    program = run("-X", "dev", "-W", "always", "one_turn.py", turns)
    assert program.finish() == 0
    assert "never awaited" not in program.errors


@pytest.mark.parametrize(
    ("how", "lost"),
    [("closed", 3), ("logs on", 4), ("not closed", 3), ("runs on", 3), ("delivered", 0)],
)
def test_started_and_never_left(run, how, lost):
    """A program that never closes what it has started is told at its end what it has lost by that."""
    program = run("never_left.py", how)
    assert program.finish() == 0, program.errors
    said = [line for line in program.err if "never left" in line]
    assert [line.split()[0] for line in said] == ([str(lost)] if lost else [])
    assert all("aclose()" in line for line in said)


@pytest.mark.parametrize("turns", ["0", "2", "until a put fails"])
def test_a_loop_that_is_closed_inside_the_block_is_no_trouble(server, run, turns):
    """A program whose loop is stopped and closed inside the block ends in order, and nothing of ours raises."""
    server.down()
    program = run("-X", "dev", "-W", "always", "stopped.py", turns)
    assert program.finish() == 0, program.errors
    assert program.out == ["filters: [] handlers: []", "pending: 1"]
    assert "Traceback" not in program.errors
    assert "Exception ignored" not in program.errors
    assert "never awaited" not in program.errors


@pytest.fixture
def hung_over_tls(tmp_path):
    """Return a URL of https, a file with its authority, and an event for a request that is never answered."""
    authority, is_asked = trustme.CA(), threading.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    class Hangs(socketserver.BaseRequestHandler):
        def handle(self):
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as tls,
            ):
                while tls.recv(65536):
                    is_asked.set()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Hangs) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        yield f"https://127.0.0.1:{listening.server_address[1]}", tmp_path / "ca.pem", is_asked
        listening.shutdown()
        thread.join()


def test_cancelled_twice_over_tls(server, run, hung_over_tls):
    """A second cancellation while a put over TLS hangs leaves no socket or task behind."""
    url, authority, is_asked = hung_over_tls
    program = run(
        "-X", "dev", "-W", "always", "cancelled_twice.py",
        AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=url, AWS_CA_BUNDLE=str(authority),
    )  # fmt: skip
    assert is_asked.wait(PATIENCE_SECONDS)
    program.send(signal.SIGUSR1)
    assert program.finish() == 0, program.errors
    assert program.out == ["dropped: {'shutdown': 1} pending: 0"]
    assert _is_clean(program.errors), program.errors
    assert "ResourceWarning" not in program.errors
