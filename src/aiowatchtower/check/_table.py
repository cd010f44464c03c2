"""The report for people."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ._plain_table import wrapped
from ._report import Report, Status

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
    for advice in report.advice():
        console.print()
        _print(console, advice.text, f"{advice.about}: ", _STYLES[advice.status])
        if advice.statements:
            # Unwrapped, since it is to be copied.
            console.print(advice.statements, soft_wrap=True)
    console.print()
    _print(console, report.leaves)
    where = f"{report.log_group_name} ({report.log_stream_name})"
    if report.delivers:
        _print(console, f"Records arrive in {where}.", style="green")
    else:
        _print(console, f"Records do not arrive in {where}.", style="bold red")


def _print(console: Console, text: str, about: str = "", style: str = "") -> None:
    """Print ``about`` in its style and ``text``, or all in the style; as lines that fit."""
    lines = Text("\n".join(wrapped(f"{about}{text}", console.width)), "" if about else style)
    lines.stylize(style, 0, len(about))
    console.print(lines, soft_wrap=True)
