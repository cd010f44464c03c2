"""What can be set, and what every bad argument is told."""

from __future__ import annotations

import dataclasses
import logging
import re
from datetime import timedelta

import botocore.session
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession

from aiowatchtower import CloudWatchLogFormatter, CloudWatchLogging, CloudWatchLogHandler
from aiowatchtower._config.settings import SETTING_NAMES, Settings
from aiowatchtower.testing import CloudWatchLogs

RETENTION = "1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827"
TAGS = "a mapping of 1 to 50 tag names (1 to 128 characters) to values (up to 256)"
SECONDS = "a number of seconds >= 0, or a timedelta"

# argument, value, kind of error, what is allowed
BAD = [
    ("log_group_name", "my app", ValueError, "a-z A-Z 0-9"),
    ("log_group_name", "", ValueError, "1 to 512"),
    ("log_group_name", 7, TypeError, "must be text, such as"),
    ("log_stream_name", "{loger_name}", ValueError, "{logger_name}"),
    ("log_stream_name", 7, TypeError, "must be text, such as"),
    ("level", "LOUD", ValueError, "logging.INFO or 'INFO'"),
    ("level", None, TypeError, "logging.INFO or 'INFO'"),
    ("formatter", "%(message)s", TypeError, "a logging.Formatter (an instance) or None"),
    ("structured", "yes", TypeError, "None, True or False"),
    ("structured", 1, TypeError, "None, True or False"),
    ("send_interval", -1, ValueError, SECONDS),
    ("send_interval", timedelta(seconds=-1), ValueError, SECONDS),
    ("send_interval", float("nan"), ValueError, SECONDS),
    ("send_interval", "5", TypeError, SECONDS),
    ("send_interval", True, TypeError, SECONDS),
    ("send_interval", None, TypeError, SECONDS),
    ("shutdown_timeout", -0.1, ValueError, SECONDS),
    ("shutdown_timeout", float("inf"), ValueError, SECONDS),
    ("max_batch_size", 255, ValueError, "a whole number from 256 to 1048576"),
    ("max_batch_size", 1_048_577, ValueError, "a whole number from 256 to 1048576"),
    ("max_batch_size", 1e6, TypeError, "a whole number from 256 to 1048576"),
    ("max_batch_count", 0, ValueError, "a whole number from 1 to 10000"),
    ("max_batch_count", 10_001, ValueError, "a whole number from 1 to 10000"),
    ("max_batch_count", True, TypeError, "a whole number from 1 to 10000"),
    ("max_message_size", 255, ValueError, "a whole number from 256 to 1048576"),
    ("max_message_size", 1_048_577, ValueError, "a whole number from 256 to 1048576"),
    ("max_buffer_size", 0, ValueError, "a whole number >= 1"),
    ("max_buffer_size", "64MB", TypeError, "a whole number >= 1"),
    ("max_in_flight", 0, ValueError, "a whole number >= 1"),
    ("metrics_namespace", "", ValueError, "1 to 255"),
    ("metrics_namespace", "AWS/Logs", ValueError, "not starting with AWS/"),
    ("metrics_namespace", 7, ValueError, "such as 'Shop/Logs'"),
    ("metrics_interval", 0, ValueError, "more than 0 seconds"),
    ("metrics_interval", "60", TypeError, SECONDS),
    ("create_log_group", "yes", TypeError, "True or False"),
    ("create_log_stream", 1, TypeError, "True or False"),
    ("enabled", "false", TypeError, "True or False"),
    ("strict", None, TypeError, "True or False"),
    ("log_group_retention_days", 2, ValueError, f"None (keep for ever) or one of {RETENTION}"),
    ("log_group_retention_days", True, ValueError, RETENTION),
    ("log_group_retention_days", 7.0, ValueError, RETENTION),
    ("log_group_retention_days", "7", ValueError, RETENTION),
    ("log_group_tags", ["a"], TypeError, TAGS),
    ("log_group_tags", {"a": 1}, ValueError, TAGS),
    ("log_group_tags", {1: "a"}, ValueError, TAGS),
    ("log_group_tags", {"": "a"}, ValueError, TAGS),
    ("log_group_tags", {"k" * 129: "a"}, ValueError, TAGS),
    ("log_group_tags", {"a": "v" * 257}, ValueError, TAGS),
    ("log_group_tags", {"AWS:a": "v"}, ValueError, "not starting with aws:"),
    ("log_group_tags", {str(n): "v" for n in range(51)}, ValueError, TAGS),
    ("log_group_kms_key_id", "", ValueError, "the ARN of a KMS key"),
    ("log_group_kms_key_id", "arn:" + "k" * 253, ValueError, "up to 256 characters"),
    ("log_group_kms_key_id", "alias/shop", ValueError, "no alias"),
    ("log_group_kms_key_id", 7, ValueError, "the ARN of a KMS key"),
    ("log_group_class", "CHEAP", ValueError, "STANDARD, INFREQUENT_ACCESS, DELIVERY"),
    ("entity", "web", TypeError, "a mapping with keyAttributes and attributes"),
    ("entity", {"keyAttributes": "web"}, TypeError, "each a mapping of text to text"),
    ("entity", {"keyAttributes": {"Name": 7}}, TypeError, "each a mapping of text to text"),
    ("entity", {7: {}}, TypeError, "each a mapping of text to text"),
    ("compression", "zstd", ValueError, "'gzip' or None"),
    ("compression", ["gzip"], ValueError, "'gzip' or None"),
    ("on_drop", "print", TypeError, "a function of one Lost"),
    ("region_name", "", TypeError, "None or text, such as 'eu-central-1'"),
    ("region_name", 7, TypeError, "None or text, such as 'eu-central-1'"),
    ("profile_name", "", TypeError, "None or text, such as 'production'"),
    ("endpoint_url", 4566, TypeError, "None or text, such as 'http://127.0.0.1:4566'"),
    ("endpoint_url", "127.0.0.1:4566", ValueError, "starts with http:// or https://"),
    ("client", object(), TypeError, "a 'logs' client, entered, of aiobotocore"),
    ("endpoint_url", "http://", ValueError, "names a host"),
    ("session", object(), TypeError, "an aiobotocore.session.AioSession"),
    ("session", AioSession, TypeError, "an aiobotocore.session.AioSession"),
    ("formatter", CloudWatchLogFormatter, TypeError, "(an instance)"),
    ("log_group_tags", {"a$": "x"}, ValueError, TAGS),
    ("log_group_tags", {"a": "x!"}, ValueError, TAGS),
    ("log_group_name", "AWS/lambda", ValueError, "reserved by AWS"),
    ("config", {"read_timeout": 1}, TypeError, "an aiobotocore.config.AioConfig"),
]


