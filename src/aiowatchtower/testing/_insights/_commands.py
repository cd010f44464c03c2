"""The commands of the query language, one after the other over all rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from typing import Final, NamedTuple

from ._aggregates import AGGREGATES, Aggregate, aggregate
from ._expressions import condition, field
from ._values import Expression, Row, Value, number, rendered
from ._words import QueryError, Reader

Rows = list[dict[str, Value]]
DEFAULT_FIELDS: Final = ("@timestamp", "@message")


class Table(NamedTuple):
    """Rows on their way through the commands, and the fields that are shown of them."""

    rows: Rows
    shown: tuple[str, ...] = ()
    is_aggregated: bool = False


Command = Callable[[Table], Table]


class Query(NamedTuple):
    """A query that can be run."""

    commands: list[tuple[str, Command]]

    def run(self, rows: Rows) -> tuple[list[list[tuple[str, Value]]], int]:
        """Return the shown fields of each row that is left, and how many events matched."""
        table = Table(rows)
        matched = len(rows)
        for name, command in self.commands:
            table = command(table)
            if name == "filter" and not table.is_aggregated:
                matched = len(table.rows)
        shown = table.shown or DEFAULT_FIELDS
        if not table.is_aggregated:
            shown = (*shown, "@ptr")
        return [
            [(name, row[name]) for name in dict.fromkeys(shown) if row.get(name) is not None]
            for row in table.rows
        ], matched


def parse_query(text: str) -> Query:
    """Return the query that a text is, or raise `QueryError`."""
    reader = Reader(text)
    commands: list[tuple[str, Command]] = []
    while True:
        name = reader.next("a command").text.lower()
        if name not in _COMMANDS:
            raise QueryError(f"no command {name} here; this service has {', '.join(_COMMANDS)}")
        commands.append((name, _COMMANDS[name](reader)))
        if reader.is_done:
            return Query(commands)
        reader.expect("|")


def _labelled(reader: Reader) -> tuple[str, Expression]:
    start = reader.start
    expression = condition(reader)
    return _label(reader, start), expression


def _label(reader: Reader, start: int) -> str:
    label = reader.source(start)
    if reader.skip("as"):
        label = reader.next("a name").text
    return label.strip("`")


def _fields(reader: Reader) -> Command:
    chosen = [_labelled(reader)]
    while reader.skip(","):
        chosen.append(_labelled(reader))

    def run(table: Table) -> Table:
        rows = [{**row, **{label: found(row) for label, found in chosen}} for row in table.rows]
        return table._replace(rows=rows, shown=(*table.shown, *(label for label, _ in chosen)))

    return run


def _display(reader: Reader) -> Command:
    add = _fields(reader)
    return lambda table: add(table._replace(shown=()))


def _filter(reader: Reader) -> Command:
    holds = condition(reader)
    return lambda table: table._replace(rows=[row for row in table.rows if holds(row)])


def _sort(reader: Reader) -> Command:
    keys: list[tuple[Expression, int]] = []
    while not keys or reader.skip(","):
        expression = _sort_key(reader)
        direction = 1 if reader.skip("asc") else -1 if reader.skip("desc") else 1
        keys.append((expression, direction))

    def compare(one: Row, two: Row) -> int:
        for expression, direction in keys:
            order = _order(expression(one), expression(two)) * direction
            if order:
                return order
        return 0

    return lambda table: table._replace(rows=sorted(table.rows, key=cmp_to_key(compare)))


def _sort_key(reader: Reader) -> Expression:
    """Read what rows are sorted by. A column of stats is known by the text that made it, such as count(*)."""
    start = reader.start
    if reader.ahead not in AGGREGATES:
        expression = condition(reader)
        label = reader.source(start)
        return lambda row: row[label] if label in row else expression(row)
    name = reader.next("a function").text.lower()
    if reader.ahead == "(":
        aggregate(name, reader)
    return field(reader.source(start))


def _order(one: Value, two: Value) -> int:
    # Rows without the field come last when ascending.
    if one is None or two is None:
        return (one is None) - (two is None)
    numbers = number(one), number(two)
    if numbers[0] is not None and numbers[1] is not None:
        return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1])
    texts = rendered(one), rendered(two)
    return (texts[0] > texts[1]) - (texts[0] < texts[1])


def _limit(reader: Reader) -> Command:
    word = reader.next("a number of rows")
    if word.kind != "number" or not word.text.isdecimal():
        raise QueryError(f"limit {word.text}: a number of rows is expected")
    most = int(word.text)
    return lambda table: table._replace(rows=table.rows[:most])


def _stats(reader: Reader) -> Command:
    columns: list[tuple[str, Aggregate]] = []
    while not columns or reader.skip(","):
        start, name = reader.start, reader.next("a function").text.lower()
        if name not in AGGREGATES:
            raise QueryError(f"no function {name} in stats here; there are {', '.join(AGGREGATES)}")
        found = aggregate(name, reader)
        columns.append((_label(reader, start), found))
    keys: list[tuple[str, Expression]] = []
    if reader.skip("by"):
        keys.append(_labelled(reader))
        while reader.skip(","):
            keys.append(_labelled(reader))

    def run(table: Table) -> Table:
        groups: dict[tuple[Value, ...], Rows] = {}
        for row in table.rows:
            groups.setdefault(tuple(key(row) for _, key in keys), []).append(row)
        labels = [label for label, _ in keys]
        rows = [
            {**dict(zip(labels, values, strict=True)), **{name: f(each) for name, f in columns}}
            for values, each in groups.items()
        ]
        return Table(rows, (*labels, *(label for label, _ in columns)), is_aggregated=True)

    return run


_COMMANDS: Final[dict[str, Callable[[Reader], Command]]] = {
    "fields": _fields,
    "display": _display,
    "filter": _filter,
    "sort": _sort,
    "limit": _limit,
    "stats": _stats,
}
