"""Those who wait in ``flush()``, and what they wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Flushes:
    """The waiting ``flush()`` calls of one block. Used on the worker's loop only.

    A call is first *asked*; once everything that was logged before it has been fed to the batcher, it
    is *sealed* under a number, and it returns when everything before that seal has its fate.
    """

    def __init__(self) -> None:
        self._asked: list[asyncio.Future[None]] = []
        self._sealed: dict[int, list[asyncio.Future[None]]] = {}

    def ask(self) -> asyncio.Future[None]:
        """Return what to await."""
        asked = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        return asked

    @property
    def asked(self) -> int:
        """How many calls are not sealed yet."""
        return len(self._asked)

    def seal(self, number: int, count: int) -> None:
        """Let the first ``count`` of those that have asked wait for the seal ``number``."""
        self._sealed[number] = self._asked[:count]
        del self._asked[:count]

    def resolve(self, is_met: Callable[[int], bool]) -> None:
        """Let those return whose seal is met. Forget those that have timed out or were cancelled."""
        for number, several in list(self._sealed.items()):
            waiting = [each for each in several if not each.done()]
            if not waiting:
                del self._sealed[number]
            elif is_met(number):
                del self._sealed[number]
                _return(waiting)

    def resolve_all(self) -> None:
        """Let every call return: nothing is left without a fate."""
        several = [each for sealed in self._sealed.values() for each in sealed] + self._asked
        self._sealed.clear()
        self._asked.clear()
        _return(several)


def _return(several: list[asyncio.Future[None]]) -> None:
    for each in several:
        if not each.done():
            each.set_result(None)
