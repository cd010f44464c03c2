"""Names of log groups and streams: refused at once where AWS would refuse them later."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiowatchtower._config.names import (
    DEFAULT_LOG_STREAM_NAME,
    PLACEHOLDERS,
    StreamName,
    checked_group_name,
    sanitized_stream_name,
)
from aiowatchtower.testing import CloudWatchLogs

NOON = 1_795_348_800.0  # 2026-11-22T12:00:00Z, a Sunday


def _resolve(template, logger="app.db", thread="MainThread", task="Task-1", created=NOON):
    return StreamName(template).resolve(logger, thread, task, created)


@pytest.mark.parametrize("name", ["/app/web", "a", "x" * 512, "A-z_0.9/#", "aws", "/aws/lambda/f"])
def test_a_group_name_that_aws_takes_is_taken(name):
    """Names within AWS's rules come back as they are, and the service takes them."""
    assert checked_group_name(name) == name
    assert CloudWatchLogs().respond("CreateLogGroup", {"logGroupName": name}).status == 200


@pytest.mark.parametrize("name", ["", "my app", "x" * 513, "a:b", "a*", "é", "a\n", "aws/mine"])
def test_a_group_name_that_aws_refuses_is_refused(name):
    """Names outside AWS's rules raise with the name and what is allowed."""
    with pytest.raises(ValueError, match=r"AWS") as caught:
        checked_group_name(name)
    assert f"log_group_name={name!r}" in str(caught.value)
    assert CloudWatchLogs().respond("CreateLogGroup", {"logGroupName": name}).status == 400


@pytest.mark.parametrize("name", [None, 7, b"/app", PurePath("/app")])
def test_a_group_name_is_text(name):
    """Anything but text raises with an example."""
    with pytest.raises(TypeError, match=r"log_group_name=.*: must be text, such as '/app/web'"):
        checked_group_name(name)


RESOLVED = {
    "web": "web",
    "{logger_name}": "app.db",
    "{thread_name}/{task_name}": "MainThread/Task-1",
    "{strftime:%Y-%m-%d}": "2026-11-22",
    "{strftime:%H:%M}|{strftime:%j}": "12-00|326",
    "{{{logger_name}}}": "{app.db}",
    "a:b*c": "a-b-c",
    "{strftime:100%%}": "100%",
    "{process_id}": str(os.getpid()),
    "{machine_name}": platform.node(),
}


@pytest.mark.parametrize(("template", "name"), RESOLVED.items(), ids=RESOLVED)
def test_placeholders_are_filled_in(template, name):
    """Each placeholder stands for what its name says; times are the record's, in UTC."""
    assert _resolve(template) == name


def test_every_placeholder_that_is_offered_works():
    """What the messages list as allowed is allowed."""
    assert len({_resolve(placeholder) for placeholder in PLACEHOLDERS}) == len(PLACEHOLDERS)


WRONG = {
    "{loger_name}": "unknown placeholder {loger_name}",
    "{}": "unknown placeholder {}",
    "{0}": "unknown placeholder {0}",
    "{logger_name.upper}": "unknown placeholder {logger_name.upper}",
    "{logger_name!r}": "{logger_name!r}: no conversion is taken",
    "{process_id:05d}": "{process_id:05d}: no format is taken",
    "{strftime}": "{strftime} needs a format",
    "{strftime:today}": "{strftime:today} has no directive",
    "{strftime:%Q}": "%Q in {strftime:%Q} is not taken here",
    "{strftime:%-d}": "%- in {strftime:%-d} is not taken here",
    "{strftime:%Y%}": "% in {strftime:%Y%} is not taken here",
    "{strftime:%Y{process_id}}": "{strftime:%Y{process_id}} takes no placeholder inside",
    "{logger_name": "write {{ for a literal brace",
    "}": "write {{ for a literal brace",
}


@pytest.mark.parametrize(("template", "wrong"), WRONG.items())
def test_a_template_that_cannot_work_is_refused(template, wrong):
    """A mistake in a template raises, names it, and lists what is allowed."""
    with pytest.raises(ValueError, match=re.escape(wrong)) as caught:
        StreamName(template)
    message = str(caught.value)
    assert message.startswith(f"log_stream_name={template!r}: ")
    assert message.endswith(f"Allowed are {', '.join(PLACEHOLDERS)}")


def test_an_empty_template_is_refused_with_the_default():
    """Without a template, the default is named."""
    with pytest.raises(ValueError, match=re.escape(f"the default is {DEFAULT_LOG_STREAM_NAME!r}")):
        StreamName("")


