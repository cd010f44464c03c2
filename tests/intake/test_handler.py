"""The synchronous end: format, hand off, return; never block, never raise, change nothing."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import datetime as dt
import gc
import inspect
import json
import logging
import logging.config
import math
import os
import subprocess
import sys
import threading
import weakref
from operator import attrgetter

import pytest
from tests.intake.loops import IdleLoop

from aiowatchtower import CloudWatchLogFormatter, CloudWatchLogHandler
from aiowatchtower._diagnostics.self_feeding import MARK, shipping

NOON = 1_795_348_800.0  # 2026-11-22T12:00:00Z


def _taken(handler):
    """Return the events that wait in a handler's buffer."""
    records = handler.inbox.enter(IdleLoop()).records
    handler.inbox.hand_over()
    return [] if records.empty() else records.get_nowait()


def _texts(handler) -> list[str]:
    return [event[2] for event in _taken(handler)]


def _warnings(caplog) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == "aiowatchtower"]


def _record(message="x", **about):
    known = {"msg": message, "created": NOON, "name": "app", "levelno": logging.INFO}
    return logging.makeLogRecord({**known, **about})


@pytest.fixture
def logger():
    """Give a logger that takes everything, and take the handlers off it and its child afterwards."""
    parent, child = logging.getLogger("handled"), logging.getLogger("handled.child")
    parent.setLevel(logging.DEBUG)
    parent.propagate = False
    yield parent
    parent.propagate = True
    for each in (parent, child):
        each.handlers.clear()


def test_a_record_becomes_an_event():
    """Stream, time in milliseconds, text and size as AWS counts it."""
    handler = CloudWatchLogHandler("/app", "web")
    handler.handle(_record("é %s", args=("x",), created=NOON + 0.1234))
    assert _taken(handler) == [("web", 1_795_348_800_123, "é x", 4 + 26, 0)]


@pytest.mark.parametrize("second", [1_700_000_000, 1_795_348_800])
def test_every_millisecond_comes_out_as_it_went_in(second):
    """A time that is a whole number of milliseconds stays that number, whatever floats make of it."""
    handler = CloudWatchLogHandler("/app")
    times = [second * 1_000 + number for number in range(1_000)]
    for at in times:
        handler.handle(_record(created=at / 1_000))
        # The float just below, where arithmetic may leave it: some 200 nanoseconds short.
        handler.handle(_record(created=math.nextafter(at / 1_000, 0)))
    assert [event[1] for event in _taken(handler)] == [at for at in times for _ in range(2)]


def test_a_record_on_its_way_through_two_loggers_is_taken_once(logger):
    """The handler on a logger and on its parent has each record once, and equal ones each."""
    handler = CloudWatchLogHandler("/app")
    child = logger.getChild("child")
    logger.addHandler(handler)
    child.addHandler(handler)
    for _ in range(3):
        child.warning("same")
    logger.warning("other")
    assert _texts(handler) == ["same"] * 3 + ["other"]
    assert handler.statistics().logged == 4


def test_a_record_that_is_logged_while_another_is_formatted_does_not_double_it(logger):
    """An argument that logs when it is formatted leaves both records in the buffer once."""
    handler = CloudWatchLogHandler("/app")
    child = logger.getChild("child")
    logger.addHandler(handler)
    child.addHandler(handler)

    unsaid = ["inner"]

    class Talkative:
        def __str__(self):
            while unsaid:
                logger.warning(unsaid.pop())
            return "outer"

    child.warning("%s", Talkative())
    assert _texts(handler) == ["inner", "outer"]


def test_threads_do_not_take_each_other_s_records_for_their_own(logger):
    """Records of many threads, each over two loggers, are all there once."""
    handler = CloudWatchLogHandler("/app")
    child = logger.getChild("child")
    logger.addHandler(handler)
    child.addHandler(handler)

    def work(name):
        for number in range(200):
            child.info("%s:%d", name, number)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    texts = _texts(handler)
    assert len(texts) == len(set(texts)) == 1_600


