"""What Watchtower's users rely on, behaviour by behaviour, over a real socket."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import logging.config
from datetime import datetime, timezone

import pytest
from tests.examples.programs import run

from aiowatchtower import CloudWatchLogFormatter, CloudWatchLogging

GROUP = "py_watchtower_test"
STREAM = "stream"


@pytest.fixture(autouse=True)
def _environment(server, monkeypatch):
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def logger():
    """Return a logger without handlers, which passes nothing on."""
    logger = logging.getLogger("behaviours")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield logger
    for handler in list(logger.handlers):
        logger.removeHandler(handler)


@pytest.fixture
def dict_config(logger):
    """Return a function that declares the handler by dictConfig, on `logger`."""

    def configure(**arguments):
        handler = {
            "()": "aiowatchtower.CloudWatchLogHandler",
            "log_group_name": GROUP,
            "log_stream_name": STREAM,
            **arguments,
        }
        config = {
            "version": 1,
            "incremental": False,
            "disable_existing_loggers": False,
            "handlers": {"watchtower": handler},
            "loggers": {logger.name: {"handlers": ["watchtower"], "propagate": False}},
        }
        logging.config.dictConfig(config)

    return configure


def _json(messages):
    return [json.loads(message) for message in messages]


async def test_more_records_than_a_batch_holds(server):
    """Five loggers share a handler and log past 10 000 again and again: each record arrives once."""
    loggers = [logging.getLogger(f"behaviours.{i}") for i in range(5)]
    numbers = itertools.count()
    async with CloudWatchLogging(GROUP, STREAM, loggers=loggers):
        for burst in (10_001, 9_000, 1_001):
            for _ in range(burst):
                for logger in loggers:
                    logger.error("test %d", next(numbers))
            await asyncio.to_thread(server.wait_for, 1)

    messages = await asyncio.to_thread(server.messages, GROUP)
    assert len(messages) == len(set(messages)) == next(numbers) == 5 * 20_002
    puts = [
        put for put in await asyncio.to_thread(server.calls, "PutLogEvents") if put.status == 200
    ]
    assert max(put.event_count for put in puts) == 10_000


async def test_flush_is_safe_and_logging_after_the_end_warns_once(server, logger, caplog):
    """Flushing without records is no error; what is logged after the end is counted, with a warning."""
    async with CloudWatchLogging(GROUP, STREAM, loggers=[logger]) as logs:
        logs.handler.flush()
        await logs.flush()
        logger.critical("in time")
        logs.handler.close()
    logger.addHandler(logs.handler)
    logger.critical("too late")
    logger.critical("too late")

    assert await asyncio.to_thread(server.messages, GROUP) == ["in time"]
    assert logs.statistics().dropped == {"after_exit": 2}
    warnings = [said for said in caplog.messages if "after the block" in said]
    assert len(warnings) == 1


async def test_json_logging(server, logger):
    """A dict is one JSON event, lists, nested dicts and all."""
    events = [
        {"src": "foo", "event": str(i), "stack": [1, 2, 3, i], "details": {}} for i in range(10)
    ]
    async with CloudWatchLogging(GROUP, STREAM, loggers=[logger]):
        for event in events:
            logger.critical(event)

    assert _json(await asyncio.to_thread(server.messages, GROUP)) == events


async def test_json_logging_with_a_datetime(server, logger):
    """A date deep in a dict arrives in ISO 8601, and the dict is left as it was."""
    moment = datetime(2019, 1, 1, tzinfo=timezone.utc)
    event = {"src": "foo", "details": {"time": moment, "day": moment.date()}}
    async with CloudWatchLogging(GROUP, STREAM, loggers=[logger]):
        logger.critical(event)

    (sent,) = _json(await asyncio.to_thread(server.messages, GROUP))
    assert sent["details"] == {"time": "2019-01-01T00:00:00+00:00", "day": "2019-01-01"}
    assert event == {"src": "foo", "details": {"time": moment, "day": moment.date()}}


async def test_several_handlers_at_once(server, logger):
    """Two handlers on one logger, to two groups: both get each record."""
    async with (
        CloudWatchLogging(GROUP, STREAM, loggers=[logger]),
        CloudWatchLogging("another", STREAM, loggers=[logger]),
    ):
        logger.error("to both")

    for group in (GROUP, "another"):
        assert await asyncio.to_thread(server.messages, group) == ["to both"]


CONFIG = """\
version: 1
disable_existing_loggers: false
formatters:
  json:
    format: "[%(asctime)s] %(process)d %(levelname)s %(name)s:%(funcName)s:%(lineno)s - %(message)s"
handlers:
  watchtower:
    formatter: json
    level: DEBUG
    (): aiowatchtower.CloudWatchLogHandler
    log_group_name: logger
    log_stream_name: loggable
"""
LOGGERS = """\
loggers:
  root:
    handlers: [watchtower]
