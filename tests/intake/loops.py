"""A loop for tests that look at a handler's buffer."""

from __future__ import annotations


class IdleLoop:
    """A loop that never gets its turn: what is put stays where it can be looked at."""

    def call_soon(self, callback, context=None):
        """Forget it."""

    def is_closed(self):
        return False
