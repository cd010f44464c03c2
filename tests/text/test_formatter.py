"""What text a record becomes, and that nothing about a record can prevent it."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import decimal
import enum
import gc
import json
import logging
import re
import subprocess
import sys
import types
import uuid
import weakref
from collections import OrderedDict, UserDict
from collections.abc import Iterator, Mapping
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiowatchtower._text.formatter import CloudWatchLogFormatter, describe_failure


class Hostile:
    """An object that raises when asked for any text."""

    def __repr__(self) -> str:
        raise ZeroDivisionError("no repr")


class Proxy:
    """An object that, like a proxy out of its context, does not even say what it is."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise RuntimeError("out of context")


class HostileMapping(Mapping[str, object]):
    """A mapping that cannot be read."""

    def __getitem__(self, key: str) -> NoReturn:
        raise ZeroDivisionError

    def __iter__(self) -> Iterator[str]:
        raise ZeroDivisionError

    def __len__(self) -> int:
        return 1


class Color(enum.Enum):
    """An enumeration without a JSON form."""

    RED = 1


@dataclasses.dataclass
class Point:
    """A dataclass."""

    x: int


def make_record(msg: object, *args: object, **changes: object) -> logging.LogRecord:
    """Return a record of logger ``app.web``, as a logger would make it, with *changes* applied."""
    record = logging.LogRecord("app.web", logging.INFO, "/srv/app.py", 7, msg, args, None)
    record.created, record.msecs = 1_700_000_000.25, 250.0
    record.__dict__.update(changes)
    return record


def raised(error: BaseException) -> object:
    """Return the exc_info of *error*, raised here."""
    try:
        raise error
    except type(error):
        return sys.exc_info()


def load(text: str) -> dict[str, object]:
    """Parse one JSON object, strictly."""

    def refuse(constant: str) -> NoReturn:
        raise AssertionError(constant)

    loaded = json.loads(text, parse_constant=refuse)
    assert isinstance(loaded, dict)
    return loaded


def formatted(msg: object, *args: object, **changes: object) -> dict[str, object]:
    """Return the JSON event of a message, by a formatter without settings."""
    return load(CloudWatchLogFormatter().format(make_record(msg, *args, **changes)))


# ---- text


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"fmt": "%(message)s"},
        {"fmt": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        {"fmt": "%(asctime)s %(message)s", "datefmt": "%H:%M"},
        {"fmt": "{levelname} {message}", "style": "{"},
        {"fmt": "$levelname $message", "style": "$"},
        {"fmt": "%(custom)s %(message)s", "defaults": {"custom": "-"}},
        {"fmt": "%(levelname)s"},
    ],
)
@pytest.mark.parametrize(
    "record",
    [
        make_record("plain"),
        make_record("%s is %d", "answer", 42),
        make_record("%(key)s", {"key": "value"}),
        make_record("failed", exc_info=raised(ValueError("bad"))),
        make_record("failed\n", exc_info=raised(ValueError("bad")), stack_info="Stack:\n  here"),
        make_record("failed", exc_text="already formatted"),
        make_record("stack", stack_info="Stack:\n  here"),
        make_record("none", exc_info=(None, None, None)),
        make_record(b"bytes"),
        make_record(None),
        make_record(""),
        make_record("", exc_info=raised(ValueError("bad"))),
        make_record("lone \ud800 surrogate"),
    ],
)
@pytest.mark.filterwarnings("ignore:str.. on a bytes instance:BytesWarning")
def test_text_is_what_the_standard_library_makes(
    settings: dict[str, object], record: logging.LogRecord
) -> None:
    """A string, or anything that is no mapping, comes out as from `logging.Formatter`."""
    expected = logging.Formatter(**settings).format(copy.copy(record))  # type: ignore[arg-type]
    assert CloudWatchLogFormatter(**settings).format(record) == expected  # type: ignore[arg-type]


def test_a_wrong_format_is_refused_at_construction() -> None:
    """*fmt*, *style* and *validate* are checked as in the standard library."""
    with pytest.raises(ValueError, match="Invalid format"):
        CloudWatchLogFormatter("{message}")
    assert (
        CloudWatchLogFormatter("{message}", None, "%", False).format(make_record("m"))
        == "{message}"
    )


