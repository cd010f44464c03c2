"""A disk that is full, read-only, gone, or somebody else's."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import stat
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.spool.keepers import ROOT, about, events, keeper, numbers, recovered, take_all
from tests.spool.memory_files import Disk, MemoryFiles

from aiowatchtower._spool.files import DiskFiles
from aiowatchtower._spool.keeper import RETRY_SECONDS
from aiowatchtower._spool.owner import SEGMENT_BYTES, SEGMENT_SECONDS


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_nobody_else_can_read_the_records(tmp_path):
    """Directories are made with mode 700 and files with 600, whatever the umask is."""
    old = os.umask(0)
    try:
        living = keeper(DiskFiles(), str(tmp_path / "a" / "b"))
        living.store(events(1, 3), [], 0.0)
        living.note("sent", numbers(events(1, 3)), 0.0)
    finally:
        os.umask(old)
    [owner] = (tmp_path / "a" / "b").iterdir()
    assert _mode(tmp_path / "a" / "b") == _mode(owner) == 0o700
    assert [(path.name, _mode(path)) for path in sorted(owner.iterdir())] == [
        ("00000001.ack", 0o600),
        ("00000001.log", 0o600),
        ("lock", 0o600),
    ]


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777, 0o702])
def test_a_directory_that_others_may_write_to_is_refused(tmp_path, mode):
    """Somebody else could put files or links there; the message says what to do."""
    tmp_path.chmod(mode)
    living = keeper(DiskFiles(), str(tmp_path))
    living.store(events(1, 3), events(4, 5), 0.0)
    [notice] = living.notices
    assert "others may write to it" in notice.text
    assert "name a directory inside it" in notice.text
    assert "spool" in notice.text
    assert living.take(0.0).lost == events(4, 5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_somebody_elses_directory_is_refused(tmp_path):
    """A directory that belongs to another user is not used."""
    os.chown(tmp_path, 12345, 12345)
    living = keeper(DiskFiles(), str(tmp_path))
    assert isinstance(living.open(0.0), PermissionError)
    assert "it belongs to user 12345" in living.notices[0].text


def test_a_file_in_place_of_the_directory_is_said(tmp_path):
    """A spool_directory that is a file is an error that is said, and nothing is raised."""
    path = tmp_path / "spool"
    path.write_text("")
    living = keeper(DiskFiles(), str(path))
    assert isinstance(living.open(0.0), OSError)
    assert str(path) in living.notices[0].text


def test_links_are_not_followed(tmp_path):
    """A link in place of a file that is to be read or written is an error, and nothing is written through it."""
    target = tmp_path / "target"
    target.write_bytes(b"secret")
    link = tmp_path / "link"
    link.symlink_to(target)
    files = DiskFiles()
    for call in (files.create, files.reopen, files.reopen_existing):
        with pytest.raises(OSError, match="link"):
            call(str(link))
    with pytest.raises(OSError, match="link"):
        files.read(str(link), 0, 10)
    assert target.read_bytes() == b"secret"


@contextmanager
def _file_size_limit(size_bytes: int):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_file_that_may_not_grow_is_cut_to_its_last_good_line(tmp_path):
    """When a write stops in the middle, whole lines stay, it is said once, and works again later."""
    living = keeper(DiskFiles(), str(tmp_path))
    living.store(events(1, 10), [], 0.0)
    with _file_size_limit(4096):
        living.store(events(11, 1000), events(1001, 1002), 1.0)
        living.store(events(1003, 1010), [], 2.0)
    [owner] = tmp_path.iterdir()
    log = (owner / "00000001.log").read_bytes()
    assert log.endswith(b"\n")
    assert [notice.kind for notice in living.notices] == ["spool_failed"] or [
        notice.kind for notice in living.notices if not notice.is_over
    ] == ["spool_failed"]
    assert living.take(2.0).lost == events(1001, 1002)
    living.store(events(2001, 2010), [], 1.0 + RETRY_SECONDS)
    assert living.notices[-1].is_over
    living._files.forget()
    found = recovered(keeper(DiskFiles(), str(tmp_path)))
    assert set(events(1, 10) + events(2001, 2010)) <= set(found)
    assert not set(found) & set(events(1003, 1010))


def test_a_directory_that_vanishes_is_made_again(tmp_path):
    """Records written after somebody removed the directory are not taken for safe."""
    root = tmp_path / "spool"
    living = keeper(DiskFiles(), str(root))
    living.store(events(1, 3), [], 0.0)
    shutil.rmtree(root)
    living.store(events(4, 6), [], 0.5)
    assert len(living.held(numbers(events(4, 6)))) == 0
    said = [notice for notice in living.notices if not notice.is_over]
    assert len(said) == 1
    assert "removed" in said[0].text
    living.store(events(7, 9), [], 2.0)
    assert not root.exists()
    living.store(events(10, 12), [], 0.5 + RETRY_SECONDS)
    assert len(living.held(numbers(events(10, 12)))) == 3
    living._files.forget()
    assert recovered(keeper(DiskFiles(), str(root))) == events(10, 12)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
def test_a_failing_disk_is_said_once_and_tried_again(code):
    """Whatever error the disk gives, nothing is raised, one warning says which, and one when it is over."""
    fails = False

    def before(name: str, data: bytes) -> None:
        if fails:
            raise OSError(code, os.strerror(code), name)

    living = keeper(MemoryFiles(Disk(), before))
    living.store(events(1, 3), [], 0.0)
    living.notices.clear()
    fails = True
    for now in range(10):
        living.store(events(4, 6), [], float(now))
        living.note("done", numbers(events(1, 1)), float(now))
        living.tidy(float(now))
    [said] = [notice for notice in living.notices if "written" in notice.text]
    assert os.strerror(code) in said.text
    assert not living.has_room
    fails = False
    living.store(events(7, 9), [], RETRY_SECONDS + 10)
    assert living.notices[-1].is_over
    assert len(living.held(numbers(events(7, 9)))) == 3
    assert living.has_room


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_said_and_nothing_is_left_there(code):
    """Where no file can be locked there is no spool: one warning says why, however often it is tried."""

    class Lockless(MemoryFiles):
        def try_lock(self, fd: int) -> bool:
            raise OSError(code, os.strerror(code))

    disk = Disk()
    living = keeper(Lockless(disk))
    assert isinstance(living.open(0.0), OSError)
    for now in (1.0, RETRY_SECONDS + 1, 2 * RETRY_SECONDS + 2):
        living.store(events(1, 3), events(4, 5), now)
        assert living.take(now).lost == events(4, 5)
    [notice] = living.notices
    assert os.strerror(code) in notice.text
    assert disk.tree() == ["/", ROOT]


def test_a_torn_append_does_not_spoil_the_next():
    """When the disk fails in the middle of a line and cannot even cut it, later lines are read."""
    disk = Disk()
    is_torn = False

    def before(name: str, data: bytes) -> None:
        if not is_torn:
            return
        if data:
            disk.files[name].data += data[: len(data) // 2]
        raise OSError(errno.EIO, "failed", name)

    living = keeper(MemoryFiles(disk, before))
    living.store(events(1, 3), [], 0.0)
    is_torn = True
    living.store(events(4, 6), [], 1.0)
    living.note("done", numbers(events(1, 1)), 1.0)
    is_torn = False
    living.store(events(7, 9), [], 1.0 + RETRY_SECONDS)
    living.note("done", numbers(events(2, 2)), 1.0 + RETRY_SECONDS)
    after = keeper(MemoryFiles(disk.after_kill()))
    assert recovered(after) == [*events(1, 1), *events(3, 3), *events(7, 9)]


def test_a_full_file_system_is_left_some_room():
    """The last 5 % of the file system are not the spool's."""
    files = MemoryFiles(Disk())
    living = keeper(files)
    living.store(events(1, 3), [], 0.0)
    files.free = 0.04
    living.store(events(4, 6), [], 2.0)
    assert "less than 5% of the file system are free" in living.notices[-1].text
    assert len(living.held(numbers(events(1, 6)))) == 3


