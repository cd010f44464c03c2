"""What editors, `help()` and type checkers see of the public names."""

from __future__ import annotations

import ast
import asyncio
import importlib.resources
import inspect
import logging
import pydoc
import re
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from typing_extensions import assert_type

import aiowatchtower
from aiowatchtower import BackgroundLogging, CloudWatchLogging, CloudWatchLogHandler, types
from aiowatchtower._config.settings import Settings
from aiowatchtower._core.limits import RETENTION_DAYS

# Every argument with its default, as the documentation promises them.
POSITIONAL: dict[str, object] = {
    "log_group_name": inspect.Parameter.empty,
    "log_stream_name": "{machine_name}/{program_name}/{process_id}",
}
KEYWORDS: dict[str, object] = {
    "level": logging.NOTSET,
    "formatter": None,
    "structured": None,
    "send_interval": 5.0,
    "max_batch_size": 1_048_576,
    "max_batch_count": 10_000,
    "max_message_size": 1_048_576,
    "max_buffer_size": 64 * 2**20,
    "spool_directory": None,
    "max_spool_size": 2**30,
    "shutdown_timeout": 10.0,
    "create_log_group": True,
    "create_log_stream": True,
    "log_group_retention_days": None,
    "log_group_tags": None,
    "log_group_kms_key_id": None,
    "log_group_class": None,
    "entity": None,
    "compression": "gzip",
    "max_in_flight": 4,
    "metrics_namespace": None,
    "metrics_interval": 60.0,
    "region_name": None,
    "profile_name": None,
    "endpoint_url": None,
    "session": None,
    "client": None,
    "config": None,
    "enabled": True,
    "strict": False,
    "on_drop": None,
}
LOGGERS: dict[str, object] = {"loggers": ("",)}


def _parameters(owner) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(owner).parameters)


@pytest.mark.parametrize(
    ("owner", "keywords"),
    [(CloudWatchLogging, LOGGERS | KEYWORDS), (CloudWatchLogHandler, KEYWORDS)],
)
def test_the_signature_lists_every_argument_with_its_default(owner, keywords):
    """Group and stream may be positional; every other argument is a keyword with its default."""
    parameters = _parameters(owner)
    assert {name: each.default for name, each in parameters.items()} == POSITIONAL | keywords
    assert list(parameters) == [*POSITIONAL, *keywords]
    for name, each in parameters.items():
        positional = each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        assert positional == (name in POSITIONAL)
        assert each.annotation is not inspect.Parameter.empty


def test_the_signature_is_that_of_what_is_called():
    """What the signature takes the constructor takes, and nothing less."""
    arguments = {name: each.default for name, each in _parameters(CloudWatchLogging).items()}
    block = CloudWatchLogging(**{**arguments, "log_group_name": "/app"})
    assert block.handler.settings.log_group_name == "/app"
    with pytest.raises(TypeError):
        CloudWatchLogging("/app", "web", ("",))  # type: ignore[call-arg]


@pytest.mark.parametrize("owner", [CloudWatchLogging, CloudWatchLogHandler])
def test_help_shows_every_argument(owner):
    """`help()` names each argument with its default."""
    shown = pydoc.plain(pydoc.render_doc(owner))
    for name, default in KEYWORDS.items():
        assert re.search(rf"\b{name}: [^=]+ = {re.escape(repr(default))}[,)\s]", shown), name


@pytest.mark.parametrize("name", [*POSITIONAL, *LOGGERS, *KEYWORDS])
def test_each_argument_is_explained(name):
    """The class's documentation says what each argument is for."""
    assert f"    {name}: " in (inspect.getdoc(CloudWatchLogging) or "")


