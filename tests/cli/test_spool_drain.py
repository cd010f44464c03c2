"""The spool command, as it delivers what dead processes have left."""

from __future__ import annotations

import json
from pathlib import Path

from tests.spool.keepers import about, events, keeper

from aiowatchtower._cli.spool import main
from aiowatchtower._spool.files import DiskFiles


def _leave(root: Path, first: int, last: int, group: str = "/app/web") -> None:
    dead = keeper(DiskFiles(), str(root), whose=about(group=group, region="us-east-1"))
    dead.store(events(first, last), [], 0.0)
    dead._files.forget()


def test_what_is_left_is_delivered_for_every_group(server, tmp_path, capsys):
    """``drain`` delivers the records of all dead owners, leaves nothing, and exits with 0."""
    root = tmp_path / "spool"
    _leave(root, 1, 5)
    _leave(root, 6, 9)
    _leave(root, 1, 2, "/other")
    assert main([str(root), "drain", "--endpoint-url", server.url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 0
    assert list(root.iterdir()) == []
    assert {call.group for call in server.calls("PutLogEvents")} == {"/app/web", "/other"}


def test_what_cannot_be_delivered_is_an_exit_code(server, tmp_path, capsys):
    """With an endpoint that is down, everything stays where it is, and the exit code is 1."""
    root = tmp_path / "spool"
    _leave(root, 1, 5)
    server.down()
    arguments = [str(root), "drain", "--endpoint-url", server.url, "--timeout", "0.5", "--json"]
    assert main(arguments) == 1
    assert json.loads(capsys.readouterr().out)["records"] == 5