@pytest.mark.parametrize("template", [None, 7, b"web"])
def test_a_template_is_text(template):
    """Anything but text raises with what was given."""
    with pytest.raises(
        TypeError, match=re.escape(f"log_stream_name={template!r}: must be text, such as ")
    ):
        StreamName(template)


@pytest.mark.parametrize(
    ("template", "is_constant"),
    [
        ("web", True),
        (DEFAULT_LOG_STREAM_NAME, True),
        ("{logger_name}", False),
        ("{thread_name}", False),
        ("{task_name}", False),
        ("{strftime:%Y}", False),
    ],
)
def test_a_name_that_no_record_changes_is_known_at_once(template, is_constant):
    """Where nothing depends on the record, the name is resolved once and for all."""
    name = StreamName(template)
    assert (name.constant is not None) == is_constant
    assert name.constant in {None, name.resolve("a", "b", "c", NOON)}


def test_the_task_is_asked_for_only_where_it_is_named():
    """Only a template with {task_name} needs the task."""
    assert StreamName("{task_name}").uses_task
    assert not StreamName("{thread_name}").uses_task


def test_records_of_another_day_have_another_stream():
    """A dated name follows each record's own time, not the first one's."""
    name = StreamName("{strftime:%Y-%m-%d}")
    days = [name.resolve("", "", "", NOON + days * 86_400) for days in (0, 1, 0, -1)]
    assert days == ["2026-11-22", "2026-11-23", "2026-11-22", "2026-11-21"]


def test_the_last_moment_of_a_day_is_of_that_day():
    """Names are kept for a second, no longer."""
    name = StreamName("{strftime:%Y-%m-%d %H:%M:%S}")
    midnight = NOON + 43_200
    moments = [midnight - 0.001, midnight, midnight + 0.999, midnight + 1]
    assert [name.resolve("", "", "", moment)[-8:] for moment in moments] == [
        "23-59-59",
        "00-00-00",
        "00-00-00",
        "00-00-01",
    ]


def test_a_thousand_streams_and_more_keep_their_names():
    """However many streams there are, each record finds its own."""
    name = StreamName("{logger_name}")
    loggers = [f"logger-{number}" for number in range(1_500)] * 2
    assert [name.resolve(logger, "", "", NOON) for logger in loggers] == loggers
    assert name.by_logger is not None
    assert [name.by_logger(logger) for logger in loggers] == loggers


@pytest.mark.parametrize(
    "template",
    ["web", "{process_id}", "{logger_name} {thread_name}", "{logger_name} {strftime:%H}"],
)
def test_only_a_name_that_varies_by_logger_alone_is_found_by_logger(template):
    """Else the thread, task or time would be that of the first record."""
    assert StreamName(template).by_logger is None


def test_a_fork_changes_the_process_in_a_name_by_logger():
    """What is kept for loggers is looked up again."""
    name = StreamName("{process_id}/{logger_name}")
    assert name.by_logger is not None
    before = name.by_logger
    name.resolve_process()
    assert name.by_logger is not before
    assert name.by_logger("shop") == before("shop") == f"{os.getpid()}/shop"


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("/srv/app.py", "app.py"),
        ("/usr/lib/python3/site-packages/uvicorn/__main__.py", "uvicorn"),
        ("-c", "-c"),
        ("", "-"),
    ],
)
def test_the_program_is_named_after_what_was_started(program, name, monkeypatch):
    """The program is the script, or for `python -m` the package."""
    monkeypatch.setattr(sys, "argv", [program])
    assert _resolve("{program_name}") == name


def test_a_program_without_arguments_has_no_name(monkeypatch):
    """An interpreter that is embedded has no arguments, and that is no error."""
    monkeypatch.setattr(sys, "argv", [])
    assert _resolve("x{program_name}") == "x"


@given(st.text(st.characters(exclude_categories=()), max_size=600))
def test_the_service_takes_any_name_once_it_is_sanitized(text):
    """Whatever a logger or thread is called, the stream's name is one that AWS takes."""
    name = sanitized_stream_name(text)
    assert 1 <= len(name) <= 512
    assert not {":", "*"} & set(name)
    cloudwatch = CloudWatchLogs()
    cloudwatch.respond("CreateLogGroup", {"logGroupName": "/app"})
    made = cloudwatch.respond("CreateLogStream", {"logGroupName": "/app", "logStreamName": name})
    assert made.status == 200


def test_a_long_name_is_cut():
    """A name is cut at 512 characters, not bytes."""
    assert sanitized_stream_name("é" * 600) == "é" * 512
