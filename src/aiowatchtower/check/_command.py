"""Arguments in, exit code out."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from aiowatchtower._config.names import DEFAULT_LOG_STREAM_NAME
from aiowatchtower._config.settings import Settings
from aiowatchtower._version import __version__

from ._examination import examine
from ._report import Report

WRONG_USAGE: Final = 2
_PROGRAM: Final = "python -m aiowatchtower"
_EPILOG: Final = """\
exit code: 0 when an event was accepted, 1 when not, 2 for wrong usage.

--json prints an object with delivers, version, log_group_name, log_stream_name and steps, each with
name, status (ok, failed, warning, skipped), detail, error_code, advice, statement and facts.
Secret keys and session tokens are never printed.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    parser, check = _parsers()
    asked = parser.parse_args(arguments)
    try:
        settings = _settings(asked)
    except (TypeError, ValueError) as exc:
        check.error(str(exc))
    present = _as_json if asked.json else _table()
    name = settings.stream_name
    stream = name.constant or name.resolve("root", "MainThread", "no-task", time.time())
    report = asyncio.run(examine(settings, stream))
    present(report)
    return 0 if report.delivers else 1


def _parsers() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser(prog=_PROGRAM)
    parser.add_argument("--version", action="version", version=f"aiowatchtower {__version__}")
    commands = parser.add_subparsers(required=True, metavar="check")
    check = commands.add_parser(
        "check",
        help="find out whether records would arrive in CloudWatch Logs",
        description="Find out, with your own credentials, whether records would arrive.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_arguments(check)
    return parser, check


def _add_arguments(check: argparse.ArgumentParser) -> None:
    check.add_argument("--log-group", required=True, help="log_group_name, such as /app/web")
    check.add_argument(
        "--log-stream",
        default=DEFAULT_LOG_STREAM_NAME,
        help="log_stream_name; by default a new one, as each process has: %(default)s",
    )
    check.add_argument("--region", help="region_name; by default what botocore finds")
    check.add_argument("--profile", help="profile_name; by default what botocore finds")
    check.add_argument("--endpoint-url", help="endpoint_url, which STS is asked at too")
    check.add_argument("--json", action="store_true", help="one object instead of a table")
    check.add_argument(
        "--create",
        action=argparse.BooleanOptionalAction,
        help="--create: create the log group, too, if it is missing; --no-create: not even the log "
        "stream. By default only the log stream is created, as by each process of an application",
    )
    check.add_argument(
        "--dry-run",
        dest="create",
        action="store_false",
        help="the same as --no-create: only one event is left, in a stream that exists",
    )
    group = check.add_argument_group(
        "of the log group that --create creates, as the application has it"
    )
    group.add_argument("--retention-days", type=int, help="log_group_retention_days")
    group.add_argument(
        "--tag", type=_tag, action="append", metavar="NAME=VALUE", help="one of log_group_tags"
    )
    group.add_argument("--kms-key-id", help="log_group_kms_key_id")
    group.add_argument("--log-group-class", help="log_group_class")


def _settings(asked: argparse.Namespace) -> Settings:
    return Settings(
        asked.log_group,
        asked.log_stream,
        region_name=asked.region,
        profile_name=asked.profile,
        endpoint_url=asked.endpoint_url,
        create_log_group=asked.create is True,
        create_log_stream=asked.create is not False,
        log_group_retention_days=asked.retention_days,
        log_group_tags=dict(asked.tag) if asked.tag else None,
        log_group_kms_key_id=asked.kms_key_id,
        log_group_class=asked.log_group_class,
    )


def _as_json(report: Report) -> None:
    sys.stdout.write(report.to_json() + "\n")


def _table() -> Callable[[Report], None]:
    try:
        from ._table import show
    except ImportError:
        # rich makes it prettier, no more.
        from ._plain_table import show
    return show


def _tag(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        msg = f"{text!r} is not NAME=VALUE"
        raise argparse.ArgumentTypeError(msg)
    return name, value