def test_overridden_methods_are_used() -> None:
    """A subclass may change how messages, times, tracebacks and stacks are written."""

    class Shouting(CloudWatchLogFormatter):
        def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
            return super().formatMessage(record).upper()

        def formatException(self, ei: object) -> str:  # noqa: N802
            return "oh no"

    record = make_record("failed", exc_info=raised(ValueError("bad")))
    assert Shouting().format(record) == "FAILED\noh no"
    assert load(Shouting(structured=True).format(record))["exception"] == "oh no"


def test_a_record_class_of_the_application_is_respected() -> None:
    """A record that makes its message in its own way is asked for it, with a format and without."""

    class BraceRecord(logging.LogRecord):
        def getMessage(self) -> str:  # noqa: N802
            return str(self.msg).format(*self.args or ())

    record = BraceRecord("app", logging.INFO, "", 0, "{} items", (3,), None)
    assert CloudWatchLogFormatter().format(record) == "3 items"
    assert CloudWatchLogFormatter("%(name)s %(message)s").format(record) == "app 3 items"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_replaced_get_message_decides_the_text(when: str) -> None:
    """An application that replaces logging's getMessage() gets its texts, whenever it does so."""
    replace = "logging.LogRecord.getMessage = lambda record: record.msg.format(*record.args)"
    load = "from aiowatchtower import CloudWatchLogFormatter"
    steps = ["import logging", *([replace, load] if when == "before" else [load, replace])]
    record = 'logging.makeLogRecord({"msg": "{} of {}", "args": (1, 2)})'
    script = "; ".join([*steps, f"print(CloudWatchLogFormatter().format({record}))"])
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "1 of 2\n"


def test_a_message_that_is_no_string_becomes_one() -> None:
    """A record class that returns something else is no reason to return something else."""

    class OddRecord(logging.LogRecord):
        def getMessage(self) -> str:  # noqa: N802
            return 42  # type: ignore[return-value]

    record = OddRecord("app", logging.INFO, "", 0, "text", (), None)
    assert CloudWatchLogFormatter().format(record) == "42"


# ---- mappings


@pytest.mark.parametrize(
    "message",
    [
        {"k": 1, "nested": {"list": [1.5, None, True, "é"]}},
        OrderedDict(k=1),
        UserDict({"k": 1}),
        types.MappingProxyType({"k": 1}),
        {},
    ],
)
def test_a_mapping_becomes_one_json_object(message: Mapping[str, object]) -> None:
    """Any mapping, a dict or not, goes out as the JSON object of its items, and nothing else."""
    assert formatted(message) == dict(message)


def test_json_is_written_in_readable_characters() -> None:
    """Characters are not escaped, for CloudWatch counts and shows the bytes as they are."""
    assert CloudWatchLogFormatter().format(make_record({"k": "é😀\ud800"})) == '{"k":"é😀\ud800"}'


def test_a_mapping_carries_the_traceback_and_the_extra_fields() -> None:
    """`logger.exception({...}, extra={...})` loses neither its traceback nor its extra fields."""
    error = raised(ValueError("bad"))
    event = formatted({"k": 1}, exc_info=error, stack_info="Stack:", request_id="r1")
    assert str(event.pop("exception")).endswith("ValueError: bad")
    assert event == {"k": 1, "request_id": "r1", "stack": "Stack:"}


def test_the_traceback_that_another_handler_made_is_used() -> None:
    """The standard library's cached text is as good as ours."""
    assert formatted({"k": 1}, exc_text="cached")["exception"] == "cached"


def test_a_blank_text_in_place_of_a_traceback_is_left_out() -> None:
    """A record whose message has the traceback already, as loguru's do, does not get it twice."""
    record = make_record("all of it", exc_info=raised(ValueError()), exc_text="\n")
    assert CloudWatchLogFormatter().format(record) == "all of it"
    assert "exception" not in load(CloudWatchLogFormatter(structured=True).format(record))


def test_attributes_of_the_standard_library_are_no_extra_fields() -> None:
    """What loggers and other formatters leave in a record is not carried."""
    record = make_record({"k": 1}, message="m", asctime="now", taskName="t")
    assert load(CloudWatchLogFormatter().format(record)) == {"k": 1}


