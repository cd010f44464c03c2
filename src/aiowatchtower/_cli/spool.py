"""``python -m aiowatchtower spool DIR``: what dead processes have left, and how to deliver it.

===========  =====================================================================================
action       what it does
===========  =====================================================================================
``ls``       list the owners: alive or dead, process, host, group, records, bytes, oldest, newest
``show``     print the records as JSON lines, oldest first for each owner
``check``    read everything; the exit code is 2 when lines are damaged
``drain``    deliver what dead owners have left; the exit code is 0 only when nothing is left
===========  =====================================================================================

``ls``, ``show`` and ``check`` change nothing, and may run beside living processes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from aiowatchtower._core.events import MESSAGE, STREAM, TIMESTAMP_MS
from aiowatchtower._spool.files import DiskFiles, Files
from aiowatchtower._spool.inspection import OwnerReport, outstanding, owner_paths, report

DAMAGED: Final = 2
WRONG_USAGE: Final = 2
_EPILOG: Final = """\
exit code: 0; of drain 1 when records of dead owners are left; of check 2 when lines are damaged; 2 for
wrong usage.

ls --json prints an object with directory, records, bytes and owners. Each owner has directory, state
(alive, dead, set aside), pid, host, started, log_group_name, region_name, records, bytes, oldest, newest,
damaged_lines and strikes.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    files = DiskFiles()
    try:
        if not Path(asked.directory).exists():
            parser.error(f"{asked.directory} is not there")
        return _ACTIONS[asked.action](files, asked)
    except NotADirectoryError:
        parser.error(f"{asked.directory} is no directory")
    except PermissionError as exc:
        parser.error(str(exc))
    except BrokenPipeError:
        # As of `| head`.
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aiowatchtower spool",
        description="Look at the records that processes have left in a spool_directory, or deliver them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("directory", metavar="DIR", help="the spool_directory")
    parser.add_argument(
        "action",
        nargs="?",
        choices=tuple(_ACTIONS),
        default="ls",
        help="list the owners (the default), show their records, check them for damage, or deliver them",
    )
    parser.add_argument("--json", action="store_true", help="one object instead of a table")
    parser.add_argument("--region", help="drain: region_name of records that name none")
    parser.add_argument("--profile", help="drain: profile_name; by default what botocore finds")
    parser.add_argument("--endpoint-url", help="drain: endpoint_url")
    parser.add_argument(
        "--timeout", type=float, default=60.0, help="drain: seconds to try for (%(default)g)"
    )
    return parser


def _list(files: Files, asked: argparse.Namespace) -> int:
    _print_reports(_reports(files, asked.directory), asked)
    return 0


def _reports(files: Files, directory: str) -> list[OwnerReport]:
    return [report(files, path) for path in owner_paths(files, directory)]


def _check(files: Files, asked: argparse.Namespace) -> int:
    reports = _reports(files, asked.directory)
    _print_reports(reports, asked)
    is_damaged = any(
        each.damaged_lines or (each.identity is None and each.records) for each in reports
    )
    if not is_damaged and not asked.json:
        sys.stdout.write("no line is damaged\n")
    return DAMAGED if is_damaged else 0


def _show(files: Files, asked: argparse.Namespace) -> int:
    for path in owner_paths(files, asked.directory):
        found = report(files, path)
        for events, _ in outstanding(files, path):
            for event in events:
                shown = {
                    "log_group_name": found.identity and found.identity.group,
                    "log_stream_name": event[STREAM],
                    "timestamp": event[TIMESTAMP_MS],
                    "message": event[MESSAGE],
                    "directory": path,
                }
                sys.stdout.write(json.dumps(shown) + "\n")
    return 0


def _drain(files: Files, asked: argparse.Namespace) -> int:
    from .drain import drain

    drain(files, asked.directory, asked.region, asked.profile, asked.endpoint_url, asked.timeout)
    left = [each for each in _reports(files, asked.directory) if each.state != "alive"]
    _print_reports(left, asked)
    return 1 if any(each.records for each in left) else 0


_ACTIONS: Final[dict[str, Callable[[Files, argparse.Namespace], int]]] = {
    "ls": _list,
    "show": _show,
    "drain": _drain,
    "check": _check,
}


def _print_reports(reports: Sequence[OwnerReport], asked: argparse.Namespace) -> None:
    if asked.json:
        total = {
            "directory": asked.directory,
            "records": sum(each.records for each in reports),
            "bytes": sum(each.size_bytes for each in reports),
            "owners": [_as_dict(each) for each in reports],
        }
        sys.stdout.write(json.dumps(total) + "\n")
        return
    for each in reports:
        sys.stdout.write(_as_text(each))
    if not reports:
        sys.stdout.write(f"nothing is in the spool {asked.directory}\n")


def _as_dict(found: OwnerReport) -> dict[str, object]:
    about, identity = found.about, found.identity
    return {
        "directory": found.path,
        "state": found.state,
        "pid": about and about.pid,
        "host": about and about.host,
        "started": about and _moment(about.started_ms),
        "log_group_name": identity and identity.group,
        "region_name": identity and identity.region,
        "records": found.records,
        "bytes": found.size_bytes,
        "oldest": _moment(found.oldest_ms),
        "newest": _moment(found.newest_ms),
        "damaged_lines": found.damaged_lines,
        "strikes": found.strikes,
    }


def _as_text(found: OwnerReport) -> str:
    about, identity = found.about, found.identity
    lines = [
        found.path,
        f"  {found.state}: "
        + (
            f"process {about.pid} on {about.host}, from {_moment(about.started_ms)}"
            if about
            else "?"
        ),
        f"  log group {identity.group}, region {identity.region or '?'}"
        if identity
        else "  log group ?",
        f"  {found.records} records, {found.size_bytes} bytes"
        + (f", {_moment(found.oldest_ms)} to {_moment(found.newest_ms)}" if found.records else ""),
    ]
    if found.damaged_lines:
        lines.append(f"  {found.damaged_lines} damaged lines")
    if found.strikes:
        lines.append(f"  {found.strikes} adopters died within seconds")
    return "\n".join(lines) + "\n"


def _moment(at_ms: int | None) -> str | None:
    if at_ms is None:
        return None
    try:
        moment = datetime.fromtimestamp(at_ms / 1000, timezone.utc)
    except (ValueError, OverflowError, OSError):
        # A record may say that it was made in any year.
        return f"{at_ms} ms"
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
