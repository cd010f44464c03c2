"""Turn a record into the text of one event, and leave the record as it was."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from logging import Formatter, LogRecord
from typing import Literal

from .sanitizer import Fields, Sanitizer, describe, guard, merge
from .sources import (
    access_fields,
    as_object,
    is_template,
    plain_value,
    says_the_same,
    template_fields,
    template_text,
)

# Not makeLogRecord(): what an application's record factory adds are extra fields.
_BLANK = LogRecord("", 0, "", 0, "", None, None)
# color_message: uvicorn's message once more, for a terminal. _logger and _name: what structlog's
# ProcessorFormatter needs.
_PLAIN_ATTRIBUTES: frozenset[object] = frozenset(
    {*vars(_BLANK), "asctime", "color_message", "message", "taskName", "_logger", "_name"}
)
_BARE_FORMATS = {"%": "%(message)s", "{": "{message}", "$": "${message}"}
_ERROR_KEY = "aiowatchtower_error"
# logging's own method, unless something has replaced it before this module was loaded.
_get_message = LogRecord.getMessage if LogRecord.getMessage.__globals__ is vars(logging) else None


class CloudWatchLogFormatter(Formatter):
    """Format strings as text and mappings as one JSON object.

    A JSON event also carries the ``extra`` fields, the traceback as ``exception`` and the stack as
    ``stack``. With ``structured=True`` every event is JSON and has ``timestamp`` (UTC), ``level``,
    ``logger`` and ``message``; a mapping's own keys replace ``message``. A mapping that has ``_aws``
    (Embedded Metric Format) goes out with its own keys only. *fmt* is for text.

    Where two fields want one name, it goes to ``add_log_record_attrs``, then the mapping, then the
    fields above, then ``extra``; the other value is kept, with ``_`` appended to its name.

    `format` neither raises nor changes the record or the mapping. What it had to alter is marked,
    in a text by ``[aiowatchtower: ...]``, in JSON by the key ``aiowatchtower_error``; there NaN and
    the infinities become strings.

    Args:
        json_serialize_default: Called with a value that JSON has no form for. By default, dates
            become ISO 8601 and all else its `repr`. May be set later, as an attribute.
        add_log_record_attrs: LogRecord attributes to carry, null where absent. A message that is
            no mapping becomes ``{"msg": message}`` beside them. May be set later.
    """

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
        validate: bool = True,
        *,
        defaults: Mapping[str, object] | None = None,
        structured: bool = False,
        json_serialize_default: Callable[[object], object] | None = None,
        add_log_record_attrs: Sequence[str] | None = None,
    ) -> None:
        super().__init__(fmt, datefmt, style, validate, defaults=defaults)
        self.json_serialize_default: Callable[[object], object] = (
            json_serialize_default or plain_value
        )
        if isinstance(add_log_record_attrs, str):
            msg = (
                f"add_log_record_attrs={add_log_record_attrs!r}: must be a sequence of names, "
                f"such as [{add_log_record_attrs!r}]"
            )
            raise TypeError(msg)
        self.add_log_record_attrs: Sequence[str] = add_log_record_attrs or ()
        self._structured = structured
        overridden = type(self).formatMessage is not Formatter.formatMessage
        self._bare = fmt in (None, _BARE_FORMATS[style]) and not overridden
        self._plain = self._bare and not structured
        self._second = (0, "1970-01-01T00:00:00")
        self._encode = json.JSONEncoder(
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
            default=lambda value: self.json_serialize_default(value),  # noqa: PLW0108 - late bound
        ).encode

    def format(self, record: LogRecord) -> str:
        """Return the event's text; never raise, and leave *record* unchanged for other handlers."""
        try:
            message = record.msg
            if (
                self._plain
                and type(message) is str
                and not (
                    record.exc_info
                    or record.exc_text
                    or record.stack_info
                    or self.add_log_record_attrs
                )
            ):
                if type(record).getMessage is not _get_message:
                    return str(record.getMessage())
                # What that method does, without the call.
                args = record.args
                return message % args if args else message
            return self._format(record)
        except Exception as error:  # noqa: BLE001 - the event says what went wrong
            return self._rescue(record, error)

    def format_extra(self, record: LogRecord) -> str:
        """Return the record's ``extra`` fields as JSON, or "" without any; never raise."""
        fields: Fields = {k: v for k, v in record.__dict__.items() if k not in _PLAIN_ATTRIBUTES}
        try:
            return self._to_json(fields) if fields else ""
        except Exception as error:  # noqa: BLE001 - the event says what went wrong
            return self._rescue(record, error)

    def _format(self, record: LogRecord) -> str:
        message: object = record.msg
        mapping: Fields | None = None
        if type(message) is dict or (type(message) is not str and isinstance(message, Mapping)):
            mapping = dict(message)
        elif not (self._structured or self.add_log_record_attrs):
            return self._text(record)
        elif isinstance(message, str) and not record.args:
            mapping = as_object(message)
        if mapping is not None and "_aws" in mapping:
            return self._to_json(mapping)
        return self._to_json(self._fields(record, mapping))

    def _text(self, record: LogRecord) -> str:
        text, failure = _read_message(record)
        if failure:
            text = f"{text} [aiowatchtower: {failure}]"
        if not self._bare:
            # A shadow, because the stdlib writes message and asctime into the record.
            shadow = object.__new__(type(record))
            shadow.__dict__ = record.__dict__.copy()
            shadow.message = text
            if self.usesTime():
                shadow.asctime = self.formatTime(shadow, self.datefmt)
            text = self.formatMessage(shadow)
        tail = self._tail(record)
        if tail and self._bare and (fields := as_object(text)) is not None:
            return self._to_json(self._with_tail(fields, tail))
        for block in tail.values():
            text += f"{block}" if text.endswith("\n") else f"\n{block}"
        return text

    def _fields(self, record: LogRecord, mapping: Fields | None) -> Fields:
        fields = self._asked_attributes(record) if self.add_log_record_attrs else {}
        plain = _PLAIN_ATTRIBUTES.union(fields) if fields else _PLAIN_ATTRIBUTES
        failure = ""
        if mapping is not None:
            fields = merge(fields, mapping)
            if record.args:
                failure = f"arguments of a mapping are not formatted: {_describe_args(record.args)}"
        if self._structured:
            fields = _with_head(fields, self._head(record))
        if mapping is None:
            text, failure = _read_message(record)
            fields.setdefault("message" if self._structured else "msg", text)
            more = template_fields(record.msg) if is_template(record.msg) else access_fields(record)
            fields = merge(fields, more)
        if not plain.issuperset(record.__dict__):
            extra: Fields = {k: v for k, v in record.__dict__.items() if k not in plain}
            fields = merge(fields, self._without_same(extra, record))
        if record.exc_info or record.exc_text or record.stack_info:
            # structlog's event says that there is a traceback; here it is.
            if fields.get("exc_info") is True and "_logger" in record.__dict__:
                del fields["exc_info"]
            fields = self._with_tail(fields, self._tail(record))
        return merge(fields, {_ERROR_KEY: failure}) if failure else fields

    def _without_same(self, extra: Fields, record: LogRecord) -> Fields:
        if not self._structured:
            return extra
        head = self._head(record)
        return {
            k: v for k, v in extra.items() if not (k in head and says_the_same(str(k), v, head[k]))
        }

    def _with_tail(self, fields: Fields, tail: Fields) -> Fields:
        # structlog's format_exc_info has put the same traceback there.
        same = {k for k, v in tail.items() if type(fields.get(k)) is str and fields[k] == v}
        return merge(fields, {k: v for k, v in tail.items() if k not in same})

    def _asked_attributes(self, record: LogRecord) -> Fields:
        fields: Fields = {name: getattr(record, name, None) for name in self.add_log_record_attrs}
        fields.pop("msg", None)
        if "message" in fields:
            fields["message"] = _read_message(record)[0]
        if "asctime" in fields:
            fields["asctime"] = self.formatTime(record, self.datefmt)
        return fields

    def _head(self, record: LogRecord) -> Fields:
        seconds, ms = divmod(int(record.created * 1000), 1000)
        known, text = self._second
        if seconds != known:
            text = datetime.fromtimestamp(seconds, timezone.utc).isoformat()[:19]
            self._second = (seconds, text)
        return {"timestamp": f"{text}.{ms:03d}Z", "level": record.levelname, "logger": record.name}

    def _tail(self, record: LogRecord) -> Fields:
        blocks: Fields = {}
        if record.exc_text:
            # loguru sets "\n" where the message has the traceback already.
            if not str(record.exc_text).isspace():
                blocks["exception"] = str(record.exc_text)
        elif record.exc_info:
            blocks["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            blocks["stack"] = self.formatStack(record.stack_info)
        return blocks

    def _to_json(self, fields: Fields) -> str:
        try:
            # Refuses a key that is no string: as text it may be the same as another key.
            "".join(fields)  # type: ignore[arg-type]
            return self._encode(fields)
        except Exception:  # noqa: BLE001 - the careful path names what it had to change
            careful = Sanitizer(self.json_serialize_default)
            clean = careful.mapping(fields, 0)
            if careful.problems:
                clean = merge(clean, {_ERROR_KEY: "; ".join(careful.problems)})
            return self._encode(clean)

    def _rescue(self, record: LogRecord, error: Exception) -> str:
        text = describe_failure(record, error)
        try:
            is_text = not (self._structured or self.add_log_record_attrs)
            if is_text and not issubclass(type(record.msg), Mapping):
                return text
            return self._encode({"message": text, _ERROR_KEY: describe(error)})
        except Exception:  # noqa: BLE001 - the text is marked already
            return text


def describe_failure(record: LogRecord, error: BaseException) -> str:
    """Return message, mark, traceback and stack of a record that a formatter raised *error* on.

    Never raises. If the arguments do not fit the message, its template and their `repr` are shown.
    """
    try:
        text = f"{_read_message(record)[0]} [aiowatchtower: {describe(error)}]"
        trace = record.exc_info and guard(Formatter().formatException, record.exc_info)
        parts = (text, record.exc_text or trace, record.stack_info)
        return "\n".join(guard(str, part) for part in parts if part)
    except Exception:  # noqa: BLE001 - the last resort
        return "[aiowatchtower: formatting failed, and so did describing the record]"


def _with_head(fields: Fields, head: Fields) -> Fields:
    """Add our own fields; where a mapping tells the same in other words, ours stand in its place."""
    same = {k: v for k, v in head.items() if k in fields and says_the_same(str(k), fields[k], v)}
    fields.update(same)
    return merge(fields, {k: v for k, v in head.items() if k not in same} if same else head)


def _read_message(record: LogRecord) -> tuple[str, str]:
    try:
        if is_template(record.msg):
            failure = (
                f"arguments of a template: {_describe_args(record.args)}" if record.args else ""
            )
            return template_text(record.msg), failure
        return str(record.getMessage()), ""
    except Exception as error:  # noqa: BLE001 - returned
        template = record.msg if isinstance(record.msg, str) else guard(repr, record.msg)
        arguments = f" {_describe_args(record.args)}" if record.args else ""
        return template + arguments, describe(error)


def _describe_args(args: object) -> str:
    if isinstance(args, tuple):
        return f"({', '.join(guard(repr, argument) for argument in args)})"
    return guard(repr, args)


def format_extra(record: LogRecord, formatter: object) -> str:
    """Return the ``extra`` fields of a record with an empty message as JSON, or "" without any.

    Sanic's access log consists of such records. Never raises. Values that JSON has no form for are
    serialized as ``formatter`` does, if it is a :class:`CloudWatchLogFormatter`.
    """
    if type(record.msg) is not str or record.msg:
        return ""
    ours = formatter if isinstance(formatter, CloudWatchLogFormatter) else _DEFAULT
    return ours.format_extra(record)


_DEFAULT = CloudWatchLogFormatter()