def test_what_a_record_factory_adds_is_carried() -> None:
    """Attributes set by an application's own record factory are extra fields."""
    factory = logging.getLogRecordFactory()

    def tracing(*args: object, **kwargs: object) -> logging.LogRecord:
        record = factory(*args, **kwargs)
        record.trace_id = "t1"
        return record

    logging.setLogRecordFactory(tracing)
    try:
        record = logging.getLogger("app").makeRecord("app", 20, "", 0, {"k": 1}, (), None)
    finally:
        logging.setLogRecordFactory(factory)
    assert load(CloudWatchLogFormatter().format(record)) == {"k": 1, "trace_id": "t1"}


def test_arguments_of_a_mapping_are_not_lost() -> None:
    """A mapping has no template for arguments: they are named in the event."""
    event = formatted({"k": 1}, "a", Hostile())
    assert event["k"] == 1
    assert "('a', <Hostile: repr raised ZeroDivisionError>)" in str(event["aiowatchtower_error"])


def test_metrics_go_out_unchanged() -> None:
    """Embedded Metric Format keeps exactly its own keys, whatever the settings and the record."""
    message = {"_aws": {"Timestamp": 1, "CloudWatchMetrics": []}, "latency": 2.5}
    formatter = CloudWatchLogFormatter(structured=True, add_log_record_attrs=("levelname",))
    record = make_record(message, exc_info=raised(ValueError()), request_id="r1")
    assert load(formatter.format(record)) == message


# ---- structured


def test_every_structured_event_has_the_same_fields() -> None:
    """A text becomes timestamp, level, logger and message, then what else the record has."""
    formatter = CloudWatchLogFormatter(structured=True)
    record = make_record("%d items", 3, request_id="r1", exc_text="Traceback", stack_info="Stack")
    assert list(load(formatter.format(record)).items()) == [
        ("timestamp", "2023-11-14T22:13:20.250Z"),
        ("level", "INFO"),
        ("logger", "app.web"),
        ("message", "3 items"),
        ("request_id", "r1"),
        ("exception", "Traceback"),
        ("stack", "Stack"),
    ]


@pytest.mark.parametrize(
    ("created", "timestamp"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (0.9999, "1970-01-01T00:00:00.999Z"),
        (-0.5, "1969-12-31T23:59:59.500Z"),
        (253_402_300_799.0, "9999-12-31T23:59:59.000Z"),
    ],
)
def test_timestamps_are_utc_in_milliseconds(created: float, timestamp: str) -> None:
    """The record's own time is written, not rounded up, whatever was written before."""
    formatter = CloudWatchLogFormatter(structured=True)
    formatter.format(make_record("earlier"))
    for _ in range(2):
        event = load(formatter.format(make_record("m", created=created)))
        assert event["timestamp"] == timestamp


def test_a_structured_mapping_stands_in_place_of_the_message() -> None:
    """A mapping's keys are merged beside timestamp, level and logger."""
    event = load(CloudWatchLogFormatter(structured=True).format(make_record({"k": 1})))
    assert event == {
        "k": 1,
        "timestamp": "2023-11-14T22:13:20.250Z",
        "level": "INFO",
        "logger": "app.web",
    }


def test_no_field_replaces_another() -> None:
    """Of two fields with one name the mapping's keeps it, then ours, then the extra one."""
    message = {"level": "mine", "exception": "mine", "level_": "mine too"}
    record = make_record(message, exc_text="Traceback", logger="extra")
    event = load(CloudWatchLogFormatter(structured=True).format(record))
    del event["timestamp"]
    assert event == {
        **message,
        "level__": "INFO",
        "logger": "app.web",
        "logger_": "extra",
        "exception_": "Traceback",
    }


# ---- Watchtower's settings


def test_values_without_a_json_form_are_dates_or_reprs() -> None:
    """Dates become ISO 8601, every other object its repr."""
    day, number = dt.date(2024, 2, 29), uuid.UUID(int=7)
    moment = dt.datetime(2024, 2, 29, 12, tzinfo=dt.timezone.utc)
    odd = [{1}, b"b", decimal.Decimal("1.5"), number, Color.RED, Point(1), 1j]
    assert formatted({"day": day, "moment": moment, "odd": odd}) == {
        "day": "2024-02-29",
        "moment": "2024-02-29T12:00:00+00:00",
        "odd": [repr(item) for item in odd],
    }


