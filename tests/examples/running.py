"""Run or check one block of a document, by its language."""

from __future__ import annotations

import doctest
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from tests.examples.programs import environment

if TYPE_CHECKING:
    from tests.examples.blocks import Block

    from aiowatchtower.testing import CloudWatchServer

RUN_BLOCK = Path(__file__).with_name("run_block.py")
_ENTERS = re.compile(r"async with CloudWatchLogging|with CloudWatchLogging|\bstart_background\(")
_TESTS = re.compile(r"^ *(async )?def test_", re.MULTILINE)
_SHELLS = {"bash", "sh", "shell"}
_AS_SHOWN = doctest.ELLIPSIS | doctest.REPORT_NDIFF
_PATIENCE_SECONDS = 110


def check(block: Block, server: CloudWatchServer, folder: Path) -> None:
    """Run the block or read it, by its language; where it enters a block of ours, something arrives."""
    if block.not_run:
        pytest.skip(f"{block}: {block.not_run}")
    for file, text in block.beside.items():
        (folder / file).write_text(text, encoding="utf-8")
    if block.printed_by:
        _expect(block, block.text, _shell(block.printed_by, server, folder))
    elif block.language == "python":
        _check_python(block, server, folder)
    elif block.language == "yaml":
        _check_yaml(block, server, folder)
    elif block.language == "json":
        json.loads(block.text)
    elif block.language in _SHELLS:
        _check_shell(block, server, folder)


def _check_python(block: Block, server: CloudWatchServer, folder: Path) -> None:
    if _TESTS.search(block.text):
        options = ("-m", "pytest", "-p", "no:cacheprovider")
        said = _run(block, "test_block.py", options, server, folder)
        assert re.search(r"\d+ passed", said), said
        return
    said = _run(block, block.file or "block.py", (str(RUN_BLOCK),), server, folder)
    if _ENTERS.search(block.text) and "aiowatchtower.testing" not in block.text:
        hint = "is it complete, and is the level of its logger low enough?"
        assert server.accepted, f"{block} has shipped nothing: {hint}\n{said}"
    if block.prints is not None:
        _expect(block, block.prints, said)


def _check_yaml(block: Block, server: CloudWatchServer, folder: Path) -> None:
    """Read it; what configures logging with our handler delivers."""
    assert list(yaml.safe_load_all(block.text))
    if "aiowatchtower." in block.text:
        said = _run(block, "block.yaml", (str(RUN_BLOCK),), server, folder)
        assert server.accepted, f"{block} has shipped nothing:\n{said}"


def _check_shell(block: Block, server: CloudWatchServer, folder: Path) -> None:
    """Commands have no syntax error; where the document shows what they print, they are run."""
    if block.prints is not None:
        _expect(block, block.prints, _shell(block.text, server, folder))
        return
    bash = shutil.which("bash") or pytest.skip("no bash on this machine")
    checked = subprocess.run(
        [bash, "-n"], input=block.text, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, f"{block}: {checked.stderr}"


def _run(
    block: Block, name: str, command: tuple[str, ...], server: CloudWatchServer, folder: Path
) -> str:
    (folder / name).write_text(block.text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, *command, str(folder / name)],
        check=False,
        cwd=folder,
        env=environment(server),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_PATIENCE_SECONDS,
    )
    assert done.returncode == 0, f"{block} fails:\n{done.stdout}"
    return done.stdout


def _shell(command: str, server: CloudWatchServer, folder: Path) -> str:
    """Return what the command prints, with this Python as `python` and a terminal's usual width."""
    variables = environment(server, COLUMNS="100", NO_COLOR="1")
    variables["PATH"] = f"{Path(sys.executable).parent}:{variables['PATH']}"
    done = subprocess.run(
        command,
        shell=True,
        check=False,
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_PATIENCE_SECONDS,
    )
    return done.stdout


def _expect(block: Block, shown: str, printed: str) -> None:
    """Compare line by line without trailing blanks; `...` stands for anything."""
    said = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    if not doctest.OutputChecker().check_output(shown, said, _AS_SHOWN):
        message = f"{block} shows\n{shown}\nwhere this is printed:\n{said}"
        raise AssertionError(message)
