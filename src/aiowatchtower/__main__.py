"""The command line: ``python -m aiowatchtower check --log-group /app/web``, and ``spool DIR``."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> int:
    """Run the command that the arguments name, and return its exit code."""
    if arguments[:1] == ["spool"]:
        from ._cli.spool import main as spool

        return spool(arguments[1:])
    from .check import main as check

    return check(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
