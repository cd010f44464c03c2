"""The layers of the library: imports point downward only, and the core touches nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import aiowatchtower

PACKAGE = "aiowatchtower"
ROOT = Path(aiowatchtower.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
TESTS = sorted(Path(__file__).parent.rglob("test_*.py"))
MAX_LINES = 300

# A part is a module, or a folder of modules, directly in the package.
# fmt: off
LAYERS = (
    {"_errors", "_events", "_ledger", "_limits", "_version"},
    {"_advice", "_arguments", "_batcher", "_delivery", "_formatter", "_gaps", "_names", "_retry", "_sanitizer", "_settings", "_stream_queue",
     "_truncate"},
    {"_attachment", "_client", "_connection", "_diagnostics", "_encoder", "_handler", "_inbox", "_loader", "_notices",
     "_pipeline", "_provision", "_resolver", "_sender", "_service", "_session", "_setup", "_shutdown",
     "_substitute", "_threads", "_translate", "_worker"},
    {"_cloudwatch"},
    {"__init__", "__main__", "check"},
)
# fmt: on
LAYER_OF = {part: number for number, parts in enumerate(LAYERS) for part in parts}
PURE = LAYERS[0] | LAYERS[1]
IMPURE = {"aiobotocore", "aiohttp", "anyio", "asyncio", "botocore", "socket", "threading", "time"}
CLOCKS = {"now", "today", "utcnow"}

# Restates AWS's rules by itself, so that it can judge the rest. What it may import of ours, and why:
TESTING = "testing"
# `_substitute` knows no rule; it is where a test says that its service stands in for AWS.
TESTING_MAY_IMPORT = {"_substitute"}

# The two sides of the edge to aiobotocore, which is not typed: the caller of its client, and the
# stand-in for it.
MAY_USE_ANY = {"_client", "_connection", "_resolver", "_session", "testing._client"}


def _part(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def _module(file: Path) -> tuple[str, ...]:
    return (PACKAGE, *file.relative_to(ROOT).with_suffix("").parts)


def _name(file: Path) -> str:
    return ".".join(_module(file)[1:])


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def _imports(file: Path) -> Iterator[tuple[str, ...]]:
    """Yield the dotted path of everything that a file imports anywhere, relative names resolved."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _module(file)[: -node.level] if node.level else ()
            source = (*base, *(node.module.split(".") if node.module else ()))
            yield from ((*source, alias.name) for alias in node.names)


def _imported_parts(file: Path) -> set[str]:
    """Return our own parts that a file imports, itself left out; the package's own names are `__init__`'s."""
    parts = {_part(found) for found in FILES}
    ours = [path for path in _imports(file) if path[0] == PACKAGE]
    named = {path[1] if len(path) > 1 and path[1] in parts else "__init__" for path in ours}
    return named - {_part(file)}


def _each_file(files: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("file", files, ids=_name)


def test_every_module_has_its_layer():
    """A new module is placed in the table before it is used."""
    unplaced = {_part(file) for file in FILES} - set(LAYER_OF) - {TESTING}
    assert not unplaced, f"place {sorted(unplaced)} in LAYERS of {Path(__file__).name}"


@_each_file([file for file in FILES if _part(file) != TESTING])
def test_imports_point_downward(file: Path):
    """A module imports from its own layer or from those below, and never what tests use."""
    mine = LAYER_OF[_part(file)]
    upward = {part for part in _imported_parts(file) if LAYER_OF.get(part, len(LAYERS)) > mine}
    assert not upward, f"{_part(file)} (layer {mine}) imports {sorted(upward)} from above"


def test_imports_make_no_cycle():
    """No module needs itself, however long the way."""
    graph: dict[str, set[str]] = {}
    for file in FILES:
        graph.setdefault(_part(file), set()).update(_imported_parts(file))
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@_each_file([file for file in FILES if _part(file) in PURE])
def test_the_core_is_pure(file: Path):
    """Layers 0 and 1 know no clock, no thread, no network and no event loop."""
    impure = {path[0] for path in _imports(file)} & IMPURE
    assert not impure, f"{_part(file)} imports {sorted(impure)}"
    clocks = {n.attr for n in ast.walk(_tree(file)) if isinstance(n, ast.Attribute)} & CLOCKS
    assert not clocks, f"{_part(file)} reads a clock: {sorted(clocks)}"


@_each_file([file for file in FILES if _part(file) == TESTING])
def test_the_fake_judges_by_itself(file: Path):
    """`testing` states AWS's rules without the modules that it judges."""
    borrowed = _imported_parts(file) - TESTING_MAY_IMPORT
    assert not borrowed, f"testing imports {sorted(borrowed)}"


@_each_file([file for file in FILES if _name(file) not in MAY_USE_ANY])
def test_any_stays_at_the_edge(file: Path):
    """`Any` is used where aiobotocore is, and nowhere else."""
    typing_any = [path for path in _imports(file) if path[-1] == "Any"]
    attributes = [n for n in ast.walk(_tree(file)) if isinstance(n, ast.Attribute)]
    assert not typing_any
    assert not [node for node in attributes if node.attr == "Any"]


@_each_file(FILES)
def test_files_stay_short(file: Path):
    """A module is read in one sitting."""
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{_part(file)} has {lines} lines: split it by what it decides"


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_tests_state_a_behaviour(file: Path):
    """Every test has a docstring that says what is seen; its helpers need none."""
    functions = (
        n for n in ast.walk(_tree(file)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    mute = [n.name for n in functions if n.name.startswith("test_") and not ast.get_docstring(n)]
    assert not mute
