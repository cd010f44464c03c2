"""The signature of block and handler, with every setting spelled out."""

from __future__ import annotations

import inspect

from aiowatchtower._config.settings import Settings


class SpelledOut:
    """A signature with every setting named, for ``help()`` and editors; made when it is asked for."""

    def __init__(self, *more: inspect.Parameter) -> None:
        self._more = more

    def __get__(self, instance: object, owner: type) -> inspect.Signature | None:
        if "__init__" in vars(owner) and "__signature__" not in vars(owner):
            # A subclass with arguments of its own: they are to be read off as usual.
            return None
        settings = dict(inspect.signature(Settings).parameters)
        names = [settings.pop("log_group_name"), settings.pop("log_stream_name")]
        keywords = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in settings.values()
        ]
        return inspect.Signature([*names, *self._more, *keywords])
