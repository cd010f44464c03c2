"""Why records would not arrive, or would arrive twice, although nothing is broken: how loggers are set up."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from logging.handlers import QueueHandler
from typing import TypeAlias

from aiowatchtower._diagnostics.self_feeding import destinations

from .handler import CloudWatchLogHandler
from .wrong_kind import all_loggers

Pair: TypeAlias = tuple[logging.Logger, CloudWatchLogHandler]


def warn_of_hidden_levels(attached: Iterable[Pair]) -> list[Pair]:
    """Warn of a handler's ``level`` below that of the logger it is attached to, which decides first.

    Returns those of which there was nothing to say.
    """
    clear = []
    for logger, handler in attached:
        if logger.disabled:
            handler.diagnostics.warn(
                f"disabled {logger.name}",
                f"the logger {logger.name} is disabled (by dictConfig or fileConfig with "
                f"disable_existing_loggers=True, the default): none of its records reach "
                f"{handler.settings.log_group_name}. Set disable_existing_loggers=False",
            )
        elif _hides(logger, handler.level):
            _warn_of_level(logger, handler)
        else:
            clear.append((logger, handler))
    return clear


def _hides(logger: logging.Logger, level: int) -> bool:
    if level == logging.NOTSET or _threshold(logger) <= level:
        return False
    if logger.manager.disable >= level:
        return True
    # Loggers below it may have levels of their own, which are the ones that count for their records.
    return not any(
        each.level and each.level <= level and logger in _way_up(each) for each in all_loggers()
    )


def _threshold(logger: logging.Logger) -> int:
    # logging.disable(INFO) switches off INFO itself, too.
    return max(logger.getEffectiveLevel(), logger.manager.disable + 1)


def _warn_of_level(logger: logging.Logger, handler: CloudWatchLogHandler) -> None:
    wanted = logging.getLevelName(handler.level)
    group = handler.settings.log_group_name
    if logger.manager.disable >= handler.level:
        names = logging.getLevelName(logger.manager.disable)
        reason = f"logging.disable({names}) is in force"
        remedy = "call logging.disable(logging.NOTSET)"
    else:
        owner = next(each for each in _ancestry(logger) if each.level)
        has = logging.getLevelName(owner.level)
        whose = "its own" if owner is logger else f"inherited from the logger {owner.name}"
        reason = f"the logger's level is {has} ({whose}), and it passes on nothing below that"
        name = "" if logger.parent is None else repr(logger.name)
        remedy = f"call logging.getLogger({name}).setLevel({wanted!r})"
    handler.diagnostics.warn(
        f"level {logger.name}",
        f"level={wanted} for {group} has no effect on the logger {logger.name}: {reason}. To ship "
        f"records from {wanted} on, {remedy}",
    )


def warn_of_doubles(attached: Iterable[Pair]) -> None:
    """Warn of records that two handlers which are being run would ship to the same group."""
    for handler in dict.fromkeys(handler for _, handler in attached):
        for logger in all_loggers():
            ends = [end for each in _way_up(logger) for end in _ends(each)]
            if handler in ends and (others := [end for end in ends if _is_double(end, handler)]):
                handler.diagnostics.warn(
                    "double",
                    f"records of the logger {logger.name} are shipped to "
                    f"{handler.settings.log_group_name} twice, by {handler!r} and by {others[0]!r}. "
                    "Enter one block for each group, or give the blocks loggers= that do not overlap",
                )
                break


def _is_double(other: CloudWatchLogHandler, handler: CloudWatchLogHandler) -> bool:
    ours, theirs = handler.settings, other.settings
    if other is handler or not other.inbox.is_open:
        return False
    if (ours.log_group_name, ours.region_name, ours.endpoint_url, ours.client) != (
        theirs.log_group_name,
        theirs.region_name,
        theirs.endpoint_url,
        theirs.client,
    ):
        return False
    if ours.log_stream_name == theirs.log_stream_name:
        return True
    # Errors once more in a stream of their own, for instance, are meant to be there twice.
    return other.level == handler.level and not other.filters and not handler.filters


def warn_of_idle_listeners(handlers: Sequence[CloudWatchLogHandler]) -> None:
    """Warn of a queue in front of a handler whose listener has not been started.

    A QueueHandler knows its listener from Python 3.12 on, when ``dictConfig`` has made both.
    """
    for logger in all_loggers():
        for relay in logger.handlers:
            listener = getattr(relay, "listener", None)
            if not isinstance(relay, QueueHandler) or listener is None:
                continue
            if getattr(listener, "_thread", listener) is None:
                for handler in set(handlers).intersection(destinations(relay)):
                    handler.diagnostics.warn(
                        "listener",
                        f"the handler for {handler.settings.log_group_name} is behind a QueueHandler on "
                        f"the logger {logger.name} whose QueueListener is not running: its records "
                        "wait in the queue. Call listener.start() (after dictConfig: "
                        f"logging.getHandlerByName({relay.name!r}).listener.start())",
                    )


def _ends(logger: logging.Logger) -> Iterator[CloudWatchLogHandler]:
    for handler in logger.handlers:
        for end in destinations(handler):
            if isinstance(end, CloudWatchLogHandler):
                yield end


def _ancestry(logger: logging.Logger) -> Iterator[logging.Logger]:
    each: logging.Logger | None = logger
    while each is not None:
        yield each
        each = each.parent


def _way_up(logger: logging.Logger) -> Iterator[logging.Logger]:
    """Yield the loggers whose handlers get this one's records, itself first."""
    for each in _ancestry(logger):
        yield each
        if not each.propagate:
            return