@pytest.mark.parametrize(
    ("name", "value", "kind", "allowed"),
    BAD,
    ids=[f"{name}-{number}" for number, (name, *_) in enumerate(BAD)],
)
@pytest.mark.parametrize("owner", [CloudWatchLogging, CloudWatchLogHandler])
def test_a_bad_argument_is_named_with_its_value_and_what_is_allowed(
    owner, name, value, kind, allowed
):
    """Every argument that cannot work raises at once and says which, what it was, what it may be."""
    arguments = {"log_group_name": "/app", name: value}
    with pytest.raises(kind) as caught:
        owner(**arguments)
    message = str(caught.value)
    assert type(caught.value) is kind
    assert message.startswith(name)
    assert repr(value) in message
    assert allowed in message


UNKNOWN: list[tuple[str, object, str]] = [
    ("boto3_client", "x", "client= (an aiobotocore 'logs' client), or region_name="),
    ("boto3_session", None, "session= (an aiobotocore.session.AioSession)"),
    ("boto3_profile_name", "p", "write profile_name="),
    ("boto3_region_name", "r", "write region_name="),
    ("use_queues", False, "records are always queued"),
    ("log_group", "/app", "write log_group_name="),
    ("stream_name", "web", "write log_stream_name="),
    ("log_stream", "web", "write log_stream_name="),
    ("group", "/app", "write log_group_name="),
    ("stream", "web", "write log_stream_name="),
    ("json_serialize_default", str, "formatter=CloudWatchLogFormatter(json_serialize_default=...)"),
    ("add_log_record_attrs", [], "formatter=CloudWatchLogFormatter(add_log_record_attrs=...)"),
    ("region", "r", "write region_name="),
    ("profile", "p", "write profile_name="),
    ("tags", {}, "write log_group_tags="),
    ("retention_days", 7, "write log_group_retention_days="),
    ("send_intervall", 5, "did you mean send_interval=?"),
    ("max_batch_bytes", 5, "did you mean max_batch_"),
    ("zzz", 5, f"allowed are {', '.join(SETTING_NAMES)}"),
]


@pytest.mark.parametrize(("name", "value", "hint"), UNKNOWN)
def test_an_unknown_argument_says_what_to_write_instead(name, value, hint):
    """Arguments of Watchtower and boto3, and slips of the pen, are answered with the right name."""
    with pytest.raises(TypeError, match=re.escape(hint)) as caught:
        CloudWatchLogHandler("/app", **{name: value})
    assert str(caught.value).startswith(
        f"CloudWatchLogHandler takes no argument {name}={value!r}: "
    )


def test_the_block_also_knows_loggers():
    """A slip in `loggers`, which only the block has, is recognised there."""
    with pytest.raises(
        TypeError, match=re.escape("takes no argument loger='': did you mean loggers=?")
    ):
        CloudWatchLogging("/app", loger="")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=re.escape("takes no argument loggers=[]: ")):
        CloudWatchLogHandler("/app", loggers=[])  # type: ignore[call-arg]