def test_the_default_serializer_can_be_replaced_at_any_time() -> None:
    """`json_serialize_default` is asked for every object that JSON has no form for."""
    formatter = CloudWatchLogFormatter(
        json_serialize_default=lambda value: {"is": type(value).__name__}
    )
    assert formatter.format(make_record({"k": {1}})) == '{"k":{"is":"set"}}'
    formatter.json_serialize_default = lambda _: "later"
    assert formatter.format(make_record({"k": {1}})) == '{"k":"later"}'


def test_asked_for_attributes_are_added() -> None:
    """A text becomes ``msg`` beside the attributes; `add_log_record_attrs` may be set at any time."""
    formatter = CloudWatchLogFormatter(add_log_record_attrs=("levelname", "msg"))
    assert load(formatter.format(make_record("%d items", 3))) == {
        "levelname": "INFO",
        "msg": "3 items",
    }
    formatter.add_log_record_attrs = ["lineno", "request_id", "missing"]
    record = make_record({"k": 1}, request_id="r1")
    assert load(formatter.format(record)) == {
        "k": 1,
        "lineno": 7,
        "request_id": "r1",
        "missing": None,
    }
    formatter.add_log_record_attrs = ()
    assert formatter.format(make_record("text")) == "text"


def test_attributes_that_formatters_make_can_be_asked_for() -> None:
    """``message`` and ``asctime`` are made for the event, though the record does not have them."""
    formatter = CloudWatchLogFormatter(
        datefmt="%Y", structured=True, add_log_record_attrs=("message", "asctime")
    )
    event = load(formatter.format(make_record("%d items", 3)))
    assert event["message"] == "3 items"
    assert event["asctime"] == "2023"
    assert "message_" not in event


def test_an_asked_for_attribute_keeps_its_name() -> None:
    """The attribute is what Watchtower would show; the mapping's value is kept beside it."""
    formatter = CloudWatchLogFormatter(add_log_record_attrs=("levelname",))
    event = load(formatter.format(make_record({"levelname": "mine"})))
    assert event == {"levelname": "INFO", "levelname_": "mine"}


# ---- what stays as it was


@pytest.mark.parametrize("structured", [True, False])
@pytest.mark.parametrize("attributes", [(), ("levelname", "message", "asctime")])
@pytest.mark.parametrize("fmt", [None, "%(asctime)s %(message)s"])
@pytest.mark.parametrize("msg", ["%s", "plain", {"level": [1], "levelname": 2}])
def test_the_record_is_left_as_it_was(
    structured: bool, attributes: tuple[str, ...], fmt: str | None, msg: object
) -> None:
    """Neither the record nor the mapping gains, loses or changes anything that others would see."""
    record = make_record(msg, "x", exc_info=raised(ValueError("bad")), extra_field=1)
    before, message = dict(record.__dict__), copy.deepcopy(msg)
    CloudWatchLogFormatter(fmt, structured=structured, add_log_record_attrs=attributes).format(
        record
    )
    assert record.__dict__ == before
    assert record.msg is msg
    assert msg == message


def test_values_are_those_of_the_call() -> None:
    """What is changed after logging does not change the event."""
    items = [1]
    text, event = (
        CloudWatchLogFormatter().format(make_record(*m)) for m in (("%s", items), ({"k": items},))
    )
    items.append(2)
    assert (text, event) == ("[1]", '{"k":[1]}')


def test_no_traceback_is_kept_alive() -> None:
    """Once the record is gone, so is the exception, and all that its frames held."""

    class OwnError(Exception):
        pass

    formatters = CloudWatchLogFormatter(), CloudWatchLogFormatter(structured=True)
    record = make_record({"k": float("nan")}, exc_info=raised(OwnError()))
    error = weakref.ref(record.exc_info[1])  # type: ignore[index]
    for formatter in formatters:
        formatter.format(record)
    del record
    gc.collect()
    assert error() is None