def test_the_record_is_left_as_it_was():
    """Other handlers see the record, the user's dict and no cached traceback, as if we were not there."""
    handler = CloudWatchLogHandler("/app")
    message = {"k": [1], 2: "two"}
    try:
        raise ValueError("broken")
    except ValueError:
        record = _record(message, exc_info=sys.exc_info(), request_id="r1")
    before = dict(record.__dict__)
    shown = copy.deepcopy(message)
    handler.handle(record)
    assert record.__dict__ == before
    assert record.exc_text is None
    assert record.msg is message
    assert message == shown
    (text,) = _texts(handler)
    assert json.loads(text)["request_id"] == "r1"


def test_no_traceback_and_no_record_is_kept_alive():
    """What waits in the buffer is text: the record and its exception can go."""
    handler = CloudWatchLogHandler("/app")

    class BrokenError(ValueError):
        pass

    def fail():
        try:
            raise BrokenError("broken")
        except BrokenError:
            record = _record("failed", exc_info=sys.exc_info())
        handler.handle(record)
        return weakref.ref(record), weakref.ref(record.exc_info[1])

    references = fail()
    gc.collect()
    assert [reference() for reference in references] == [None, None]
    assert handler.statistics().pending == 1


def test_values_are_those_of_the_call():
    """A list that is changed later and a context variable show what they were when it was logged."""
    variable = contextvars.ContextVar("request", default="none")

    class WithContext(logging.Formatter):
        def format(self, record):
            return f"{variable.get()} {record.getMessage()}"

    handler = CloudWatchLogHandler("/app", formatter=WithContext())
    items = [1]

    def request():
        variable.set("r1")
        handler.handle(_record("%s", args=(items,)))

    contextvars.copy_context().run(request)
    items.append(2)
    assert _texts(handler) == ["r1 [1]"]


def test_records_made_while_shipping_are_ignored(logger):
    """What the worker's context logs never comes back; the same logger's other records do."""
    handler = CloudWatchLogHandler("/app")
    logger.addHandler(handler)
    with shipping():
        logger.debug("request sent")
    logger.debug("the application's own request")
    assert handler.statistics().logged == 1
    assert _texts(handler) == ["the application's own request"]


def test_records_marked_elsewhere_are_ignored(logger):
    """A record that was logged while shipping is known by its mark, in whatever thread it arrives."""
    handler = CloudWatchLogHandler("/app")
    logger.addHandler(handler)
    logger.debug("request sent", extra={MARK: True})
    logger.debug("the application's own request")
    assert _texts(handler) == ["the application's own request"]


def test_filters_that_raise_decide_nothing(logger, capsys):
    """The record is kept, logging's own report of the failure goes to stderr, and nothing is raised."""
    handler = CloudWatchLogHandler("/app")
    logger.addHandler(handler)
    handler.addFilter(attrgetter("no_such_attribute"))
    logger.info("hello")
    assert _texts(handler) == ["hello"]
    assert "no_such_attribute" in capsys.readouterr().err


def test_filters_decide(logger):
    """A record that a filter refuses is not logged, wherever it is offered again."""
    handler = CloudWatchLogHandler("/app")
    handler.addFilter(lambda record: "secret" not in record.getMessage())
    child = logger.getChild("child")
    logger.addHandler(handler)
    child.addHandler(handler)
    child.warning("secret")
    child.warning("open")
    assert handler.statistics().logged == 1
    assert _texts(handler) == ["open"]


def test_a_filter_may_give_another_record():
    """From Python 3.12 on a filter may return the record to use; before, that is a yes."""
    handler = CloudWatchLogHandler("/app")
    handler.addFilter(lambda record: _record("masked"))
    if sys.version_info >= (3, 12):
        assert handler.handle(_record("secret"))
        assert _texts(handler) == ["masked"]
    else:
        assert handler.handle(_record("open"))
        assert _texts(handler) == ["open"]


def test_handle_says_whether_it_took_the_record():
    """As with logging's own handlers, the answer is whether the record was handled."""
    handler = CloudWatchLogHandler("/app")
    record = _record()
    assert handler.handle(record) is True
    assert handler.handle(record) is False


def test_the_level_is_the_handler_s(logger):
    """Records below the handler's level do not reach it."""
    handler = CloudWatchLogHandler("/app", level="ERROR")
    logger.addHandler(handler)
    logger.warning("no")
    logger.error("yes")
    assert _texts(handler) == ["yes"]


