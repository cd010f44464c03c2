"""Programs without an event loop, from their start to the end of the interpreter: signals and forks included."""

from __future__ import annotations

import json
import signal

import pytest

RECORDS = [f"record {number}" for number in range(100)]
STRICTLY = ("-X", "dev", "-W", "error")


def _messages(server):
    return [text for name in server.streams("/app") for text in server.messages("/app", name)]


@pytest.mark.parametrize("how", ["end", "raise", "exit", "terminated", "at exit"])
def test_ways_to_end(server, run, how):
    """A program delivers everything however it ends, and ends as it does without the library."""
    programs = {ship: run(*STRICTLY, "no_loop.py", how, SHIP=ship) for ship in "01"}
    codes = {ship: program.finish() for ship, program in programs.items()}
    assert codes["1"] == codes["0"]
    assert _messages(server) == RECORDS
    assert programs["1"].err == programs["0"].err
    if how in {"end", "at exit"}:
        assert programs["1"].out[-1] == "[]"


def test_left_by_nobody(server, run):
    """A block that was started and that nobody closes is closed when the interpreter ends."""
    program = run(*STRICTLY, "no_loop.py", "never closed")
    assert program.finish() == 0, program.errors
    assert _messages(server) == RECORDS
    assert (program.out, program.err) == (["ready", "[]"], [])


def test_interrupted(server, run):
    """Ctrl+C delivers everything; then it is a KeyboardInterrupt as ever."""
    programs = {ship: run(*STRICTLY, "no_loop.py", "wait", SHIP=ship) for ship in "01"}
    for program in programs.values():
        program.wait_for_line("ready")
        program.send(signal.SIGINT)
    codes = {ship: program.finish() for ship, program in programs.items()}
    assert codes["1"] == codes["0"] == -signal.SIGINT
    assert _messages(server) == RECORDS
    assert programs["1"].err[-1:] == programs["0"].err[-1:] == ["KeyboardInterrupt"]


def test_interrupted_twice(server, run):
    """A second Ctrl+C ends the wait for an endpoint that does not answer."""
    server.faults.hang()
    program = run(*STRICTLY, "no_loop.py", "wait")
    program.wait_for_line("ready")
    program.send(signal.SIGINT)
    server.wait_for_calls(1, "PutLogEvents")
    program.send(signal.SIGINT)
    assert program.finish() == -signal.SIGINT
    assert program.err[-1] == "KeyboardInterrupt"
    assert len([line for line in program.err if line.startswith("100 records to /app")]) == 1


def test_a_first_interruption_while_leaving_waits(server, run):
    """Ctrl+C while the block is being left is raised when everything has arrived."""
    server.faults.delay(0.5)
    program = run(*STRICTLY, "no_loop.py", "end")
    program.wait_for_line("ready")
    server.wait_for_calls(1, "PutLogEvents")
    program.send(signal.SIGINT)
    assert program.finish() == -signal.SIGINT
    assert _messages(server) == RECORDS


@pytest.mark.parametrize("fault", ["down", "hang"])
def test_dead_endpoint_leaves_nothing_behind(server, run, fault):
    """With a dead endpoint the block is left in time, with one warning and no thread or socket."""
    server.down() if fault == "down" else getattr(server.faults, fault)()
    program = run(*STRICTLY, "dead_end_no_loop.py", "0.5")
    assert program.finish() == 0, program.errors
    left = json.loads(program.out[-1])
    assert left == {"threads": [], "sockets": 0, "dropped": {"shutdown": 25}, "pending": 0}
    [warning] = [line for line in program.err if "could not be delivered" in line]
    assert warning.startswith("25 records to /app (web) ")
    assert not [line for line in program.err if "Traceback" in line or "Warning" in line]


def test_fork(server, run):
    """A forked child delivers in a block of its own, in its own stream, and the parent goes on."""
    program = run("-X", "dev", "no_loop.py", "forked")
    assert program.finish() == 0, program.errors
    assert program.out == ["0"]
    theirs, mine = sorted(
        (server.messages("/app", name) for name in server.streams("/app")), key=len
    )
    assert theirs == ["child before", "child inside", "child at the end"]
    assert sorted(mine) == sorted([*RECORDS, "parent"])
    assert [line for line in program.err if "was forked inside" in line]
    assert "Traceback" not in program.errors


def test_child_leaves_its_parents_block(server, run):
    """A child that leaves the `with` in which it was forked does not end its parent's delivery."""
    program = run("-X", "dev", "no_loop.py", "forked within")
    assert program.finish() == 0, program.errors
    assert program.out == ["0"]
    assert _messages(server) == ["before", "parent"]
    assert "Traceback" not in program.errors