def test_the_limit_is_kept_and_room_comes_back():
    """No more than max_spool_size is on the disk; what is delivered makes room."""
    disk = Disk()
    living = keeper(MemoryFiles(disk), max_bytes=20_000)
    stored = []
    for number in range(1, 2000, 10):
        some = events(number, number + 9)
        living.store(some, [], number / 100)
        living.tidy(number / 100)
        stored += [each for each in some if living.held(numbers([each]))]
    logs = [inode for name, inode in disk.files.items() if name.endswith(".log")]
    assert sum(len(inode.data) for inode in logs) <= 20_000
    assert 18_000 < living.size_bytes <= 20_000
    assert {notice.kind for notice in living.notices if not notice.is_over} == {"spool_full"}
    living.note("done", numbers(stored), 30.0)
    living.tidy(40.0)
    assert living.size_bytes == 0
    living.store(events(3001, 3010), [], 40.0)
    assert len(living.held(numbers(events(3001, 3010)))) == 10


def test_segments_are_closed_by_size_and_by_time():
    """A segment is removed when it is closed and all of its records are done with."""
    disk = Disk()
    living = keeper(MemoryFiles(disk))
    big = events(1, 20, "x" * 1_000_000)
    for each in big:
        living.store([each], [], 0.0)
    logs = [name for name in disk.files if name.endswith(".log")]
    assert len(logs) == 3
    assert max(len(disk.files[name].data) for name in logs) <= SEGMENT_BYTES
    living.note("done", numbers(big), 1.0)
    assert len([name for name in disk.files if name.endswith(".log")]) == 1
    assert living.tidy_at(1.0) == SEGMENT_SECONDS
    living.tidy(SEGMENT_SECONDS)
    assert [name.rpartition("/")[2] for name in disk.files] == ["lock"]
    assert living.tidy_at(6.0) is None