class Formatter(logging.Formatter):
    def __init__(self, returned) -> None:
        super().__init__()
        self.returned = returned

    def format(self, record):
        if isinstance(self.returned, BaseException):
            raise self.returned
        return self.returned


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("returned", "text"),
    [("plain", "plain"), (b"bytes", "b'bytes'"), (None, "None"), (7, "7"), (Text("t"), "t")],
)
def test_what_a_formatter_returns_becomes_text(returned, text):
    """A formatter that returns something else than a string costs no record."""
    handler = CloudWatchLogHandler("/app", formatter=Formatter(returned))
    handler.handle(_record())
    (found,) = _texts(handler)
    assert found == text
    assert type(found) is str


def test_a_formatter_that_is_set_as_an_attribute_formats():
    """The attribute decides from the next record on, as with any handler, and None is the default again."""
    handler = CloudWatchLogHandler("/app")
    handler.formatter = formatter = logging.Formatter("%(levelno)d %(message)s")
    assert handler.formatter is formatter
    handler.handle(_record("one"))
    handler.formatter = None
    handler.handle(_record("two"))
    assert _texts(handler) == ["20 one", "two"]


def test_a_formatter_that_raises_costs_no_record(capsys):
    """The event says what went wrong, with the message that it was about; nothing is raised."""
    handler = CloudWatchLogHandler("/app", formatter=Formatter(KeyError("request_id")))
    handler.handle(_record("order %d", args=(7,)))
    handler.setFormatter(None)
    handler.handle(_record("next"))
    first, second = _texts(handler)
    assert first == "order 7 [aiowatchtower: formatting failed: KeyError: 'request_id']"
    assert second == "next"
    assert capsys.readouterr().err == ""


def test_arguments_that_do_not_fit_cost_no_record(capsys):
    """A wrong number of arguments is shown in the event, not on stderr."""
    handler = CloudWatchLogHandler("/app")
    handler.handle(_record("%s and %s", args=("one",)))
    (text,) = _texts(handler)
    assert text.startswith("%s and %s ('one') [aiowatchtower: formatting failed: TypeError")
    assert capsys.readouterr().err == ""


