"""A disk in memory, that can be looked at as it would be after a kill at any moment."""

from __future__ import annotations

import errno
import itertools
import posixpath
from collections.abc import Callable


class Inode:
    def __init__(self) -> None:
        self.data = b""
        self.links = 1
        self.locked_by: object = None


class Disk:
    """What is left when a process dies: names and contents, without locks."""

    def __init__(self) -> None:
        self.directories: set[str] = {"/"}
        self.files: dict[str, Inode] = {}

    def after_kill(self) -> Disk:
        disk = Disk()
        disk.directories = set(self.directories)
        for name, inode in self.files.items():
            disk.files[name] = Inode()
            disk.files[name].data = inode.data
        return disk

    def tree(self) -> list[str]:
        return sorted([*self.directories, *self.files])


class MemoryFiles:
    """The file calls of one process on a disk in memory.

    ``before`` is called ahead of each call that changes the disk, with what would be appended
    (empty for other calls) and the file's name; it may raise OSError as the disk would.
    """

    def __init__(self, disk: Disk, before: Callable[[str, bytes], None] | None = None) -> None:
        self.disk = disk
        self._before = before or (lambda _name, _data: None)
        self._open: dict[int, tuple[str, Inode]] = {}
        self._numbers = itertools.count(3)
        self.free = 1.0

    def make_private(self, path: str) -> None:
        if path in self.disk.files:
            raise NotADirectoryError(errno.ENOTDIR, "it is no directory", path)
        self._before(path, b"")
        self.disk.directories.add(path)

    def make_directory(self, path: str) -> None:
        if path in self.disk.directories:
            raise FileExistsError(errno.EEXIST, "it exists", path)
        self._before(path, b"")
        self.disk.directories.add(path)

    def names(self, path: str) -> list[str]:
        return sorted(
            posixpath.basename(each)
            for each in (*self.disk.directories, *self.disk.files)
            if posixpath.dirname(each) == path and each != path
        )

    def rename(self, path: str, new_path: str) -> None:
        self._before(path, b"")
        self.disk.directories.remove(path)
        self.disk.directories.add(new_path)
        for name in [name for name in self.disk.files if posixpath.dirname(name) == path]:
            inode = self.disk.files.pop(name)
            self.disk.files[posixpath.join(new_path, posixpath.basename(name))] = inode

    def remove_directory(self, path: str) -> None:
        if self.names(path):
            raise OSError(errno.ENOTEMPTY, "it is not empty", path)
        if path not in self.disk.directories:
            raise FileNotFoundError(errno.ENOENT, "it is not there", path)
        self._before(path, b"")
        self.disk.directories.remove(path)

    def create(self, path: str) -> int:
        if path in self.disk.files:
            raise FileExistsError(errno.EEXIST, "it exists", path)
        return self.reopen(path)

    def reopen(self, path: str) -> int:
        if path not in self.disk.files:
            if posixpath.dirname(path) not in self.disk.directories:
                raise FileNotFoundError(errno.ENOENT, "its directory is not there", path)
            self._before(path, b"")
            self.disk.files[path] = Inode()
        return self.reopen_existing(path)

    def reopen_existing(self, path: str) -> int:
        if path not in self.disk.files:
            raise FileNotFoundError(errno.ENOENT, "it is not there", path)
        fd = next(self._numbers)
        self._open[fd] = (path, self.disk.files[path])
        return fd

    def append(self, fd: int, data: bytes) -> None:
        path, inode = self._open[fd]
        self._before(path, data)
        inode.data += data

    def cut(self, fd: int, size_bytes: int) -> None:
        path, inode = self._open[fd]
        self._before(path, b"")
        inode.data = inode.data[:size_bytes]

    def close(self, fd: int) -> None:
        _, inode = self._open.pop(fd)
        if inode.locked_by == (id(self), fd):
            inode.locked_by = None

    def unlink(self, path: str) -> None:
        if path in self.disk.files:
            self._before(path, b"")
            self.disk.files.pop(path).links = 0

    def read(self, path: str, offset: int, size_bytes: int) -> bytes:
        inode = self.disk.files.get(path)
        return b"" if inode is None else inode.data[offset : offset + size_bytes]

    def size(self, path: str) -> int:
        inode = self.disk.files.get(path)
        return 0 if inode is None else len(inode.data)

    def try_lock(self, fd: int) -> bool:
        _, inode = self._open[fd]
        if inode.locked_by is not None:
            return False
        inode.locked_by = (id(self), fd)
        return True

    def is_linked(self, fd: int) -> bool:
        return self._open[fd][1].links > 0

    def free_share(self, path: str) -> float:
        return self.free

    def forget(self) -> None:
        self._open.clear()
