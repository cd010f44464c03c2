"""What stands in for AWS while a test says so: asked when a client is made, nothing is patched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol


class Substitute(Protocol):
    """A service that hands out clients of its own."""

    def client(self) -> object:
        """Return what is used where an aiobotocore ``logs`` client would be."""


# Of the process and not of the context: a test client runs the application in another thread.
_installed: Final[list[Substitute]] = []


def current() -> Substitute | None:
    """Return the service installed last, if there is one."""
    return _installed[-1] if _installed else None


@contextmanager
def installed(service: Substitute) -> Iterator[None]:
    """Let ``service`` stand in for AWS until the block is left. May be nested."""
    _installed.append(service)
    try:
        yield
    finally:
        # Blocks of several threads may end in any order.
        position = max(at for at, each in enumerate(_installed) if each is service)
        del _installed[position]
