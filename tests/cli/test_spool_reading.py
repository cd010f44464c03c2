"""The spool command, as far as it only reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.spool.keepers import about, events, keeper, numbers

from aiowatchtower._cli.spool import main
from aiowatchtower._spool.files import DiskFiles


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a spool with a living owner, a dead one, and one that was set aside."""
    root = tmp_path / "spool"
    keeper(DiskFiles(), str(root), whose=about(11)).store(events(1, 2), [], 0.0)
    dead = keeper(DiskFiles(), str(root), whose=about(12))
    dead.store(events(1, 6, "h\u00e9llo"), [], 0.0)
    dead.note("done", numbers(events(2, 3)), 0.0)
    dead._files.forget()
    bad = keeper(DiskFiles(), str(root), whose=about(13, "/other"))
    bad.store(events(1, 1), [], 0.0)
    bad._files.forget()
    Path(bad.path).rename(bad.path + ".bad")
    return root


def _before(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def _listed(root: Path, capsys, action: str = "ls") -> dict:
    assert main([str(root), action, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_owners_are_listed_for_machines(root, capsys):
    """Each owner's state, process, group and records are in the object that --json prints."""
    before = _before(root)
    found = _listed(root, capsys)
    assert found["records"] == 7
    assert found["bytes"] == sum(map(len, before.values()))
    owners = {each["pid"]: each for each in found["owners"]}
    assert {pid: each["state"] for pid, each in owners.items()} == {
        11: "alive", 12: "dead", 13: "set aside"
    }  # fmt: skip
    assert owners[12] | {"directory": "", "bytes": 0} == {
        "directory": "",
        "state": "dead",
        "pid": 12,
        "host": "box",
        "started": "2023-11-14T22:13:20.000Z",
        "log_group_name": "/app/web",
        "region_name": "eu-central-1",
        "records": 4,
        "bytes": 0,
        "oldest": "2023-11-14T22:13:20.001Z",
        "newest": "2023-11-14T22:13:20.006Z",
        "damaged_lines": 0,
        "strikes": 0,
    }
    assert _before(root) == before


def test_owners_are_listed_for_people(root, capsys):
    """Without an action the owners are listed in words."""
    assert main([str(root)]) == 0
    out = capsys.readouterr().out
    assert "dead: process 12 on box, from 2023-11-14T22:13:20.000Z" in out
    assert "log group /app/web, region eu-central-1" in out
    assert "4 records" in out


def test_records_are_shown_as_json_lines(root, capsys):
    """What is not delivered is printed with its group, stream, time and text."""
    assert main([str(root), "show"]) == 0
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert len(lines) == 7
    assert [each["message"] for each in lines if each["message"].startswith("h\u00e9")] == [
        f"h\u00e9llo {number}" for number in (1, 4, 5, 6)
    ]
    assert {each["log_group_name"] for each in lines} == {"/app/web", "/other"}
    assert lines[0]["log_stream_name"] == "s"
    assert lines[0]["timestamp"] == 1_700_000_000_001


def test_damage_is_an_exit_code(root, capsys):
    """``check`` exits with 2 when a line is damaged, and with 0 when a kill has torn the last one."""
    assert main([str(root), "check"]) == 0
    assert capsys.readouterr().out.endswith("no line is damaged\n")
    log = next(path for path in root.rglob("*.log") if b"h\xc3\xa9llo" in path.read_bytes())
    whole = log.read_bytes()
    log.write_bytes(whole + whole.splitlines()[1][:50])
    assert main([str(root), "check"]) == 0
    log.write_bytes(whole.replace(b"llo 4", b"LLO 4"))
    capsys.readouterr()
    assert main([str(root), "check"]) == 2
    assert "1 damaged lines" in capsys.readouterr().out


@pytest.mark.parametrize("made", ["nothing", "file"])
def test_a_directory_that_is_none_is_wrong_usage(tmp_path, capsys, made):
    """A path that is missing, or is a file, is said, with exit code 2."""
    path = tmp_path / "spool"
    if made == "file":
        path.write_text("x")
    with pytest.raises(SystemExit) as exit_:
        main([str(path)])
    assert exit_.value.code == 2
    assert str(path) in capsys.readouterr().err


def test_an_empty_spool_is_said_to_be_empty(tmp_path, capsys):
    """Where nothing is left, that is what is printed, and the exit code is 0."""
    assert main([str(tmp_path)]) == 0
    assert "nothing is in the spool" in capsys.readouterr().out
