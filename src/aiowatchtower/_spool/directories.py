"""An owner's directory as it is seen from outside: whose it is, and how it came to its end."""

from __future__ import annotations

import os
import re
from typing import Final

from .files import Files
from .format import VERSION, About, Identity, about_of, identity_of, value_of
from .owner import LOCK, NEW_SUFFIX
from .segment import ACK_SUFFIX, Segment, read_lines, segment_numbers

BAD_SUFFIX: Final = ".bad"
_OWNER_NAME: Final = re.compile(r"[0-9a-f]{12}")
_NEW_NAME: Final = re.compile(r"\.[0-9a-f]{12}" + re.escape(NEW_SUFFIX))
# How long adopters may go on dying, without a delivery, before their records are blamed.
_PATIENCE_MS: Final = 5 * 60 * 1000
_MAX_LOCK_BYTES: Final = 1024 * 1024
# Stand for an owner without records, one of whom nothing is left that says where its records
# belong, and one that a later version of this library has made. No group has such a name.
NOTHING: Final = Identity(":nothing", "")
UNREADABLE: Final = Identity(":unreadable", "")
OTHER_VERSION: Final = Identity(":version", "")


def is_owner(name: str) -> bool:
    """Return whether a directory of that name belongs to an owner."""
    return _OWNER_NAME.fullmatch(name) is not None


def is_unborn(name: str) -> bool:
    """Return whether a directory of that name is one that an owner is making."""
    return _NEW_NAME.fullmatch(name) is not None


def is_set_aside(name: str) -> bool:
    """Return whether a directory of that name has been set aside."""
    return name.endswith(BAD_SUFFIX) and is_owner(name.removesuffix(BAD_SUFFIX))


def try_lock(files: Files, path: str, *, create: bool) -> int | None:
    """Lock an owner's directory, unless its owner lives or another has it."""
    name = os.path.join(path, LOCK)  # noqa: PTH118
    try:
        lock = files.reopen(name) if create else files.reopen_existing(name)
    except OSError:
        # No directory, or gone meanwhile, or not ours to read.
        return None
    try:
        # Another adopter may have finished and removed it since it was opened.
        if files.try_lock(lock) and files.is_linked(lock):
            return lock
    except OSError:
        files.close(lock)
        raise
    files.close(lock)
    return None


def about(files: Files, path: str) -> About | None:
    """Return what an owner's lock file says of it."""
    text = files.read(os.path.join(path, LOCK), 0, _MAX_LOCK_BYTES)  # noqa: PTH118
    return about_of(value_of(text.partition(b"\n")[0]))


def strikes(files: Files, path: str, now_ms: int) -> int:
    """Return how many adopters in a row the records seem to have killed.

    Those that died before they had handed the records over. Those that died later, without having
    delivered one, count once they have gone on dying for minutes: somebody may be killing processes
    for another reason, or restarting them while AWS is out of reach.
    """
    text = files.read(os.path.join(path, LOCK), 0, _MAX_LOCK_BYTES)  # noqa: PTH118
    at_once = later = 0
    first_ms = now_ms
    for each in text.split(b"\n"):
        value = value_of(each)
        if not isinstance(value, dict):
            continue
        if "fine" in value:
            at_once = later = 0
        elif "handed_over" in value:
            at_once = 0
        elif isinstance(at_ms := value.get("adopted_ms"), int):
            first_ms = min(first_ms, at_ms) if later else at_ms
            at_once, later = at_once + 1, later + 1
    return later if now_ms - first_ms >= _PATIENCE_MS else at_once


def identity_in(files: Files, path: str) -> Identity:
    """Return where an owner's records belong: its lock file says so, and so does each segment."""
    numbers = list(segment_numbers(files.names(path)))
    if not numbers:
        return NOTHING
    said = about(files, path)
    if said is not None:
        return said.identity if said.version == VERSION else OTHER_VERSION
    for number in numbers:
        lines, _, _ = read_lines(files, Segment(files, path, number).log, 0)
        found = identity_of(value_of(lines[0]))
        if found is not None:
            return found
    return UNREADABLE


def bad_bytes_in(files: Files, root: str) -> int:
    """Return how much all that was set aside holds of the disk."""
    total = 0
    for name in filter(is_set_aside, files.names(root)):
        path = os.path.join(root, name)  # noqa: PTH118
        total += sum(files.size(os.path.join(path, each)) for each in files.names(path))  # noqa: PTH118
    return total


def remove_unborn(files: Files, path: str) -> None:
    """Remove a directory whose owner died while making it."""
    lock = try_lock(files, path, create=False)
    try:
        if lock is not None:
            remove(files, path)
        else:
            # Empty, or a living owner has its lock.
            files.remove_directory(path)
    except OSError:
        # It is in use after all: its owner has just locked it, or renamed it.
        pass
    finally:
        if lock is not None:
            files.close(lock)


def remove(files: Files, path: str) -> None:
    """Remove an owner's directory, the lock last, so that no other adopts it meanwhile."""
    for name in files.names(path):
        if name.endswith(ACK_SUFFIX):
            files.unlink(os.path.join(path, name))  # noqa: PTH118
    files.unlink(os.path.join(path, LOCK))  # noqa: PTH118
    files.remove_directory(path)