def test_what_the_application_must_see_is_not_swallowed():
    """Ctrl+C while a record is formatted ends the program as it should."""
    handler = CloudWatchLogHandler("/app", formatter=Formatter(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        handler.handle(_record())


def test_an_empty_text_is_skipped_and_counted():
    """CloudWatch Logs takes no empty event; one of blanks it does."""
    handler = CloudWatchLogHandler("/app")
    handler.handle(_record(""))
    handler.handle(_record(" "))
    seen = handler.statistics()
    assert (seen.logged, seen.pending, seen.dropped) == (2, 1, {"empty": 1})
    assert _texts(handler) == [" "]


def test_extra_fields_of_an_empty_message():
    """Sanic's access log has fields and no message: the fields are sent as one JSON object."""
    handler = CloudWatchLogHandler("/app", formatter=logging.Formatter())
    record = _record("")
    record.__dict__.update(status=200, host="127.0.0.1:80", when=dt.date(2026, 11, 24))
    handler.handle(record)
    assert list(map(json.loads, _texts(handler))) == [
        {"status": 200, "host": "127.0.0.1:80", "when": "2026-11-24"}
    ]


def test_extra_fields_are_written_as_the_formatter_writes_them():
    """The default formatter's own way to serialize values applies, and what is too long is cut."""
    formatter = CloudWatchLogFormatter(json_serialize_default=lambda value: f"<{value}>")
    handler = CloudWatchLogHandler("/app", formatter=formatter, max_message_size=256)
    for value in (1j, "\N{EURO SIGN}" * 1000):
        record = _record("")
        record.__dict__.update(value=value)
        handler.handle(record)
    first, second = _texts(handler)
    assert first == '{"value":"<1j>"}'
    assert second.startswith('{"value":"\N{EURO SIGN}')
    assert len(second.encode()) <= 256 - 26


def test_extra_fields_of_a_text_that_a_formatter_leaves_out():
    """A formatter that returns "" for a message that has text is obeyed, whatever its fields."""

    class Shy(logging.Formatter):
        def format(self, record):
            return ""

    handler = CloudWatchLogHandler("/app", formatter=Shy())
    record = _record("secret")
    record.__dict__.update(status=200)
    handler.handle(record)
    assert handler.statistics().dropped == {"empty": 1}


def test_lone_surrogates_are_replaced():
    """Text that cannot be encoded becomes text that can, with the size it then has."""
    handler = CloudWatchLogHandler("/app")
    handler.handle(_record("a\ud800b\0"))
    ((_, _, text, size, _),) = _taken(handler)
    assert text == "a\ufffdb\0"
    assert size == len(text.encode()) + 26


@pytest.mark.parametrize(("length", "is_cut"), [(230, False), (231, True)])
def test_a_long_text_is_cut_to_what_an_event_may_hold(length, is_cut, caplog):
    """At the limit it passes; above, it is cut, marked, and warned of once."""
    handler = CloudWatchLogHandler("/app", max_message_size=256)
    for _ in range(3):
        handler.handle(_record("x" * length))
    events = _taken(handler)
    for _, _, text, size, _ in events:
        assert size == len(text) + 26 <= 256
        assert ("aiowatchtower: cut" in text) is is_cut
    assert len(_warnings(caplog)) == is_cut
    if is_cut:
        assert "a record of 257 bytes is cut to 256" in _warnings(caplog)[0]


def test_a_batch_limits_an_event_too():
    """An event also has to fit into the smallest batch; letters beyond ASCII count as their bytes."""
    handler = CloudWatchLogHandler("/app", max_batch_size=300)
    handler.handle(_record("é" * 200))
    ((_, _, text, size, _),) = _taken(handler)
    assert size == len(text.encode()) + 26 <= 300


def test_errors_are_urgent():
    """With the buffer full for ordinary records, errors still find room."""
    handler = CloudWatchLogHandler("/app", max_buffer_size=100)
    for level in (logging.WARNING, logging.ERROR):
        for _ in range(4):
            handler.handle(_record("x", levelno=level))
    assert handler.statistics().dropped == {"buffer_full": 5}
    assert handler.statistics().pending == 3


def test_a_time_that_is_none_costs_the_record_alone(capsys):
    """A record whose time is no number is reported as logging reports it; nothing is raised."""
    handler = CloudWatchLogHandler("/app")
    handler.handle(_record(created=float("nan")))
    handler.handle(_record("next"))
    assert "--- Logging error ---" in capsys.readouterr().err
    seen = handler.statistics()
    assert (seen.logged, seen.dropped, seen.pending) == (2, {"malformed": 1}, 1)
    assert _texts(handler) == ["next"]


def test_records_find_their_streams():
    """With placeholders for it, each record goes to the stream of its logger, thread and day."""
    handler = CloudWatchLogHandler("/app", "{logger_name}/{thread_name}/{strftime:%Y-%m-%d}")
    handler.handle(_record(name="app", threadName="one"))
    handler.handle(_record(name="app.db", threadName=None, created=NOON - 86_400))
    assert [event[0] for event in _taken(handler)] == ["app/one/2026-11-22", "app.db//2026-11-21"]


async def test_records_find_the_stream_of_their_task():
    """{task_name} is the task that logs."""
    handler = CloudWatchLogHandler("/app", "{task_name}")

    async def work():
        handler.handle(_record())

    await asyncio.create_task(work(), name="worker-1")
    await asyncio.to_thread(handler.handle, _record())
    assert [event[0] for event in _taken(handler)] == ["worker-1", "no-task"]


def test_outside_a_loop_there_is_no_task():
    """Without a loop, {task_name} says that there is none."""
    handler = CloudWatchLogHandler("/app", "{task_name}")
    handler.handle(_record())
    asyncio.run(asyncio.to_thread(handler.handle, _record()))
    assert [event[0] for event in _taken(handler)] == ["no-task", "no-task"]


async def test_a_callback_of_the_loop_is_no_task():
    """What the loop itself calls has no task to name."""
    handler = CloudWatchLogHandler("/app", "{task_name}")
    done = asyncio.Event()

    def callback():
        handler.handle(_record())
        done.set()

    asyncio.get_running_loop().call_soon(callback)
    await done.wait()
    assert [event[0] for event in _taken(handler)] == ["no-task"]


def test_late_records_are_counted_and_warned_of_once(caplog):
    """After the block was left, records are not even formatted; one warning says so."""
    handler = CloudWatchLogHandler("/app", formatter=Formatter(AssertionError("formatted")))
    handler.inbox.enter(IdleLoop())  # type: ignore[arg-type]
    handler.inbox.leave(10.0)
    handler.handle(_record(levelno=logging.INFO))
    assert _warnings(caplog) == [], "a server's own last lines come after the lifespan"
    for _ in range(2):
        handler.handle(_record(levelno=logging.WARNING))
    assert handler.statistics().dropped == {"after_exit": 3}
    (warning,) = _warnings(caplog)
    assert warning.startswith("records logged after the block of /app was left are dropped: ")


@pytest.mark.parametrize("value", ["0", "false", "No", " off "])
def test_the_environment_switches_it_off(value, monkeypatch):
    """AIOWATCHTOWER_ENABLED=0 makes the handler do nothing, without a change of code."""
    monkeypatch.setenv("AIOWATCHTOWER_ENABLED", value)
    handler = CloudWatchLogHandler("/app")
    assert handler.handle(_record()) is False
    assert handler.statistics().logged == 0


@pytest.mark.parametrize("value", ["1", "true", "", None])
def test_the_environment_does_not_switch_it_on(value, monkeypatch):
    """Any other value leaves it to the argument."""
    if value is not None:
        monkeypatch.setenv("AIOWATCHTOWER_ENABLED", value)
    assert CloudWatchLogHandler("/app").enabled
    assert not CloudWatchLogHandler("/app", enabled=False).enabled


def test_a_disabled_handler_takes_nothing():
    """With enabled=False records cost nothing and are not counted."""
    handler = CloudWatchLogHandler("/app", enabled=False)
    assert handler.handle(_record()) is False
    assert handler.statistics().logged == 0


def test_flushing_and_closing_end_nothing():
    """`flush` and `close`, which any logging configuration calls on every handler, change nothing."""
    handler = CloudWatchLogHandler("/app")
    handler.handle(_record("a"))
    handler.flush()
    handler.close()
    handler.close()
    handler.handle(_record("b"))
    assert _texts(handler) == ["a", "b"]


def test_dictconfig_declares_it(logger):
    """A logging configuration names the class and its arguments, long before there is a loop."""
    logging.config.dictConfig(
        {
            "version": 1,
            "incremental": False,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": CloudWatchLogFormatter, "structured": True}},
            "handlers": {
                "cloudwatch": {
                    "class": "aiowatchtower.CloudWatchLogHandler",
                    "log_group_name": "/app",
                    "level": "INFO",
                    "formatter": "json",
                    "send_interval": 1,
                }
            },
            "loggers": {"handled": {"handlers": ["cloudwatch"], "propagate": False}},
        }
    )
    (handler,) = logger.handlers
    assert isinstance(handler, CloudWatchLogHandler)
    logger.debug("no")
    logger.info("yes")
    (text,) = _texts(handler)
    assert json.loads(text)["message"] == "yes"
    assert handler.settings.interval == 1.0


@pytest.mark.parametrize(
    ("structured", "keys"), [(None, None), (False, None), (True, ["timestamp", "level", "logger"])]
)
def test_structured_chooses_the_mode_of_the_default_formatter(structured, keys):
    """`structured=True` makes every event one JSON object; otherwise a text stays a text."""
    handler = CloudWatchLogHandler("/app", structured=structured)
    handler.handle(_record("hello"))
    (text,) = _texts(handler)
    if keys is None:
        assert text == "hello"
    else:
        assert list(json.loads(text)) == [*keys, "message"]


def test_structured_is_refused_beside_a_formatter_in_dict_config():
    """`dictConfig` sets the formatter after it has made the handler, and is told of the contradiction."""
    entry = {
        "class": "aiowatchtower.CloudWatchLogHandler",
        "log_group_name": "/a",
        "structured": True,
        "formatter": "plain",
    }
    formatters = {"plain": {"format": "%(message)s"}}
    with pytest.raises(ValueError, match="Unable to configure") as caught:
        logging.config.dictConfig(
            {
                "version": 1,
                "formatters": formatters,
                "handlers": {"aws": entry},
                "incremental": False,
            }
        )
    assert "structured=True: must be left out" in str(caught.value.__cause__)


def test_it_shows_what_it_is():
    """Its repr tells group, stream, state and what is waiting."""
    handler = CloudWatchLogHandler("/app", "web")
    assert repr(handler) == "<CloudWatchLogHandler /app web (not entered, 0 pending)>"
    handler.handle(_record())
    handler.inbox.enter(IdleLoop())  # type: ignore[arg-type]
    assert repr(handler) == "<CloudWatchLogHandler /app web (open, 1 pending)>"
    handler.inbox.leave(10.0)
    assert repr(handler) == "<CloudWatchLogHandler /app web (being left, 1 pending)>"
    handler.inbox.end()
    assert repr(handler) == "<CloudWatchLogHandler /app web (left, 1 pending)>"


@pytest.mark.parametrize(("state", "warns"), [("waiting", True), ("empty", False), ("left", False)])
def test_records_that_no_block_came_for_are_mourned_at_exit(state, warns, caplog):
    """When the process ends, records kept for a block that never came are warned of."""
    handler = CloudWatchLogHandler("/app")
    if state != "empty":
        handler.handle(_record())
    if state == "left":
        handler.inbox.enter(IdleLoop())  # type: ignore[arg-type]
        handler.inbox.leave(10.0)
    handler.at_exit()
    assert len(_warnings(caplog)) == warns
    if warns:
        assert _warnings(caplog)[0].startswith("1 records for /app are lost: the process ends")


FORKING = """
import logging, os, sys, threading
from aiowatchtower import CloudWatchLogHandler

class Loop:
    def call_soon(self, callback, context=None): pass
    def is_closed(self): return False

handler = CloudWatchLogHandler("/app", "{process_id}")
logging.getLogger().addHandler(handler)
logging.warning("parent's")
if sys.argv[1] == "open":
    handler.inbox.enter(Loop())
handler.inbox._lock.acquire()  # as a thread that logs at this moment holds it
child = os.fork()
if child == 0:
    other = threading.Thread(target=logging.warning, args=("child's",))
    other.start()
    other.join(30)
    logging.warning("child's second")
    seen = handler.statistics()
    queue = handler.inbox.enter(Loop()).records
    handler.inbox.hand_over()
    events = queue.get_nowait()
    assert (seen.logged, seen.pending) == (2, 2), seen
    assert [event[2] for event in events] == ["child's", "child's second"], events
    assert {event[0] for event in events} == {str(os.getpid())}, events
    os._exit(7)
handler.inbox._lock.release()
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 7, status
assert handler.statistics().logged == 1
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("state", ["open", "waiting"])
def test_a_forked_child_begins_anew(state):
    """A fork leaves records and locks to the parent; inside a block the child says so once."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", FORKING, state],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("was forked inside a CloudWatchLogging block") == (state == "open")


def test_a_record_between_whose_loggers_another_logs_is_taken_once(logger):
    """A handler that logs on the way of a record, as one that makes requests does, does not double it."""
    handler = CloudWatchLogHandler("/app", "web")
    chatty = logging.Logger("chatty", logging.DEBUG)
    chatty.addHandler(handler)

    class Requesting(logging.Handler):
        def emit(self, record):
            for number in range(3):
                chatty.debug("request %d for %s", number, record.getMessage())

    child = logger.getChild("child")
    child.addHandler(handler)
    child.addHandler(Requesting())
    logger.addHandler(handler)
    child.info("hello")
    seen = handler.statistics()
    assert seen.logged == 4


class Named(CloudWatchLogHandler):
    """A handler with an argument of its own."""

    def __init__(self, service, **arguments):
        super().__init__(f"/app/{service}", **arguments)


@pytest.mark.parametrize(
    "make", [lambda: Named("shop"), lambda: Named(service="shop", level="INFO")]
)
def test_a_subclass_may_have_arguments_of_its_own(make):
    """By position and by name, as dictConfig passes them; those of ours are still checked."""
    assert make().settings.log_group_name == "/app/shop"
    assert list(inspect.signature(Named).parameters) == ["service", "arguments"]
    with pytest.raises(TypeError, match="takes no argument log_group="):
        CloudWatchLogHandler(log_group="/app")  # type: ignore[call-arg]
