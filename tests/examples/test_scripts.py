"""The examples that run to their end by themselves."""

from __future__ import annotations

import json

import pytest
from tests.examples.programs import run


def _json(messages):
    return [json.loads(message) for message in messages]


def test_script(server):
    """A script's text, mapping, thread and traceback are delivered when its block is left."""
    run("script.py", server=server)

    text, mapping, threaded, failure = server.messages("/examples/script")
    assert text == "the job begins"
    assert json.loads(mapping) == {"event": "order shipped", "order": 7, "items": ["tea", "cup"]}
    assert threaded == "a thread's records are shipped, too"
    assert failure.startswith("a step failed\nTraceback (most recent call last):\n")
    assert failure.endswith("ZeroDivisionError: division by zero")


def test_script_names_its_stream(server):
    """By default there is one stream for each process, named after machine, program and process."""
    run("script.py", server=server)
    run("script.py", server=server)

    streams = server.streams("/examples/script")
    assert len(set(streams)) == 2
    for stream in streams:
        _machine, program, process = stream.split("/")
        assert program == "script.py"
        assert process.isdigit()


def test_dictconfig_app(server):
    """A handler declared in YAML delivers what was logged before and in the block, once each."""
    run("dictconfig_app.py", server=server)

    early, shipped = _json(server.messages("/examples/dictconfig"))
    assert early["message"] == "records from before the block are kept and delivered, too"
    assert (shipped["message"], shipped["order"]) == ("order shipped", 7)
    assert (shipped["level"], shipped["logger"]) == ("INFO", "shop")
    group = server.groups["/examples/dictconfig"]
    assert group.retention_days == 30
    assert [stream.split("/")[1] for stream in group.streams] == ["shop"]


@pytest.mark.parametrize("program", ["script.py", "dictconfig_app.py"])
def test_switched_off(server, program):
    """With AIOWATCHTOWER_ENABLED=0 an example runs as ever, and no request is made."""
    run(program, server=server, AIOWATCHTOWER_ENABLED="0")

    assert server.requests == []
