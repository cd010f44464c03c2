"""The code in the documents does what it says: see `blocks` for what is run and what is not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.examples.blocks import blocks
from tests.examples.programs import EXAMPLES, ROOT, environment

DOCUMENTS = [ROOT / "README.md", EXAMPLES / "watchtower_migration.md"]
BLOCKS = [block for document in DOCUMENTS for block in blocks(document)]
RUN_BLOCK = Path(__file__).with_name("run_block.py")
_ENTERS = re.compile(r"async with CloudWatchLogging")
_TESTS = re.compile(r"^(async )?def test_", re.MULTILINE)
_SHELLS = {"bash", "sh", "shell"}


def _written_in(*languages):
    chosen = [block for block in BLOCKS if block.language in languages]
    return pytest.mark.parametrize("block", chosen, ids=str)


def _run(block, name, command, server, folder):
    for file, text in block.beside.items():
        (folder / file).write_text(text, encoding="utf-8")
    (folder / name).write_text(block.text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, *command, str(folder / name)],
        check=False,
        cwd=folder,
        env=environment(server),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, f"{block} fails:\n{done.stdout}"
    return done.stdout


def _skip_what_is_not_run(block):
    if block.not_run:
        pytest.skip(f"{block}: {block.not_run}")


@_written_in("python")
def test_python_runs(block, server, tmp_path):
    """A Python block runs as it stands; where it enters a block of ours, something arrives."""
    _skip_what_is_not_run(block)
    if _TESTS.search(block.text):
        said = _run(
            block, "test_block.py", ("-m", "pytest", "-p", "no:cacheprovider"), server, tmp_path
        )
        assert re.search(r"\d+ passed", said)
        return
    said = _run(block, "block.py", (str(RUN_BLOCK),), server, tmp_path)
    if _ENTERS.search(block.text):
        hint = "is it complete, and is the level of its logger low enough?"
        assert server.accepted, f"{block} has shipped nothing: {hint}\n{said}"


@_written_in("yaml")
def test_yaml_is_valid(block, server, tmp_path):
    """A YAML block can be read, and what configures logging with our handler delivers."""
    _skip_what_is_not_run(block)
    assert yaml.safe_load(block.text) is not None
    if "aiowatchtower." in block.text:
        said = _run(block, "block.yaml", (str(RUN_BLOCK),), server, tmp_path)
        assert server.accepted, f"{block} has shipped nothing:\n{said}"


@_written_in("json")
def test_json_is_valid(block):
    """A JSON block, such as an IAM policy, can be read."""
    _skip_what_is_not_run(block)
    json.loads(block.text)


@_written_in(*_SHELLS)
def test_shell_is_valid(block):
    """A block of shell commands has no syntax error."""
    _skip_what_is_not_run(block)
    bash = shutil.which("bash") or pytest.skip("no bash on this machine")
    checked = subprocess.run(
        [bash, "-n"], input=block.text, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, f"{block}: {checked.stderr}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_most_blocks_run(document):
    """What is marked as not run is the exception."""
    python = [block for block in blocks(document) if block.language == "python"]
    run = [block for block in python if not block.not_run]
    assert len(run) > len(python) / 2