def _spelled_out(owner) -> dict[str, tuple[str, object]]:
    """Return the arguments that the source spells out for type checkers: annotation and default."""
    [owned] = [
        node
        for node in ast.parse(Path(inspect.getfile(owner)).read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == owner.__name__
    ]
    [seen] = [node.body[0] for node in owned.body if isinstance(node, ast.If)]
    assert isinstance(seen, ast.FunctionDef)
    defaults = [inspect.Parameter.empty, *(_value(each) for each in seen.args.defaults)]
    positional = zip(seen.args.args[1:], defaults, strict=True)
    keywords = zip(seen.args.kwonlyargs, map(_value, seen.args.kw_defaults), strict=True)
    return {
        each.arg: (ast.unparse(each.annotation) if each.annotation else "", default)
        for each, default in (*positional, *keywords)
    }


def _value(default) -> object:
    return eval(ast.unparse(default), {"logging": logging})  # noqa: S307 - our own source


@pytest.mark.parametrize("owner", [CloudWatchLogging, CloudWatchLogHandler])
def test_type_checkers_see_the_types_and_defaults_of_the_settings(owner):
    """What pyright and editors show, the source spells out: it is what the running program has."""
    expected = {
        name: (ast.unparse(ast.parse(str(each.annotation))), each.default)
        for name, each in _parameters(owner).items()
    }
    assert _spelled_out(owner) == expected


def test_choices_are_closed_sets():
    """The types name what AWS and this library know, and each wrong value is a ValueError, too."""
    assert typing.get_args(types.RetentionDays) == RETENTION_DAYS
    assert {"shutdown", "buffer_full"} < set(typing.get_args(types.DropReason))
    assert set(typing.get_args(types.RejectReason)) == {"too_old", "expired", "too_new"}
    for name in typing.get_args(types.LevelName):
        assert CloudWatchLogHandler("/app", level=name).level == getattr(logging, name)
    for group_class in typing.get_args(types.LogGroupClass):
        assert Settings("/app", log_group_class=group_class).log_group_class == group_class
    with pytest.raises(ValueError, match="log_group_retention_days=2"):
        CloudWatchLogging("/app", log_group_retention_days=2)  # type: ignore[arg-type]


def test_types_resolve_at_run_time():
    """Tools that read annotations while the program runs find what they name."""
    hints = typing.get_type_hints(Settings)
    assert hints["level"] == int | types.LevelName
    assert hints["strict"] is bool


def test_the_package_says_that_it_is_typed():
    """Type checkers find the marker."""
    assert importlib.resources.files(aiowatchtower).joinpath("py.typed").is_file()


@pytest.mark.parametrize("name", aiowatchtower.__all__)
def test_every_public_name_is_there_and_documented(name):
    """What the package lists exists, belongs to it, and says what it is."""
    public = getattr(aiowatchtower, name)
    if name != "__version__":
        assert public.__module__.startswith("aiowatchtower")
        assert inspect.getdoc(public)


@pytest.mark.parametrize("name", [n for n in aiowatchtower.__all__ if n != "__version__"])
def test_every_public_method_is_documented(name):
    """Each method and property of a public class that is its own has a docstring."""
    public = getattr(aiowatchtower, name)
    own = [
        member
        for key, member in vars(public).items()
        if not key.startswith("_")
        and (callable(member) or isinstance(member, (property, classmethod)))
    ]
    assert all(inspect.getdoc(member) for member in own)


async def test_types_of_both_forms():
    """Type checkers know that `flush()` is awaited after `async with`, and blocks after `with`."""
    async with CloudWatchLogging("/app", enabled=False) as logs:
        assert_type(logs, CloudWatchLogging)
        await logs.flush(timeout=1)
    assert_type(await logs.start(), CloudWatchLogging)
    await logs.aclose()

    def without_a_loop() -> None:
        with CloudWatchLogging.configured() as background:
            assert_type(background, BackgroundLogging)
            blocks: Callable[[], None] = background.flush
            blocks()
        started = CloudWatchLogging("/app", enabled=False).start_background()
        assert_type(started, BackgroundLogging)
        started.close()

    await asyncio.to_thread(without_a_loop)
