"""The documentation names everything that there is: messages, settings, statistics, codes."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import aiowatchtower
from aiowatchtower import CloudWatchLogging, Statistics

PACKAGE = Path(aiowatchtower.__file__).parent
DOCS = Path(__file__).parents[1] / "docs"
TROUBLESHOOTING = DOCS / "troubleshooting.md"
ADVICE_FILE = PACKAGE / "_core" / "advice.py"
SETTINGS = DOCS / "reference" / "settings.md"
STATISTICS = DOCS / "reference" / "statistics.md"

# The library speaks through these; the message is the argument with this number.
_SPEAKS = {"warn": 1, "recovered": 1, "say": 1, "_say": 1, "_say_over": 1, "Notice": 1}
# Here messages only pass through.
_PASSES_ON = "_diagnostics"
# A piece of text shorter than this is no help in finding a message.
_TELLING = 10


def _flat(text: str) -> str:
    """Return the text as both sides compare it: one blank between words, no marks of Markdown."""
    words = re.sub(r"\n> |\s+", " ", re.sub(r"[`*\\]", "", text))
    return re.sub(r" +", " ", words).strip().lower()


def _files() -> Iterator[tuple[Path, ast.Module]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        if "testing" not in file.relative_to(PACKAGE).parts:
            yield file, ast.parse(file.read_text(encoding="utf-8"))


def _pieces(node: ast.AST, constants: dict[str, ast.expr]) -> Iterator[str]:
    """Yield the literal pieces of a message, in order; names of constants are looked up."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name) and node.id in constants:
        yield from _pieces(constants[node.id], constants)
    elif isinstance(node, (ast.JoinedStr, ast.BinOp, ast.IfExp)):
        for child in ast.iter_child_nodes(node):
            yield from _pieces(child, constants)
    elif isinstance(node, ast.FormattedValue) and isinstance(node.value, (ast.Name, ast.IfExp)):
        yield from _pieces(node.value, constants)


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            found[node.target.id] = node.value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
    return found


def _said(call: ast.Call) -> ast.expr | None:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name not in _SPEAKS:
        return None
    by_keyword = [keyword.value for keyword in call.keywords if keyword.arg == "message"]
    return (call.args + by_keyword)[_SPEAKS[name]] if len(call.args + by_keyword) > 1 else None


def _messages() -> Iterator[tuple[str, list[str]]]:
    """Yield where each message stands in the source, and its literal pieces."""
    for file, tree in _files():
        constants = _constants(tree)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            message = _said(call)
            if message is None or file.parent.name == _PASSES_ON:
                continue
            if isinstance(message, ast.Attribute) or getattr(message, "id", None) == "text":
                # What another part has said already passes through.
                continue
            place = f"{file.relative_to(PACKAGE).as_posix()}:{call.lineno}"
            yield place, [piece for piece in _pieces(message, constants) if piece.strip()]


def _advice() -> Iterator[tuple[str, list[str]]]:
    """Yield each sentence of advice; docstrings are sentences too, and no advice."""
    tree = ast.parse(ADVICE_FILE.read_text(encoding="utf-8"))
    kinds = (ast.Module, ast.FunctionDef, ast.ClassDef)
    documented = {
        ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, kinds)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        text = node.value
        is_sentence = " " in text and text.rstrip().endswith((".", "html", ":"))
        if is_sentence and text not in documented and len(text) >= _TELLING:
            yield f"advice:{node.lineno}", [text]


MESSAGES = [pytest.param(pieces, id=place) for place, pieces in _messages()]
ADVICE = [pytest.param(pieces, id=place) for place, pieces in _advice()]


def test_messages_are_found():
    """The source is understood: there are about as many messages as the library has."""
    assert len(MESSAGES) >= 15
    assert len(ADVICE) >= 15


@pytest.mark.parametrize("pieces", [*MESSAGES, *ADVICE])
def test_every_message_is_explained(pieces):
    """Whoever searches the page for a message finds it: each piece of its text stands there."""
    page = _flat(TROUBLESHOOTING.read_text(encoding="utf-8"))
    telling = [piece for piece in map(_flat, pieces) if len(piece) >= _TELLING]
    assert telling, f"{pieces}: a message without words of its own cannot be looked up"
    missing = [piece for piece in telling if piece not in page]
    assert not missing, f"add to {TROUBLESHOOTING.name}: {missing}"


def test_every_code_of_ours_is_explained():
    """The codes for what never reached AWS stand on the page."""
    source = (PACKAGE / "_aws" / "errors.py").read_text(encoding="utf-8")
    codes = set(re.findall(r'"([A-Z]\w+)", (?:True|False)', source))
    page = TROUBLESHOOTING.read_text(encoding="utf-8")
    assert codes
    assert not {code for code in codes if code not in page}


def _rows(page: Path) -> dict[str, str]:
    """Return the second column of each row whose first is one name in backticks."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(rows)


def test_every_setting_is_explained_with_its_default():
    """The page of settings has each argument, and its default."""
    rows = _rows(SETTINGS)
    for name, parameter in inspect.signature(CloudWatchLogging).parameters.items():
        assert name in rows, f"add {name} to {SETTINGS.name}"
        if parameter.default is inspect.Parameter.empty:
            assert rows[name] == "required"
        elif name == "level":
            assert rows[name] == "`NOTSET`"
        else:
            shown = rows[name].strip("`")
            default = parameter.default
            assert shown in {repr(default), str(default), repr(default).replace("'", '"')}, name


def test_every_statistic_is_explained():
    """The page of statistics has each field, and each reason that the docstring names."""
    rows = _rows(STATISTICS)
    assert [field.name for field in fields(Statistics) if field.name not in rows] == []


def test_the_architecture_page_names_what_there_is():
    """Each file that the page sends its reader to exists."""
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.py)`", page))
    assert len(named) > 20
    roots = (PACKAGE, DOCS.parent)
    assert sorted(n for n in named if not any((root / n).exists() for root in roots)) == []
