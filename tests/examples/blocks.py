"""The code blocks of a Markdown file, and what remarks in the line before a block say about it.

- `<!-- not-run: reason -->`: the block is neither run nor checked. Every other block is.
- `<!-- file: NAME -->`: the block is a file of that name, which lies beside each later block.
- `<!-- printed -->`: the text is all that the block before it prints; `...` stands for what varies.
- `<!-- printed-by: COMMAND -->`: the text is all that this shell command prints.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FENCE = re.compile(r"^ {0,3}```([\w-]*|\{[\w-]+\}.*)\s*$")
_REMARK = re.compile(r"^\s*<!-- (not-run|file|printed|printed-by)(?:: (.*?))? -->\s*$")


class Block(NamedTuple):
    document: Path
    line: int
    language: str
    text: str
    not_run: str
    file: str
    beside: dict[str, str]
    """The texts of the files that earlier blocks are, by name."""
    printed_by: str = ""
    prints: str | None = None
    """All that the block prints when it is run; None where the document does not show it."""

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"


def blocks(document: Path) -> list[Block]:
    """Return the blocks that name their language, in order."""
    lines = iter(enumerate(document.read_text(encoding="utf-8").splitlines(), 1))
    remarks: dict[str, str] = {}
    files: dict[str, str] = {}
    found: list[Block] = []
    for number, line in lines:
        if remark := _REMARK.match(line):
            remarks[remark[1]] = remark[2] or ""
        elif fence := _FENCE.match(line):
            text = "".join(f"{inner}\n" for inner in _until_fence(lines))
            block = _block(document, number, fence[1], text, remarks, dict(files))
            if "printed" in remarks:
                found[-1] = found[-1]._replace(prints=text)
            elif block.language and not block.language.startswith("{"):
                # Braces name a directive of the site.
                found.append(block)
            if block.file:
                files[block.file] = block.text
            remarks = {}
        elif line.strip():
            remarks = {}
    return found


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
    return Block(
        document,
        number,
        language,
        text,
        remarks.get("not-run", ""),
        remarks.get("file", ""),
        beside,
        remarks.get("printed-by", ""),
    )
