"""The printed tables, in Markdown so that they can be quoted as they are."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from figures import Row, Samples

_COLUMNS = {
    "cpu_us": ("CPU us/record", 2),
    "records_s": ("records/s", 0),
    "caller_us": ("caller us", 2),
    "gap_ms": ("longest gap ms", 1),
    "callback_ms": ("longest callback ms", 1),
    "wire_ratio": ("wire/message bytes", 2),
    "lost": ("lost", 0),
    "server_share": ("server busy", 2),
}


def promises(rows: Sequence[Row]) -> str:
    """Give the table of what must be reached."""
    header = ["figure", "must", "aim", "measured (min to max)", "verdict"]
    return markdown(header, [_promise(row) for row in rows])


def _promise(row: Row) -> list[str]:
    sign = ">=" if row.more_is_better else "<="
    limits = [f"{sign} {_number(limit)} {row.unit}".strip() for limit in (row.must, row.aim)]
    return [row.figure, *limits, _measured(row), row.verdict]


def _measured(row: Row) -> str:
    if not row.values:
        return "-"
    low, high = _number(min(row.values)), _number(max(row.values))
    best = "best " if row.best_of_rounds else ""
    return f"{best}{_number(row.measured)} {row.unit} ({low} to {high})".replace("  ", " ")


def _number(value: float) -> str:
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}"


def details(samples: Samples) -> str:
    """Give the medians behind the ratios, one line for each case and client."""
    header = ["case", "client", *(title for title, _ in _COLUMNS.values())]
    lines = [
        [*pair, *(_median(samples, pair, key) for key in _COLUMNS)] for pair in samples.pairs()
    ]
    return markdown(header, lines)


def _median(samples: Samples, pair: tuple[str, str], key: str) -> str:
    values = samples.of(*pair, key)
    return f"{statistics.median(values):.{_COLUMNS[key][1]}f}" if values else ""


def markdown(header: list[str], lines: list[list[str]]) -> str:
    """Give a table whose columns are aligned in the text, too."""
    widths = [max(len(line[column]) for line in [header, *lines]) for column in range(len(header))]
    rule = ["-" * width for width in widths]
    padded = (
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        for line in [header, rule, *lines]
    )
    return "\n".join("| " + " | ".join(line) + " |" for line in padded)