def test_what_memory_has_no_room_for_is_read_back_in_order():
    """Records that are on the disk only come back oldest first, each once, also from the open segment."""
    living = keeper(MemoryFiles(Disk()))
    for start in range(1, 2001, 100):
        living.store(events(start, start + 49), events(start + 50, start + 99), start / 100)
        living.tidy(start / 100)
    cold = [each for taken in take_all(living) for each in taken.cold]
    assert cold == [each for s in range(51, 2001, 100) for each in events(s, s + 49)]
    living.store([], events(3001, 3003), 30.0)
    assert living.take(30.0).cold == events(3001, 3003)
    assert living.take(30.0).cold == ()


def test_what_cannot_be_read_back_is_said_to_be_lost():
    """Records on the disk only whose line is damaged are counted and said, not waited for."""
    disk = Disk()
    living = keeper(MemoryFiles(disk))
    living.store([], events(1, 5), 0.0)
    living.tidy(SEGMENT_SECONDS)
    living.store([], events(6, 8), SEGMENT_SECONDS)
    log = next(inode for name, inode in disk.files.items() if name.endswith("1.log"))
    log.data = log.data[:-20]
    assert living.take(6.0).cold == events(6, 8)
    living.store([], events(9, 9), 7.0)
    assert living.take(7.0).cold == events(9, 9)
    taken = living.take(7.0)
    assert (taken.cold, taken.unreadable) == ([], 5)
    assert "5 records in the spool" in living.notices[-1].text
    assert not living.has_cold


def test_the_model_of_a_disk_behaves_as_a_disk_does(tmp_path):
    """What the crash points are enumerated on answers as the real calls do."""

    def seen(files: DiskFiles | MemoryFiles, root: str) -> list[object]:
        found: list[object] = []

        def attempt(call, *arguments):
            try:
                answer = call(*arguments)
            except OSError as exc:
                answer = errno.errorcode[exc.errno or 0]
            found.append(answer)
            return answer

        directory, file = f"{root}/d", f"{root}/d/f"
        files.make_private(root)
        attempt(files.names, directory)
        attempt(files.make_directory, directory)
        attempt(files.make_directory, directory)
        attempt(files.reopen_existing, file)
        attempt(files.read, file, 0, 9)
        attempt(files.size, file)
        attempt(files.unlink, file)
        first = files.create(file)
        attempt(files.create, file)
        second = files.reopen(file)
        attempt(files.try_lock, first)
        attempt(files.try_lock, second)
        attempt(files.append, first, b"hello world")
        attempt(files.append, second, b"!")
        attempt(files.read, file, 6, 100)
        attempt(files.read, file, 6, 2)
        attempt(files.cut, first, 5)
        attempt(files.size, file)
        attempt(files.remove_directory, directory)
        attempt(files.rename, directory, f"{root}/e")
        attempt(files.names, root)
        attempt(files.try_lock, second)
        attempt(files.is_linked, first)
        files.close(first)
        attempt(files.try_lock, second)
        attempt(files.unlink, f"{root}/e/f")
        attempt(files.is_linked, second)
        attempt(files.reopen, f"{root}/d/f")
        attempt(files.remove_directory, f"{root}/e")
        attempt(files.names, root)
        files.forget()
        return found

    assert seen(MemoryFiles(Disk()), ROOT) == seen(DiskFiles(), str(tmp_path / "spool"))


def test_several_processes_make_their_directories_at_once(tmp_path):
    """Somebody who looks for dead owners does not disturb one who is being born."""
    living = [keeper(DiskFiles(), str(tmp_path), whose=about(pid)) for pid in range(1, 9)]
    for each in living:
        assert each.open(0.0) is None
        assert each.take(0.0).recovered == ()
    assert len(list(tmp_path.iterdir())) == 8
    for each in living:
        each.close()
    assert list(tmp_path.iterdir()) == []


def test_records_that_come_before_the_opening_stay_with_their_owner():
    """Opening after the first records makes no second directory, in which nothing knew of them."""
    disk = Disk()
    living = keeper(MemoryFiles(disk))
    living.store(events(1, 3), [], 0.0)
    assert living.open(0.0) is None
    assert len(MemoryFiles(disk).names(ROOT)) == 1
    assert len(living.held(numbers(events(1, 3)))) == 3
