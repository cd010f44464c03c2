"""The report for people."""

from __future__ import annotations

import json
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ._report import Report, Status, Step

_STYLES: Final = {
    Status.OK: "green",
    Status.FAILED: "bold red",
    Status.WARNING: "yellow",
    Status.SKIPPED: "dim",
}


def show(report: Report) -> None:
    """Print the table, then what to do, so that a statement can be copied from it."""
    console = Console(highlight=False)
    table = Table("step", "result", "found")
    for step in report.steps:
        style = _STYLES[step.status]
        found = Text(step.detail, overflow="fold")
        table.add_row(Text(step.name), Text(step.status.value, style), found)
    console.print(table)
    given: set[str] = set()
    for step in report.steps:
        if step.advice and step.advice not in given:
            _print(console, _advice(step))
            given.add(step.advice)
    _print(console, Text(f"\n{report.leaves}"))
    where = f"{report.log_group_name} ({report.log_stream_name})"
    if report.delivers:
        _print(console, Text(f"Records arrive in {where}.", "green"))
    else:
        _print(console, Text(f"Records do not arrive in {where}.", "bold red"))


def _advice(step: Step) -> Text:
    text = Text.assemble("\n", (f"{step.name}: ", _STYLES[step.status]), step.advice)
    if step.statement is not None:
        text.append("\n" + json.dumps(step.statement, indent=2))
    return text


def _print(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True)
