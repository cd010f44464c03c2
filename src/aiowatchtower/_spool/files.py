"""Every call that touches a disk. Nothing here knows what a record is."""

from __future__ import annotations

import errno
import os
import stat
import sys
from typing import Final, Protocol

# Windows has no flock. Settings refuses a spool there, before anything here is called.
if sys.platform != "win32":
    import fcntl

_PRIVATE_DIRECTORY: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_READ_BYTES: Final = 1024 * 1024


class Files(Protocol):
    """The file calls that the spool makes. Each may raise OSError."""

    def make_private(self, path: str) -> None:
        """Make a directory for this user alone, with its parents; check the one that is there."""

    def make_directory(self, path: str) -> None:
        """Make a directory for this user alone, which is not there yet."""

    def names(self, path: str) -> list[str]:
        """Return what is in a directory, in order of name; nothing if it is not there."""

    def rename(self, path: str, new_path: str) -> None:
        """Rename a directory. Locks on files in it are kept."""

    def remove_directory(self, path: str) -> None:
        """Remove an empty directory."""

    def create(self, path: str) -> int:
        """Make a file, which is not there yet, to append to."""

    def reopen(self, path: str) -> int:
        """Open a file to append to, or make it."""

    def reopen_existing(self, path: str) -> int:
        """Open a file to append to, which is there."""

    def append(self, fd: int, data: bytes) -> None:
        """Append all of it. After an error an unknown part may be in the file."""

    def cut(self, fd: int, size_bytes: int) -> None:
        """Cut a file to its first bytes."""

    def close(self, fd: int) -> None:
        """Close a file, and with it give up its lock."""

    def unlink(self, path: str) -> None:
        """Remove a file; it may be gone already."""

    def read(self, path: str, offset: int, size_bytes: int) -> bytes:
        """Return up to so many bytes from there on; nothing if the file is not there."""

    def size(self, path: str) -> int:
        """Return the size of a file, 0 if it is not there."""

    def try_lock(self, fd: int) -> bool:
        """Take the file's lock, unless another holds it. Whoever dies gives it up."""

    def is_linked(self, fd: int) -> bool:
        """Return whether the open file still has a name: nobody has removed it."""

    def free_share(self, path: str) -> float:
        """Return the share of the file system that is free, from 0 to 1."""

    def forget(self) -> None:
        """Close everything at once: in a forked child, to which none of it belongs."""


class DiskFiles:
    """The calls on a real disk."""

    def __init__(self) -> None:
        self._open: set[int] = set()

    def make_private(self, path: str) -> None:
        os.makedirs(path, _PRIVATE_DIRECTORY, exist_ok=True)  # noqa: PTH103 - strings throughout
        # Not lstat: who may replace a link in a directory of this user's is this user.
        found = os.stat(path)  # noqa: PTH116
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "it is no directory", path)
        if found.st_uid != os.geteuid():
            raise PermissionError(
                errno.EPERM, f"it belongs to user {found.st_uid}, not to {os.geteuid()}", path
            )
        if found.st_mode & _OTHERS_MAY_WRITE:
            raise PermissionError(
                errno.EPERM,
                f"others may write to it (mode {stat.S_IMODE(found.st_mode):o}): "
                "name a directory inside it, which is then made with mode 700",
                path,
            )

    def make_directory(self, path: str) -> None:
        os.mkdir(path, _PRIVATE_DIRECTORY)  # noqa: PTH102

    def names(self, path: str) -> list[str]:
        try:
            return sorted(os.listdir(path))  # noqa: PTH208
        except FileNotFoundError:
            return []

    def rename(self, path: str, new_path: str) -> None:
        os.rename(path, new_path)  # noqa: PTH104

    def remove_directory(self, path: str) -> None:
        os.rmdir(path)  # noqa: PTH106

    def create(self, path: str) -> int:
        return self._opened(path, os.O_CREAT | os.O_EXCL)

    def reopen(self, path: str) -> int:
        return self._opened(path, os.O_CREAT)

    def reopen_existing(self, path: str) -> int:
        return self._opened(path, 0)

    def _opened(self, path: str, flag: int) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | flag
        fd = os.open(path, flags, _PRIVATE_FILE)
        self._open.add(fd)
        return fd

    def append(self, fd: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]

    def cut(self, fd: int, size_bytes: int) -> None:
        os.ftruncate(fd, size_bytes)

    def close(self, fd: int) -> None:
        # First, so that a child that is forked in between does not close somebody else's file.
        self._open.discard(fd)
        os.close(fd)

    def unlink(self, path: str) -> None:
        try:
            os.unlink(path)  # noqa: PTH108
        except FileNotFoundError:
            return

    def read(self, path: str, offset: int, size_bytes: int) -> bytes:
        try:
            # O_NONBLOCK: a foreign named pipe must not hold the thread.
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return b""
        try:
            parts = []
            while size_bytes > 0:
                part = os.pread(fd, min(size_bytes, _READ_BYTES), offset)
                if not part:
                    break
                parts.append(part)
                offset += len(part)
                size_bytes -= len(part)
            return b"".join(parts)
        finally:
            os.close(fd)

    def size(self, path: str) -> int:
        try:
            return os.lstat(path).st_size
        except FileNotFoundError:
            return 0

    def try_lock(self, fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def is_linked(self, fd: int) -> bool:
        return os.fstat(fd).st_nlink > 0

    def free_share(self, path: str) -> float:
        found = os.statvfs(path)
        # Some network file systems do not know their size.
        return found.f_bavail / found.f_blocks if found.f_blocks else 1.0

    def forget(self) -> None:
        opened, self._open = self._open, set()
        for fd in opened:
            try:
                os.close(fd)
            except OSError:
                # The parent's thread was closing it just then.
                continue
