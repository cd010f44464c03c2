"""The code blocks of a Markdown file.

A block runs or is checked as it stands, unless the line before it says why not, as
`<!-- not-run: reason -->`, or it is Python that starts with a comment, which is then the reason.
`<!-- file: NAME -->` before a block puts it, under that name, beside those that follow.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FENCE = re.compile(r"^ {0,3}```(\w*)\s*$")
_REMARK = re.compile(r"^\s*<!-- (not-run|file): (.*?) -->\s*$")


class Block(NamedTuple):
    document: Path
    line: int
    language: str
    text: str
    not_run: str
    file: str
    beside: dict[str, str]
    """The texts of the files that earlier blocks are, by name."""

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"


def blocks(document: Path) -> Iterator[Block]:
    """Yield the blocks that name their language, in order."""
    lines = iter(enumerate(document.read_text(encoding="utf-8").splitlines(), 1))
    remarks: dict[str, str] = {}
    files: dict[str, str] = {}
    for number, line in lines:
        if remark := _REMARK.match(line):
            remarks[remark[1]] = remark[2]
        elif fence := _FENCE.match(line):
            text = "".join(f"{inner}\n" for inner in _until_fence(lines))
            block = _block(document, number, fence[1], text, remarks, dict(files))
            remarks = {}
            if block.file:
                files[block.file] = block.text
            if block.language:
                yield block
        elif line.strip():
            remarks = {}


def _until_fence(lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    for _, line in lines:
        if _FENCE.match(line):
            return
        yield line


def _block(
    document: Path,
    number: int,
    language: str,
    text: str,
    remarks: dict[str, str],
    beside: dict[str, str],
) -> Block:
    reason = remarks.get("not-run", "")
    if not reason and language == "python" and text.startswith("#"):
        reason = text.splitlines()[0].lstrip("# ")
    return Block(document, number, language, text, reason, remarks.get("file", ""), beside)
