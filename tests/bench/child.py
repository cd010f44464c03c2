"""One measurement in a fresh process: an order as JSON in the first argument, figures as JSON out."""

from __future__ import annotations

import asyncio
import json
import sys

import clients
from cases import CASES, SYNCHRONOUS_CASES, Figures, Spec


def _prewarm() -> None:
    import aiowatchtower

    aiowatchtower.prewarm()


def main() -> None:
    """Run the ordered case and print its figures."""
    spec = Spec(**json.loads(sys.argv[1]))
    clients.load(spec.client)
    if spec.prewarm:
        _prewarm()
    figures: Figures
    if spec.case in SYNCHRONOUS_CASES:
        figures = SYNCHRONOUS_CASES[spec.case](spec)
    elif spec.uvloop:
        import uvloop

        figures = uvloop.run(CASES[spec.case](spec))
    else:
        figures = asyncio.run(CASES[spec.case](spec))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