# ---- what goes wrong


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (
            make_record("no place", 1),
            "no place (1) [aiowatchtower: formatting failed: TypeError: not all",
        ),
        (
            make_record("%d", "x"),
            "%d ('x') [aiowatchtower: formatting failed: TypeError: ",
        ),
        (
            make_record("%s %s", 1),
            "%s %s (1) [aiowatchtower: formatting failed: TypeError: not enough",
        ),
        (
            make_record("100%", 1),
            "100% (1) [aiowatchtower: formatting failed: ValueError: ",
        ),
        (
            make_record("%(a)s", {"b": 1}),
            "%(a)s {'b': 1} [aiowatchtower: formatting failed: KeyError: 'a'",
        ),
        (
            make_record("%s %s", "kept", Hostile()),
            "%s %s ('kept', <Hostile: repr raised ZeroDivisionError>) [aiowatchtower: formatting failed:",
        ),
        (
            make_record(Hostile()),
            "<Hostile: repr raised ZeroDivisionError> [aiowatchtower: formatting",
        ),
    ],
)
def test_a_message_that_cannot_be_formatted_is_shown_with_its_arguments(
    record: logging.LogRecord, text: str
) -> None:
    """The template, the arguments and the error go out; in JSON the error has its own key."""
    assert CloudWatchLogFormatter().format(record).startswith(text)
    assert (
        CloudWatchLogFormatter("%(levelname)s %(message)s")
        .format(record)
        .startswith(f"INFO {text}")
    )
    template, error = text.split(" [aiowatchtower: ")
    event = load(CloudWatchLogFormatter(structured=True).format(record))
    assert event["message"] == template
    assert str(event["aiowatchtower_error"]).startswith(error)
    assert event["level"] == "INFO"


def test_a_message_that_cannot_be_formatted_keeps_its_traceback() -> None:
    """Wrong arguments do not cost the traceback of `logger.exception`."""
    record = make_record("no place", 1, exc_info=raised(ValueError("bad")))
    first, *_, last = CloudWatchLogFormatter().format(record).splitlines()
    assert first.startswith("no place (1) [aiowatchtower:")
    assert last == "ValueError: bad"


def test_a_format_that_the_record_does_not_fit_costs_the_format_alone() -> None:
    """Where an attribute is missing, message, traceback and the name of the attribute go out."""
    record = make_record("message", exc_info=raised(ValueError("bad")), stack_info="Stack")
    first, *_, error, stack = CloudWatchLogFormatter("%(missing)s").format(record).splitlines()
    assert first.startswith("message [aiowatchtower: formatting failed: ")
    assert "'missing'" in first
    assert (error, stack) == ("ValueError: bad", "Stack")


@pytest.mark.parametrize(
    ("value", "shown", "problem"),
    [
        (float("nan"), "NaN", "NaN or Infinity became a string"),
        (float("inf"), "Infinity", "NaN or Infinity became a string"),
        (float("-inf"), "-Infinity", "NaN or Infinity became a string"),
        ({(1, 2): 3}, {"(1, 2)": 3}, "a key was tuple, not a string"),
        ({float("nan"): 1}, {"NaN": 1}, "NaN or Infinity became a string"),
        (
            {Hostile: 1, Color.RED: 2},
            {str(Hostile): 1, "Color.RED": 2},
            "a key was type, not a string",
        ),
        ({b"k": 1, (): 2}, {"b'k'": 1, "()": 2}, "a key was bytes, not a string"),
        (Hostile(), "<Hostile: repr raised ZeroDivisionError>", "type Hostile became text"),
        pytest.param(
            Proxy(),
            "<",
            "type Proxy became text: formatting failed: RuntimeError: out of context",
            id="proxy",
        ),
        ([1 << 20_000], hex(1 << 20_000)[:9], "a number was too long"),
    ],
)
@pytest.mark.filterwarnings("ignore:str.. on a bytes instance:BytesWarning")
def test_what_json_cannot_carry_is_shown_and_named(
    value: object, shown: object, problem: str
) -> None:
    """The value goes out in the nearest form, its neighbours as they are, and the event is marked."""
    event = formatted({"before": [1], "value": [value], "after": dt.date(2024, 1, 1)})
    if isinstance(shown, str):
        assert shown in str(event["value"])
    else:
        assert event["value"] == [shown]
    assert problem in str(event["aiowatchtower_error"])
    assert (event["before"], event["after"]) == ([1], "2024-01-01")


def test_keys_that_json_makes_strings_need_no_mark() -> None:
    """Numbers, booleans and None are keys as the json module writes them."""
    assert formatted({1: "a", 1.5: "b", True + 1: "c", None: "d", False: "e"}) == {
        "1": "a",
        "1.5": "b",
        "2": "c",
        "null": "d",
        "false": "e",
    }


