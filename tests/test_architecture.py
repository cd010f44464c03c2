"""The layers of the library: imports point downward only, and the core touches nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import aiowatchtower

PACKAGE = "aiowatchtower"
ROOT = Path(aiowatchtower.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
TESTS = sorted(Path(__file__).parent.rglob("test_*.py"))
# A file has the length of its subject; above this, it most likely has two.
MAX_LINES = 400

# A room is a folder directly in the package, or a module there. Each may import from the floors below
# and from its own floor.
FLOORS = (
    {"_text", "_version", "_substitute"},
    {"_core"},
    {"_config", "_diagnostics", "_spool"},
    {"_aws", "_intake"},
    {"_shipping"},
    {"_open_block", "_background", "_block"},
    {"asgi"},
    {"_cli", "check"},
    {"__init__", "__main__", "types"},
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
PURE = {"_core", "_text", "_config"}
# Files that are pure although their room is not.
PURE_FILES = {"_spool.format", "_spool.ranges", "_spool.values"}
IMPURE = {"aiobotocore", "aiohttp", "anyio", "asyncio", "botocore", "socket", "threading", "time"}
CLOCKS = {"now", "today", "utcnow"}

# Restates AWS's rules by itself, so that it can judge the rest. What it may import of ours, and why:
TESTING = "testing"
# `_substitute` knows no rule; it is where a test says that its service stands in for AWS.
TESTING_MAY_IMPORT = {"_substitute"}

# The two sides of the edge to aiobotocore, which is not typed: our calls of its client, and the
# stand-in for it.
EDGE = "_aws"
MAY_USE_ANY = {EDGE, "testing._client"}
AWS_LIBRARIES = {"aiobotocore", "aiohttp", "botocore"}


def _room(file: Path) -> str:
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


def _imported_rooms(file: Path) -> set[str]:
    """Return the rooms that a file imports from, its own left out; the package's own names are `__init__`'s."""
    rooms = {_room(found) for found in FILES}
    ours = [path for path in _imports(file) if path[0] == PACKAGE]
    named = {path[1] if len(path) > 1 and path[1] in rooms else "__init__" for path in ours}
    return named - {_room(file)}


def _imported_files(file: Path) -> set[str]:
    """Return the names of our files that a file imports, a folder standing for its `__init__`."""
    names = {_name(found).removesuffix(".__init__") for found in FILES}
    found = set()
    for path in _imports(file):
        if path[0] == PACKAGE:
            longest = (".".join(path[1:end]) for end in range(len(path), 1, -1))
            found.add(next((name for name in longest if name in names), "__init__"))
    return found - {_name(file).removesuffix(".__init__")}


def _each_file(files: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("file", files, ids=_name)


def test_every_room_has_its_floor():
    """A new room is placed in the table before it is used."""
    unplaced = {_room(file) for file in FILES} - set(FLOOR_OF) - {TESTING}
    assert not unplaced, f"place {sorted(unplaced)} in FLOORS of {Path(__file__).name}"


def test_every_folder_states_its_rule():
    """The docstring of a folder's `__init__` says what lives there and what it may do."""
    mute = [_name(f) for f in FILES if f.name == "__init__.py" and not ast.get_docstring(_tree(f))]
    assert not mute


@_each_file([file for file in FILES if _room(file) != TESTING])
def test_imports_point_downward(file: Path):
    """A file imports from its own floor or from those below, and never what tests use."""
    mine = FLOOR_OF[_room(file)]
    upward = {room for room in _imported_rooms(file) if FLOOR_OF.get(room, len(FLOORS)) > mine}
    assert not upward, f"{_name(file)} (floor {mine}) imports {sorted(upward)} from above"


@pytest.mark.parametrize(
    ("named", "imported"),
    [
        pytest.param(_room, _imported_rooms, id="rooms"),
        pytest.param(
            lambda file: _name(file).removesuffix(".__init__"), _imported_files, id="files"
        ),
    ],
)
def test_imports_make_no_cycle(named, imported):
    """No room and no file needs itself, however long the way."""
    graph: dict[str, set[str]] = {}
    for file in FILES:
        graph.setdefault(named(file), set()).update(imported(file))
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@_each_file([file for file in FILES if _room(file) in PURE or _name(file) in PURE_FILES])
def test_pure_rooms_are_pure(file: Path):
    """The pure rooms know no clock, no thread, no network and no event loop."""
    impure = {path[0] for path in _imports(file)} & IMPURE
    assert not impure, f"{_name(file)} imports {sorted(impure)}"
    clocks = {n.attr for n in ast.walk(_tree(file)) if isinstance(n, ast.Attribute)} & CLOCKS
    assert not clocks, f"{_name(file)} reads a clock: {sorted(clocks)}"


@_each_file([file for file in FILES if _room(file) == TESTING])
def test_the_fake_judges_by_itself(file: Path):
    """`testing` states AWS's rules without the modules that it judges."""
    borrowed = _imported_rooms(file) - TESTING_MAY_IMPORT
    assert not borrowed, f"testing imports {sorted(borrowed)}"


@_each_file([file for file in FILES if not {_room(file), _name(file)} & MAY_USE_ANY])
def test_any_stays_at_the_edge(file: Path):
    """`Any` is used where aiobotocore is, and nowhere else."""
    typing_any = [path for path in _imports(file) if path[-1] == "Any"]
    attributes = [n for n in ast.walk(_tree(file)) if isinstance(n, ast.Attribute)]
    assert not typing_any
    assert not [node for node in attributes if node.attr == "Any"]


def test_no_two_classes_share_a_name():
    """A class is named in talk and in tracebacks without its module: one name, one class."""
    places: dict[str, list[str]] = {}
    for file in FILES:
        for node in ast.walk(_tree(file)):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(_name(file))
    shared = {name: files for name, files in places.items() if len(files) > 1}
    assert not shared


@_each_file(FILES)
def test_files_stay_short(file: Path):
    """A module is read in one sitting."""
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{_name(file)} has {lines} lines: split it by what it decides"


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_tests_state_a_behaviour(file: Path):
    """Every test has a docstring that says what is seen; its helpers need none."""
    functions = (
        n for n in ast.walk(_tree(file)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    mute = [n.name for n in functions if n.name.startswith("test_") and not ast.get_docstring(n)]
    assert not mute


def test_the_page_names_files_that_exist():
    """Each file that the architecture page names is there, in the package or among the tests."""
    root = Path(__file__).parents[1]
    page = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)`", page)
    missing = {
        name
        for name in named
        if not any((root / place / name).exists() for place in (".", "src/aiowatchtower"))
    }
    assert named
    assert not missing