"""
APPLICATION = """\
import asyncio, logging.config, sys
import yaml
from aiowatchtower import CloudWatchLogging

with open("logging.yml") as file:
    logging.config.dictConfig(yaml.safe_load(file))

async def main():
    async with CloudWatchLogging.configured():
        for number in range(10):
            logging.getLogger("root").critical({"src": "foo2", "event": number})

asyncio.run(main())
"""


def test_dictconfig_basic(server, tmp_path):
    """A handler that a YAML file declares on `root` delivers, though a formatter of its own is set."""
    (tmp_path / "logging.yml").write_text(CONFIG + LOGGERS)
    (tmp_path / "main.py").write_text(APPLICATION)
    run("main.py", server=server, folder=tmp_path)

    messages = server.messages("logger", "loggable")
    assert len(messages) == 10
    assert all(
        message.startswith("[20") and " CRITICAL root:main:" in message for message in messages
    )
    assert "{'src': 'foo2', 'event': 9}" in messages[-1]


def test_dictconfig_profile(server, tmp_path):
    """A profile that the file names gives credentials and region; nothing else has to."""
    (tmp_path / "logging.yml").write_text(CONFIG + "    profile_name: watchtowerlogger\n" + LOGGERS)
    (tmp_path / "main.py").write_text(APPLICATION)
    (tmp_path / "config").write_text("[profile watchtowerlogger]\nregion = eu-central-1\n")
    keys = "aws_access_key_id = testing\naws_secret_access_key = testing\n"
    (tmp_path / "credentials").write_text(f"[watchtowerlogger]\n{keys}")
    environment = {
        "AWS_ACCESS_KEY_ID": None,
        "AWS_SECRET_ACCESS_KEY": None,
        "AWS_DEFAULT_REGION": None,
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }
    run("main.py", server=server, folder=tmp_path, **environment)

    assert len(server.messages("logger", "loggable")) == 10
    assert server.signatures_verified == len(server.requests)


def test_terminating_process(server, tmp_path):
    """A process that logs one record and ends has delivered it."""
    (tmp_path / "main.py").write_text(
        "import asyncio, logging\n"
        "from aiowatchtower import CloudWatchLogging\n"
        "async def main():\n"
        "    async with CloudWatchLogging('run', 'run_logging', loggers=['run'], send_interval=3600):\n"
        "        logging.getLogger('run').error('msg')\n"
        "asyncio.run(main())\n"
    )
    run("main.py", server=server, folder=tmp_path)

    assert server.messages("run", "run_logging") == ["msg"]


@pytest.mark.parametrize("disables", ["true", "false"])
def test_a_forgotten_block_is_reported(server, tmp_path, disables):
    """A process that declares the handler and enters no block says so at its end.

    Also where dictConfig disables the loggers that it does not name, as it does by default.
    """
    config = CONFIG.replace("existing_loggers: false", f"existing_loggers: {disables}")
    (tmp_path / "logging.yml").write_text(config + LOGGERS)
    forgetful = APPLICATION.replace("async with CloudWatchLogging.configured():", "if True:")
    (tmp_path / "main.py").write_text(forgetful)
    said = run("main.py", server=server, folder=tmp_path).stdout

    assert "10 records for logger are lost" in said
    assert "async with CloudWatchLogging.configured()" in said
    assert server.requests == []


async def test_empty_messages(server, logger):
    """Empty messages, which AWS refuses, are counted and not sent; their neighbours are."""
    async with CloudWatchLogging(GROUP, STREAM, loggers=[logger]) as logs:
        logger.critical("")
        logger.critical("%s", "")
        logger.critical("not empty")

    assert await asyncio.to_thread(server.messages, GROUP) == ["not empty"]
    assert logs.statistics().dropped == {"empty": 2}


async def test_stream_is_made_when_it_is_missing(server, logger, dict_config):
    """The stream is made by the first record, not again by the next, and again once it was deleted."""
    dict_config(send_interval=0)
    assert await asyncio.to_thread(server.streams, GROUP) == []
    async with CloudWatchLogging.configured() as logs:
        logger.error("foo")
        await logs.flush()
        assert await asyncio.to_thread(server.messages, GROUP, STREAM) == ["foo"]
        made = len(await asyncio.to_thread(server.calls, "CreateLogStream"))
        logger.error("another")
        await logs.flush()
        assert len(await asyncio.to_thread(server.calls, "CreateLogStream")) == made
        await asyncio.to_thread(server.delete_stream, GROUP, STREAM)
        logger.error("this makes the stream again")
        await logs.flush()

    assert await asyncio.to_thread(server.messages, GROUP, STREAM) == [
        "this makes the stream again"
    ]
    assert len(await asyncio.to_thread(server.calls, "CreateLogStream")) == made + 1


async def test_existing_stream_is_not_made(server, logger, dict_config):
    """To a stream that exists, nothing is sent but the events."""
    dict_config()
    async with CloudWatchLogging.configured():
        logger.error("makes the stream")
    before = len(await asyncio.to_thread(lambda: server.requests))
    dict_config()
    async with CloudWatchLogging.configured():
        logger.error("message")

    later = (await asyncio.to_thread(lambda: server.requests))[before:]
    assert [request.action for request in later] == ["PutLogEvents"]


class Failing(logging.Formatter):
    def format(self, record):
        raise LookupError("no such style")


@pytest.mark.parametrize("raise_exceptions", [True, False])
async def test_formatter_errors(server, logger, capsys, monkeypatch, raise_exceptions):
    """An error in a formatter stays out of the application; the event tells of it, and of its message."""
    monkeypatch.setattr(logging, "raiseExceptions", raise_exceptions)
    async with CloudWatchLogging(GROUP, STREAM, loggers=[logger], formatter=Failing()):
        logger.critical("test %d", 1)

    (message,) = await asyncio.to_thread(server.messages, GROUP)
    assert message.startswith("test 1 ")
    assert "LookupError: no such style" in message


async def test_json_serialize_default(server, logger):
    """What JSON has no form for goes through the function given, or becomes text."""
    moment = datetime(2019, 1, 1, 12)  # noqa: DTZ001 - no time zone to show
    async with CloudWatchLogging(GROUP, STREAM, loggers=[logger]) as logs:
        logger.critical({"date": moment})
        formatter = CloudWatchLogFormatter(json_serialize_default=str)
        logs.handler.setFormatter(formatter)
        logger.critical({"date": moment})
        formatter.json_serialize_default = None  # type: ignore[assignment]
        logger.critical({"date": moment})

    iso, by_str, broken = _json(await asyncio.to_thread(server.messages, GROUP))
    assert iso == {"date": "2019-01-01T12:00:00"}
    assert by_str == {"date": "2019-01-01 12:00:00"}
    assert "aiowatchtower_error" in broken, "delivered, and marked: not lost as there"


async def test_record_attributes(server, logger):
    """Attributes asked for are in each event, beside a text's `msg` or a dict's own keys."""
    event = {"msg": "hello", "metadata": {"body": b"abc"}}
    async with CloudWatchLogging(GROUP, STREAM, loggers=[logger]) as logs:
        assert isinstance(logs.handler.formatter, CloudWatchLogFormatter)
        logs.handler.formatter.add_log_record_attrs = ["levelname", "nowhere"]
        logger.critical("hello")
        logger.critical(event)

    text, mapping = _json(await asyncio.to_thread(server.messages, GROUP))
    assert text == {"msg": "hello", "levelname": "CRITICAL", "nowhere": None}
    assert mapping == {
        "msg": "hello",
        "metadata": {"body": "b'abc'"},
        "levelname": "CRITICAL",
        "nowhere": None,
    }
    assert set(event) == {"msg", "metadata"}


async def test_unicode_is_cut_and_split_by_bytes(server, logger):
    """Five messages of three bytes a character, above Watchtower's limit, are cut and need two puts."""
    too_long = "€" * 1024 * 129
    async with CloudWatchLogging(GROUP, STREAM, loggers=[logger], max_message_size=256 * 1024):
        for _ in range(5):
            logger.critical(too_long)

    messages = await asyncio.to_thread(server.messages, GROUP)
    assert len(messages) == 5
    for message in messages:
        assert len(message.encode()) + 26 <= 256 * 1024
        assert message.startswith("€" * 80_000)
        assert message.endswith(f"of {3 * 1024 * 129} bytes]")
    puts = [
        put for put in await asyncio.to_thread(server.calls, "PutLogEvents") if put.status == 200
    ]
    assert sorted(put.event_count for put in puts) == [1, 4]


async def test_group_is_tagged(server, logger):
    """A group made here has its tags."""
    tags = {"tag1": "value1", "tag2": "value2"}
    async with CloudWatchLogging(GROUP, STREAM, loggers=[logger], log_group_tags=tags):
        logger.critical("this makes a log group with tags")

    groups = await asyncio.to_thread(lambda: server.groups)
    assert groups[GROUP].tags == tags


async def test_retention_is_set(server, logger):
    """A group made here has its retention."""
    async with CloudWatchLogging(GROUP, STREAM, loggers=[logger], log_group_retention_days=14):
        logger.critical("this makes a log group with a retention")

    groups = await asyncio.to_thread(lambda: server.groups)
    assert groups[GROUP].retention_days == 14


async def test_stream_placeholders(server, logger):
    """The names of logger and thread, and the day, are in the stream's name, and no colon is."""
    name = "{logger_name}:{thread_name}:{strftime:%Y}"
    async with CloudWatchLogging(GROUP, name, loggers=[logger]):
        logger.error("hello")

    (stream,) = await asyncio.to_thread(server.streams, GROUP)
    year = datetime.now(timezone.utc).year
    assert stream == f"behaviours-MainThread-{year}"