def test_keys_that_become_equal_are_both_kept() -> None:
    """A key that as a string is already there is kept with ``_`` appended."""
    event = formatted({1: "a", "1": "b", None: "c", "null": "d"})
    assert event.pop("aiowatchtower_error") == "equal keys were renamed"
    assert event == {"1": "a", "1_": "b", "null": "c", "null_": "d"}


def test_a_value_that_contains_itself_is_cut_there() -> None:
    """Cycles through dicts, lists and objects end in a note of the type."""
    message: dict[str, object] = {"k": 1}
    message["self"] = message
    message["list"] = items = [2]
    items.append(items)  # type: ignore[arg-type]
    event = formatted(message)
    assert event["k"] == 1
    assert event["list"] == [2, "<list, not shown>"]
    assert "contained itself" in str(event["aiowatchtower_error"])


def test_values_that_all_refer_to_each_other_come_to_an_end() -> None:
    """A densely connected graph is not unfolded into its uncountable paths."""
    nodes: list[dict[str, object]] = [{"id": number} for number in range(30)]
    for node in nodes:
        node["others"] = [other for other in nodes if other is not node]
    assert "contained itself" in str(formatted({"nodes": nodes})["aiowatchtower_error"])


def test_values_used_twice_are_shown_twice() -> None:
    """Sharing is no cycle, also where something else in the event needs care."""
    shared = {"k": [1]}
    event = formatted({"a": shared, "b": shared, "c": float("nan")})
    assert event["a"] == event["b"] == shared


def test_a_value_nested_too_deep_is_cut() -> None:
    """The outer levels of a nest that no reader could follow are shown."""
    nest: list[object] = []
    for _ in range(100_000):
        nest = [nest]
    event = formatted({"k": 1, "nest": nest})
    assert event["k"] == 1
    assert str(event["nest"]).startswith("[[[[[")
    assert "nested too deep" in str(event["aiowatchtower_error"])


def test_a_serializer_that_fails_costs_its_value_alone() -> None:
    """Objects that the user's serializer raises on, or answers endlessly, have a lesser form."""

    def serialize(value: object) -> object:
        return value if isinstance(value, set) else [value, object()] if value == 1j else 1 / 0

    formatter = CloudWatchLogFormatter(json_serialize_default=serialize)
    event = load(formatter.format(make_record({"k": 1, "a": {1}, "b": b"b", "c": 1j})))
    assert (event["k"], event["a"], event["b"]) == (1, "<set, not shown>", "b'b'")
    assert "ZeroDivisionError" in str(event["aiowatchtower_error"])


def test_problems_without_end_are_named_up_to_a_number() -> None:
    """The mark stays short, however much is wrong."""

    def serialize(value: object) -> object:
        raise ValueError(value)

    formatter = CloudWatchLogFormatter(json_serialize_default=serialize)
    event = load(formatter.format(make_record({"k": [{number} for number in range(99)]})))
    assert str(event["aiowatchtower_error"]).count("ValueError") == 8
    assert event["k"] == [repr({number}) for number in range(99)]


@pytest.mark.parametrize("structured", [True, False])
@pytest.mark.parametrize(
    ("msg", "changes"),
    [
        (HostileMapping(), {}),
        pytest.param(Proxy(), {}, id="proxy"),
        ({"k": 1}, {"created": float("nan")}),
        ({"k": 1}, {"exc_info": True}),
        ({"k": 1}, {"args": Hostile()}),
        ("text", {"created": "never"}),
        ("text", {"exc_info": (1, 2, 3)}),
        ("text", {"stack_info": Hostile()}),
        ("text", {"exc_text": Hostile()}),
        ("text", {"name": Hostile(), "levelname": Hostile()}),
    ],
)
def test_a_record_in_disorder_still_goes_out(
    structured: bool, msg: object, changes: dict[str, object]
) -> None:
    """Nothing that can be in a record makes the formatter raise, and the message is there."""
    text = CloudWatchLogFormatter("%(message)s.", structured=structured).format(
        make_record(msg, **changes)
    )
    event = load(text) if structured or type(msg) in (dict, HostileMapping) else text
    assert re.search(r"k': 1|text|Proxy|HostileMapping", str(event))


def test_a_record_without_attributes_still_goes_out() -> None:
    """A record that lost its attributes on the way, as by a bad pickle, is marked."""
    record = make_record("text")
    record.__dict__.clear()
    for formatter in (CloudWatchLogFormatter(), CloudWatchLogFormatter(structured=True)):
        assert "[aiowatchtower: formatting failed" in formatter.format(record)


