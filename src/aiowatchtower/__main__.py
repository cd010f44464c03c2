"""The command line: ``python -m aiowatchtower check --log-group /app/web``."""

from __future__ import annotations

import sys

from .check import main

if __name__ == "__main__":
    sys.exit(main())
