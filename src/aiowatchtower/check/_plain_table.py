"""The report for people where rich is not installed."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import Final

from ._report import Report

_GAP: Final = 2
_MIN_WIDTH: Final = 20


def show(report: Report) -> None:
    """Print the table, then what to do, so that a statement can be copied from it."""
    sys.stdout.write("\n".join(_lines(report, shutil.get_terminal_size().columns)) + "\n")


def _lines(report: Report, columns: int) -> list[str]:
    names = max(len(step.name) for step in report.steps) + _GAP
    results = max(len("result"), *(len(step.status.value) for step in report.steps)) + _GAP
    width = max(_MIN_WIDTH, columns - names - results)
    lines = [f"{'step':{names}}{'result':{results}}found"]
    for step in report.steps:
        found = textwrap.wrap(step.detail, width, break_on_hyphens=False) or [""]
        lines.append(f"{step.name:{names}}{step.status.value:{results}}{found[0]}")
        lines += [" " * (names + results) + more for more in found[1:]]
    for advice in report.advice():
        lines += ["", *wrapped(f"{advice.about}: {advice.text}", columns)]
        if advice.statements:
            lines.append(advice.statements)
    verb = "arrive" if report.delivers else "do not arrive"
    where = f"{report.log_group_name} ({report.log_stream_name})"
    end = f"Records {verb} in {where}."
    return [*lines, "", *wrapped(report.leaves, columns), *wrapped(end, columns)]


def wrapped(text: str, columns: int) -> list[str]:
    """Return lines that fit, but for names and commands that would not survive being cut."""
    return textwrap.wrap(text, columns, break_long_words=False, break_on_hyphens=False)
