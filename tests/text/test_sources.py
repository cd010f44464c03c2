"""T-strings, uvicorn's access log, JSON texts and structlog's fields, as events."""

from __future__ import annotations

import builtins
import importlib
import json
import logging
import sys
from types import MappingProxyType

import pytest

from aiowatchtower import CloudWatchLogFormatter

NOON = 1_795_348_800.25  # 2026-11-22T12:00:00.250Z

needs_templates = pytest.mark.skipif(
    sys.version_info < (3, 14), reason="t-strings are new in Python 3.14"
)
needs_frozendict = pytest.mark.skipif(
    not hasattr(builtins, "frozendict"), reason="frozendict is new in Python 3.15"
)


def _record(message, *args, **about):
    known = {"msg": message, "args": args, "created": NOON, "name": "app", "levelname": "INFO"}
    return logging.makeLogRecord({**known, **about})


def _structured(message, *args, **about) -> dict[str, object]:
    text = CloudWatchLogFormatter(structured=True).format(_record(message, *args, **about))
    fields = json.loads(text)
    assert isinstance(fields, dict)
    return fields


def _template():
    """Return t"order {order_id} of {user!r} for {price:.2f} is {state}", which older Pythons cannot read."""
    templatelib = importlib.import_module("string.templatelib")
    Template, Interpolation = templatelib.Template, templatelib.Interpolation  # noqa: N806

    return Template(
        "order ", Interpolation(7, "order_id", None, ""), " of ",
        Interpolation("ann", "user", "r", ""), " for ", Interpolation(2.5, "price", None, ".2f"),
        " is ", Interpolation("late", "state", None, ""),
    )  # fmt: skip


@needs_templates
def test_a_template_is_text():
    """A t-string reads as the f-string would, conversions and formats included."""
    text = CloudWatchLogFormatter().format(_record(_template()))
    assert text == "order 7 of 'ann' for 2.50 is late"


@needs_templates
def test_a_templates_values_are_fields():
    """In structured mode the values of a t-string are fields by the expressions they come from."""
    fields = _structured(_template(), name="shop")
    assert fields == {
        "timestamp": "2026-11-22T12:00:00.250Z",
        "level": "INFO",
        "logger": "shop",
        "message": "order 7 of 'ann' for 2.50 is late",
        "order_id": 7,
        "user": "ann",
        "price": 2.5,
        "state": "late",
    }


@needs_templates
def test_a_template_that_cannot_be_rendered_is_marked():
    """A format that a value does not know costs the rendering, not the record."""
    templatelib = importlib.import_module("string.templatelib")
    template = templatelib.Template("at ", templatelib.Interpolation("noon", "when", None, "%H.f"))
    text = CloudWatchLogFormatter().format(_record(template))
    assert "noon" in text
    assert "[aiowatchtower: formatting failed: ValueError" in text


@needs_templates
def test_arguments_of_a_template_are_not_lost():
    """Arguments beside a t-string, which has its own values, are shown."""
    text = CloudWatchLogFormatter().format(_record(_template(), 1, 2))
    assert text.startswith("order 7 of 'ann' for 2.50 is late [aiowatchtower: ")
    assert "(1, 2)" in text


@needs_frozendict
def test_a_frozendict_is_a_mapping():
    """A `frozendict` becomes one JSON object, at the top and inside."""
    frozen = getattr(builtins, "frozendict")  # noqa: B009 - not known to type checkers yet
    text = CloudWatchLogFormatter().format(_record(frozen(a=1, b=frozen(c=2))))
    assert json.loads(text) == {"a": 1, "b": {"c": 2}}


def test_any_mapping_inside_is_an_object():
    """A value that is a mapping of another kind becomes an object, and not its repr."""
    text = CloudWatchLogFormatter().format(_record({"a": MappingProxyType({"b": 1})}))
    assert json.loads(text) == {"a": {"b": 1}}


ACCESS = ("127.0.0.1:5000", "GET", "/orders?page=2", "1.1", 200)


def test_uvicorns_access_record_has_fields():
    """In structured mode a line of uvicorn's access log can be queried by its parts."""
    fields = _structured('%s - "%s %s HTTP/%s" %d', *ACCESS, name="uvicorn.access")
    assert fields["message"] == '127.0.0.1:5000 - "GET /orders?page=2 HTTP/1.1" 200'
    assert {name: fields[name] for name in list(fields)[4:]} == {
        "client": "127.0.0.1:5000",
        "method": "GET",
        "path": "/orders?page=2",
        "http_version": "1.1",
        "status": 200,
    }


@pytest.mark.parametrize(
    ("name", "args"), [("app", ACCESS), ("uvicorn.access", ACCESS[:2]), ("uvicorn.access", ())]
)
def test_other_records_have_no_access_fields(name, args):
    """Other loggers, and other lines of that one, keep to the usual fields."""
    fields = _structured("%s " * len(args) + "x", *args, name=name)
    assert list(fields) == ["timestamp", "level", "logger", "message"]


def test_a_json_text_is_not_encoded_twice():
    """In structured mode a message that is a JSON object goes out as its fields."""
    fields = _structured('{"event": "shipped", "order": 7}')
    assert (fields["event"], fields["order"], fields["level"]) == ("shipped", 7, "INFO")
    assert "message" not in fields


@pytest.mark.parametrize("text", ['{"event": ', "{no json}", "[1]", '{"a": 1} and more', "{}x", ""])
def test_a_text_that_is_no_json_object_stays_the_message(text):
    """What only looks like JSON is a text like any other."""
    assert _structured(text)["message"] == text


def test_a_traceback_beside_a_json_text_keeps_it_json():
    """Without structured mode, too, the traceback goes into the object and not behind it."""
    record = _record('{"event": "failed"}', exc_text="Traceback: boom")
    text = CloudWatchLogFormatter().format(record)
    assert json.loads(text) == {"event": "failed", "exception": "Traceback: boom"}


@pytest.mark.parametrize("where", ["mapping", "extra"])
def test_what_says_the_same_is_there_once(where):
    """Level, logger and time in another library's writing stand once, in ours."""
    theirs = {"level": "info", "logger": "app", "timestamp": "2026-11-22T12:00:00.249900Z"}
    fields = _structured({**theirs, "k": 1}) if where == "mapping" else _structured("x", **theirs)
    assert fields["level"] == "INFO"
    assert fields["timestamp"] == "2026-11-22T12:00:00.250Z"
    assert not [name for name in fields if name.endswith("_")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("level", "error"),
        ("level", 3),
        ("logger", "other"),
        ("timestamp", "2026-11-22T12:00:02Z"),
        ("timestamp", "noon"),
        ("timestamp", 12.0),
    ],
)
def test_what_says_another_thing_is_kept(name, value):
    """A field of the same name with another meaning is not lost."""
    fields = _structured({name: value})
    assert fields[name] == value
    assert fields[f"{name}_"] != value


@pytest.mark.parametrize("value", [NOON, "2026-11-22T13:00:00.250+01:00"])
def test_times_are_compared_as_times(value):
    """Seconds since 1970 and other offsets tell the same time."""
    assert "timestamp_" not in _structured({"timestamp": value})
