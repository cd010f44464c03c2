"""Those who wait in ``flush()``, and what they wait for."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable


class Flushes:
    """The waiting ``flush()`` calls of one block. Used on the worker's loop only.

    A call is first *asked*; once everything that was logged before it has been fed to the batcher, it
    is *sealed* under a number, and it returns when everything before that seal has its fate. Numbers
    rise, and a seal is met no earlier than those before it. So a look at the first one is enough.
    """

    def __init__(self) -> None:
        self._asked: list[asyncio.Future[None]] = []
        self._sealed: OrderedDict[int, set[asyncio.Future[None]]] = OrderedDict()
        self._seal_of: dict[asyncio.Future[None], int] = {}

    def ask(self) -> asyncio.Future[None]:
        """Return what to await."""
        asked = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        return asked

    @property
    def asked(self) -> int:
        """How many calls are not sealed yet."""
        return len(self._asked)

    @property
    def waiting(self) -> int:
        """How many calls are sealed and wait."""
        return len(self._seal_of)

    def seal(self, number: int, count: int) -> None:
        """Let the first ``count`` of those that have asked wait for the seal ``number``."""
        waiting = [each for each in self._asked[:count] if not each.done()]
        del self._asked[:count]
        if waiting:
            self._sealed.setdefault(number, set()).update(waiting)
            self._seal_of.update(dict.fromkeys(waiting, number))

    def forget(self, asked: asyncio.Future[None]) -> None:
        """Forget a call that has timed out or was cancelled; one that has returned is forgotten already."""
        number = self._seal_of.pop(asked, None)
        if number is not None:
            several = self._sealed[number]
            several.discard(asked)
            if not several:
                del self._sealed[number]

    def resolve(self, is_met: Callable[[int], bool]) -> None:
        """Let those return whose seal is met."""
        while self._sealed and is_met(next(iter(self._sealed))):
            _, several = self._sealed.popitem(last=False)
            for each in several:
                del self._seal_of[each]
            _return(several)

    def resolve_all(self) -> None:
        """Let every call return: nothing is left without a fate."""
        several = [*self._seal_of, *self._asked]
        self._sealed.clear()
        self._seal_of.clear()
        self._asked.clear()
        _return(several)


def _return(several: Iterable[asyncio.Future[None]]) -> None:
    for each in several:
        if not each.done():
            each.set_result(None)
