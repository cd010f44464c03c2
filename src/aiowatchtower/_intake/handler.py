"""The synchronous end: a ``logging.Handler`` that formats, hands off and returns."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

from aiowatchtower._config.arguments import complaint
from aiowatchtower._config.names import DEFAULT_LOG_STREAM_NAME
from aiowatchtower._config.settings import (
    NOT_BESIDE_A_FORMATTER,
    SETTING_NAMES,
    Settings,
)
from aiowatchtower._config.unknown_arguments import check_keywords
from aiowatchtower._core.ledger import Ledger, Statistics
from aiowatchtower._core.limits import EVENT_OVERHEAD_BYTES
from aiowatchtower._core.phase import Lifecycle, Phase
from aiowatchtower._diagnostics.rate_limit import Diagnostics
from aiowatchtower._diagnostics.self_feeding import MARK, SHIPPING, is_ours, is_shipping
from aiowatchtower._text.formatter import CloudWatchLogFormatter, describe_failure, format_extra
from aiowatchtower._text.truncate import replace_surrogates, truncate, utf8_size

from .inbox import Inbox
from .locked_inbox import HandlersInbox
from .signature import SpelledOut
from .unattended import Unattended
from .wrong_kind import NotABlock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from typing import Literal

    from typing_extensions import Self

    from aiowatchtower._core.choices import LevelName, LogGroupClass, RetentionDays
    from aiowatchtower._core.events import Lost

# Switches delivery off without code: local runs, CI.
ENABLED_VARIABLE: Final = "AIOWATCHTOWER_ENABLED"
_OFF: Final = {"0", "false", "no", "off", "disabled"}
# Lifts a product such as 1700000000122.9998, which is meant to be a whole number, over it.
_HALF_A_MICROSECOND_MS: Final = 0.0005
_reference: Final = weakref.ref
_reference_count: Final = weakref.getweakrefcount
_shipping_in: Final = SHIPPING.get
_DEFAULT_FORMATTER: Final = CloudWatchLogFormatter()
_SHOWN: Final = {
    Phase.KEEPING: "not entered",
    Phase.OPEN: "open",
    Phase.LEAVING: "being left",
    Phase.CLOSED: "left",
}
# By id(). Unlike a WeakSet, it is listed in one step, in which no other thread can add to it.
_handlers: Final[weakref.WeakValueDictionary[int, CloudWatchLogHandler]] = (
    weakref.WeakValueDictionary()
)


class _Visits(threading.local):
    """The records that this thread handed over last, as long as they live.

    Several: another handler on the way of one may log others.
    """

    def __init__(self) -> None:
        self.recent: deque[weakref.ref[logging.LogRecord]] = deque(maxlen=8)
        self.note = self.recent.append


class CloudWatchLogHandler(NotABlock, logging.Handler):
    """Puts records in the buffer of a :class:`CloudWatchLogging` block, from any thread.

    Takes the arguments of :class:`CloudWatchLogging` but for ``loggers``, so that
    ``logging.config.dictConfig`` can declare it long before there is an event loop. Until a block
    runs it, records are kept, within ``max_buffer_size``; after that block they are dropped and
    counted.

    ``emit`` never blocks, never raises and does no I/O. ``flush`` and ``close`` do nothing: they
    are called on every live handler by each ``dictConfig`` and at exit, and must not end the
    delivery. Only leaving the block does.
    """

    # Tells diagnostics that what this handler is given never reaches a person's console.
    ships_to: Final = "cloudwatch"
    # Seconds that only go forward; a test's subclass may have others.
    _clock: Callable[[], float] = staticmethod(time.monotonic)
    __signature__: ClassVar[SpelledOut] = SpelledOut()

    if TYPE_CHECKING:
        # Spelled out for type checkers and editors, with the defaults of Settings; a test compares them.
        def __init__(
            self,
            log_group_name: str,
            log_stream_name: str = "{machine_name}/{program_name}/{process_id}",
            *,
            level: int | LevelName = logging.NOTSET,
            formatter: logging.Formatter | None = None,
            structured: bool | None = None,
            send_interval: float | timedelta = 5.0,
            max_batch_size: int = 1_048_576,
            max_batch_count: int = 10_000,
            max_message_size: int = 1_048_576,
            max_buffer_size: int = 64 * 2**20,
            spool_directory: str | os.PathLike[str] | None = None,
            max_spool_size: int = 2**30,
            shutdown_timeout: float | timedelta = 10.0,
            create_log_group: bool = True,
            create_log_stream: bool = True,
            log_group_retention_days: RetentionDays | None = None,
            log_group_tags: Mapping[str, str] | None = None,
            log_group_kms_key_id: str | None = None,
            log_group_class: LogGroupClass | None = None,
            entity: Mapping[str, Mapping[str, str]] | None = None,
            compression: Literal["gzip"] | None = "gzip",
            max_in_flight: int = 4,
            metrics_namespace: str | None = None,
            metrics_interval: float | timedelta = 60.0,
            region_name: str | None = None,
            profile_name: str | None = None,
            endpoint_url: str | None = None,
            session: object | None = None,
            client: object | None = None,
            config: object | None = None,
            enabled: bool = True,
            strict: bool = False,
            on_drop: Callable[[Lost], object] | None = None,
        ) -> None: ...

    else:

        def __new__(cls, *positional: object, **arguments: object) -> Self:
            # No docstring: editors would show it in place of the class's. Unknown arguments are explained
            # before Python complains of missing ones; a subclass may have arguments of its own.
            if cls.__init__ is CloudWatchLogHandler.__init__:
                check_keywords("CloudWatchLogHandler", positional, arguments, SETTING_NAMES)
            return super().__new__(cls)

        def __init__(
            self,
            log_group_name: str,
            log_stream_name: str = DEFAULT_LOG_STREAM_NAME,
            **arguments: object,
        ) -> None:
            self._set_up(Settings(log_group_name, log_stream_name, **arguments))

    def _set_up(self, settings: Settings) -> None:
        self.settings: Settings = settings
        super().__init__(settings.level)
        super().setFormatter(
            self.settings.formatter
            or CloudWatchLogFormatter(structured=bool(self.settings.structured))
        )
        self.diagnostics: Diagnostics = Diagnostics(self._clock)
        self.lifecycle: Lifecycle = Lifecycle()
        self.ledger: Ledger = Ledger(threading.RLock())
        self.inbox: Inbox = HandlersInbox(
            self.settings.max_buffer_size, self.ledger, self.lifecycle
        )
        self.enabled: bool = self.settings.enabled and not _is_switched_off()
        self._stream_name = self.settings.stream_name
        self._constant_stream = self._stream_name.constant
        self._max_event_bytes = self.settings.max_event_bytes
        self._visits = _Visits()
        self._unattended: Unattended | None = self._watched()
        _handlers[id(self)] = self

    def __repr__(self) -> str:
        """Show group, stream and what is waiting."""
        seen = self.inbox.statistics()
        state = _SHOWN[self.lifecycle.phase]
        return (
            f"<CloudWatchLogHandler {self.settings.log_group_name} "
            f"{self.settings.log_stream_name} ({state}, {seen.pending} pending)>"
        )

    def statistics(self) -> Statistics:
        """Return what became of the records so far. May be called from any thread."""
        return self.inbox.statistics()

    # A property, so that each record finds the method that formats it, also where an application
    # sets the attribute instead of calling setFormatter().
    @property
    def formatter(self) -> logging.Formatter | None:
        """What formats the records."""
        return self._formatter

    @formatter.setter
    def formatter(self, formatter: logging.Formatter | None) -> None:
        self._formatter = formatter
        self._format: Callable[[logging.LogRecord], str] = (
            _DEFAULT_FORMATTER.format
            if formatter is None
            else formatter.format
            if type(formatter) is CloudWatchLogFormatter
            else self._formatted
        )

    def setFormatter(self, fmt: logging.Formatter | None) -> None:  # noqa: N802 - logging's name
        """Use another formatter. Not together with ``structured=``, which would do nothing then."""
        if self.settings.structured is not None:
            raise ValueError(
                complaint("structured", self.settings.structured, NOT_BESIDE_A_FORMATTER)
            )
        super().setFormatter(fmt)

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter and emit a record, once, however many loggers on its way have this handler.

        Without logging's lock, which guards a stream that is written to: nothing here needs it.
        """
        # hasattr() does not make the record build a dict of its attributes, as record.__dict__ does.
        if not self.enabled or hasattr(record, MARK) or (_shipping_in() and is_shipping()):
            return False
        # Nobody refers to a new record. One that was here has the same reference as it had then.
        if _reference_count(record) and _reference(record) in self._visits.recent:
            return False
        if self.filters:
            passed = self._filtered(record)
            if passed is None:
                return False
            self.emit(passed)
        else:
            self.emit(record)
        # Only now, because formatting may have logged another record on its way.
        self._visits.note(_reference(record))
        return True

    def _filtered(self, record: logging.LogRecord) -> logging.LogRecord | None:
        """Return what the filters let pass: the record, another in its place, or None."""
        try:
            passed: bool | logging.LogRecord = self.filter(record)
        except Exception:  # noqa: BLE001 - nothing here raises; a broken filter decides nothing
            self.handleError(record)
            return record
        if isinstance(passed, logging.LogRecord):
            return passed
        return record if passed else None

    def emit(self, record: logging.LogRecord) -> None:
        """Format in the caller's context and put the text in the buffer."""
        if not self.lifecycle.takes_records:
            self._drop_late(record)
            return
        try:
            message = self._format(record)
        except Exception as exc:  # noqa: BLE001 - a formatter's or an argument's own failure
            message = describe_failure(record, exc)
        if not message:
            message = format_extra(record, self.formatter)
            if not message:
                self.ledger.count_unbuffered("empty")
                return
        size_bytes = len(message) + EVENT_OVERHEAD_BYTES
        if size_bytes > self._max_event_bytes or not message.isascii():
            message = self._fitting(message)
            size_bytes = utf8_size(message) + EVENT_OVERHEAD_BYTES
        try:
            is_waiting = self.inbox.put(
                self._constant_stream or self._resolved(record),
                int(record.created * 1000 + _HALF_A_MICROSECOND_MS),
                message,
                size_bytes,
                record.levelno,
            )
        except Exception:  # noqa: BLE001 - logging's own way to say so, and it never raises
            self.ledger.count_unbuffered("malformed")
            self.handleError(record)
            return
        if is_waiting:
            self._look_after()

    def _formatted(self, record: logging.LogRecord) -> str:
        """Format with what may be any object: a plain text is needed, whatever it returns."""
        message = self._formatter.format(record) if self._formatter else ""
        return message if type(message) is str else str(message)

    def _fitting(self, message: str) -> str:
        """Return the text as it can be encoded, cut to what one event may hold."""
        message = replace_surrogates(message)
        size_bytes = utf8_size(message) + EVENT_OVERHEAD_BYTES
        if size_bytes <= self._max_event_bytes:
            return message
        self.diagnostics.warn(
            "cut",
            f"a record of {size_bytes} bytes is cut to {self._max_event_bytes}, the most "
            "that max_message_size, max_batch_size and CloudWatch Logs allow",
        )
        return truncate(message, self._max_event_bytes - EVENT_OVERHEAD_BYTES)

    def _resolved(self, record: logging.LogRecord) -> str:
        name = self._stream_name
        if name.by_logger is not None:
            return name.by_logger(record.name)
        task = _task_name() if name.uses_task else ""
        return name.resolve(record.name, record.threadName or "", task, record.created)

    def _drop_late(self, record: logging.LogRecord) -> None:
        if is_ours(record):
            return
        self.ledger.count_unbuffered(self.lifecycle.reason)
        # Not of lesser ones: a server's own last lines come after the lifespan, always.
        if record.levelno >= logging.WARNING:
            self.diagnostics.warn(
                "after_exit",
                f"records logged after the block of {self.settings.log_group_name} was left are "
                "dropped: keep the block open for as long as the application logs",
            )

    def _look_after(self) -> None:
        # Another thread may be here, too.
        unattended = self._unattended
        if unattended is not None and not unattended.look():
            self._unattended = None

    def _watched(self, *, is_forked: bool = False) -> Unattended:
        group = self.settings.log_group_name
        return Unattended(group, self.inbox, self.diagnostics, self._clock, is_forked=is_forked)

    def flush(self) -> None:
        """Do nothing: the block's ``await logs.flush()`` is the one that waits."""

    def close(self) -> None:
        """Do nothing that ends delivery: any ``dictConfig`` call closes every handler there is."""
        super().close()

    def after_fork(self) -> None:
        """Forget the parent's records and worker; called in each forked child."""
        is_forked = self.inbox.is_open
        self.inbox.fork()
        self.ledger.reset(threading.RLock())
        self._visits = _Visits()
        self._stream_name.resolve_process()
        self._constant_stream = self._stream_name.constant
        self.diagnostics = Diagnostics(self._clock)
        self._unattended = self._watched(is_forked=is_forked)

    def at_exit(self) -> None:
        """Warn of records that no block has come for; called when the process ends."""
        self._watched().at_exit()


def _is_switched_off() -> bool:
    return os.environ.get(ENABLED_VARIABLE, "").strip().lower() in _OFF


def _task_name() -> str:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return task.get_name() if task is not None else "no-task"


def _living_handlers() -> list[CloudWatchLogHandler]:
    return [handler for each in _handlers.valuerefs() if (handler := each()) is not None]


def _after_fork() -> None:
    for handler in _living_handlers():
        handler.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@atexit.register
def _at_exit() -> None:
    for handler in _living_handlers():
        handler.at_exit()