@pytest.mark.parametrize("loggers", ["app", b"app", None, 7, [7], ["app", None]])
def test_loggers_are_names_or_loggers(loggers):
    """A bare name, which would be taken letter by letter, and what is no logger are refused."""
    with pytest.raises(TypeError, match=re.escape(f"loggers={loggers!r}: ")) as caught:
        CloudWatchLogging("/app", loggers=loggers)
    assert "the names of loggers, such as ('', 'uvicorn.access')" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["aws_secret_access_key", "aws_session_token", "api_key", "PASSWORD", "credentials"]
)
def test_a_secret_is_not_shown(name):
    """The value of an argument whose name sounds secret is in no message."""
    with pytest.raises(TypeError) as caught:
        CloudWatchLogging("/app", **{name: "hunter2"})  # type: ignore[arg-type]
    assert "hunter2" not in str(caught.value)
    assert f"{name}=...: " in str(caught.value)


def test_a_long_value_is_shortened():
    """A value that nobody asked for does not fill the screen."""
    with pytest.raises(TypeError) as caught:
        CloudWatchLogHandler("/app", zzz="x" * 10_000)  # type: ignore[call-arg]
    assert len(str(caught.value)) < 1_000


def _boto3_client():
    return pytest.importorskip("boto3").client("logs", region_name="us-east-1")


def _boto3_session():
    return pytest.importorskip("boto3").Session()


def _botocore_client():
    session = botocore.session.get_session()
    return session.create_client("logs", region_name="us-east-1")


@pytest.mark.parametrize("make", [_boto3_client, _botocore_client])
def test_a_client_that_blocks_the_loop_is_refused(make):
    """Clients of boto3 and botocore are told from aiobotocore's at once."""
    with pytest.raises(TypeError, match=r"^client=.*boto3's and botocore's block the event loop$"):
        CloudWatchLogging("/app", client=make())


@pytest.mark.parametrize("make", [_boto3_session, botocore.session.get_session])
def test_a_session_that_blocks_the_loop_is_refused(make):
    """Sessions of boto3 and botocore are told from aiobotocore's at once."""
    with pytest.raises(TypeError, match=r"^session=.*an aiobotocore.session.AioSession"):
        CloudWatchLogging("/app", session=make())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("session", AioSession()),
        ("region_name", "eu-central-1"),
        ("profile_name", "p"),
        ("endpoint_url", "http://127.0.0.1:1"),
        ("config", AioConfig()),
    ],
)
def test_a_client_brings_its_own(name, value):
    """What a client was made with cannot be given beside it."""
    with pytest.raises(ValueError, match=f"^{name}=") as caught:
        CloudWatchLogging("/app", client=CloudWatchLogs().client(), **{name: value})
    assert "left out when client= is given" in str(caught.value)


def test_a_session_brings_its_profile():
    """A session has its profile already."""
    with pytest.raises(ValueError, match=r"^profile_name='p'.*left out when session= is given"):
        CloudWatchLogging("/app", session=AioSession(), profile_name="p")


async def test_what_is_allowed_is_taken():
    """Every argument takes the values that its documentation names."""
    session = AioSession()
    async with session.create_client("logs", region_name="us-east-1") as client:
        assert Settings("/app", client=client).client is client
    settings = Settings(
        "/app",
        "{logger_name}",
        level="WARNING",
        formatter=CloudWatchLogFormatter(),
        send_interval=timedelta(milliseconds=250),
        max_batch_size=256,
        max_batch_count=1,
        max_message_size=1_048_576,
        max_buffer_size=1,
        shutdown_timeout=0,
        log_group_retention_days=3653,
        log_group_tags={"team": "", "k" * 128: "v" * 256},
        log_group_kms_key_id="arn:aws:kms:us-east-1:1:key/0",
        log_group_class="INFREQUENT_ACCESS",
        entity={"keyAttributes": {"Type": "Service", "Name": "web"}},
        compression=None,
        max_in_flight=1,
        region_name="eu-central-1",
        endpoint_url="HTTPS://logs.example",
        session=session,
        config=AioConfig(read_timeout=1),
        on_drop=print,
    )
    assert (settings.interval, settings.grace, settings.max_event_bytes) == (0.25, 0.0, 256)
    assert settings.send_interval == 0.25


@pytest.mark.parametrize("value", [None, {}])
def test_no_tags_are_no_mistake(value):
    """An empty mapping of tags is none."""
    assert not Settings("/app", log_group_tags=value).log_group_tags


@pytest.mark.parametrize("owner", [CloudWatchLogging, CloudWatchLogHandler])
@pytest.mark.parametrize("structured", [True, False])
def test_structured_and_a_formatter_exclude_each_other(owner, structured):
    """A formatter is not told silently what mode it should have had."""
    with pytest.raises(ValueError, match=f"structured={structured}: must be left out"):
        owner("/app", structured=structured, formatter=CloudWatchLogFormatter())


def test_a_formatter_need_not_be_a_logging_formatter():
    """Anything with a format method will do, as it does for logging."""

    class Shouting:
        def format(self, record):
            return record.getMessage().upper()

    handler = CloudWatchLogHandler("/app", formatter=Shouting())  # type: ignore[arg-type]
    assert handler.format(logging.makeLogRecord({"msg": "hey"})) == "HEY"


def test_settings_do_not_change():
    """What was checked stays as it was."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings("/app").level = 10  # type: ignore[misc]