def test_a_text_near_the_recursion_limit_goes_out() -> None:
    """`logger.exception` in the handler of a RecursionError does not raise another."""
    formatters = CloudWatchLogFormatter(structured=True), CloudWatchLogFormatter("%(asctime)s")
    record = make_record({"k": {1}, "nest": [[float("nan")]]}, 1)

    def descend() -> None:
        try:
            descend()
        except RecursionError:
            for formatter in formatters:
                assert isinstance(formatter.format(record), str)

    descend()


# ---- describe_failure


def test_a_failure_is_described_with_all_that_the_record_has() -> None:
    """A record on which any formatter raised shows its message, the error, traceback and stack."""
    record = make_record("%d items", 3, exc_info=raised(ValueError("bad")), stack_info="Stack")
    first, *_, error, stack = describe_failure(record, KeyError("field")).splitlines()
    assert first == "3 items [aiowatchtower: formatting failed: KeyError: 'field']"
    assert (error, stack) == ("ValueError: bad", "Stack")
    assert record.exc_text is None


def test_a_failure_is_described_whatever_the_record_and_the_error() -> None:
    """Neither a hostile error nor a record without anything in it makes the description raise."""

    class HostileError(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    record = make_record(Hostile(), Hostile(), exc_info=(1, 2, 3))
    assert "HostileError: <HostileError: str raised ZeroDiv" in describe_failure(
        record, HostileError()
    )
    record.__dict__.clear()
    assert describe_failure(record, ValueError()).startswith("[aiowatchtower: ")


# ---- anything

HOSTILE = [
    *(Hostile(), Proxy(), HostileMapping(), object(), Color.RED, Point(1), dt.date(2024, 1, 1), 1j),
    *(float("nan"), float("inf"), {1}, b"b", 1 << 20_000, "\ud800", [Hostile()], {(1,): [Proxy()]}),
]
# By number, because hypothesis shows the elements of a strategy.
hostile = st.integers(0, len(HOSTILE) - 1).map(lambda number: HOSTILE[number])
texts = st.text(st.characters(exclude_categories=()))
keys = texts | st.integers() | st.floats() | st.booleans() | st.none() | st.tuples(st.integers())
names = texts | st.sampled_from(["level", "level_", "message", "exception", "_aws", "msg"])
values = st.recursive(
    texts | st.integers() | st.floats() | st.booleans() | st.none() | hostile,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=10,
)
messages = values | st.dictionaries(keys | names, values, max_size=6)
extras = st.dictionaries(
    names.map("x_{}".format) | st.sampled_from(["level", "stack"]), values, max_size=3
)
settings = st.fixed_dictionaries(
    {},
    optional={
        "fmt": st.sampled_from(["%(asctime)s %(message)s", "%(x_level)s"]),
        "structured": st.booleans(),
        "add_log_record_attrs": st.lists(
            st.sampled_from(["levelname", "message", "asctime", "level"])
        ),
        "json_serialize_default": st.sampled_from(
            [repr, str, lambda value: value, lambda _: 1 / 0]
        ),
    },
)


@pytest.mark.filterwarnings("ignore:str.. on a bytes instance:BytesWarning")
@given(messages, st.lists(values, max_size=2), extras, settings)
def test_any_record_becomes_a_text(
    msg: object, args: list[object], extra: dict[str, object], options: dict[str, object]
) -> None:
    """Any message, arguments, extra fields and settings: a string, never an exception, valid JSON."""
    record = make_record(msg, **extra)
    record.args = tuple(args)
    before = dict(record.__dict__)
    formatter = CloudWatchLogFormatter(**options)  # type: ignore[arg-type]
    text = formatter.format(record)
    assert isinstance(text, str)
    assert record.__dict__.keys() == before.keys()
    assert all(record.__dict__[name] is value for name, value in before.items())
    if options.get("structured") or options.get("add_log_record_attrs") or type(msg) is dict:
        event = load(text)
        if type(msg) is dict:
            assert len(event) >= len(msg)


@given(st.dictionaries(texts, texts | st.integers() | st.lists(texts | st.none()), max_size=6))
def test_any_sound_mapping_comes_back(message: dict[str, object]) -> None:
    """What JSON can carry is carried unchanged."""
    assert formatted(message) == message
