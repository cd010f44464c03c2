"""What the reader makes of files that a disk, a person or another program has changed."""

from __future__ import annotations

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.spool.keepers import ROOT, about, event, events, keeper, numbers, recovered
from tests.spool.memory_files import Disk, MemoryFiles

from aiowatchtower._spool.files import DiskFiles
from aiowatchtower._spool.format import event_lines, events_of, value_of
from aiowatchtower._spool.owner import SEGMENT_SECONDS
from aiowatchtower._spool.ranges import Ranges

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def _dead(segments: int = 2, per_line: int = 3) -> Disk:
    """Return the disk of a process that was killed with some lines in each of some segments."""
    disk = Disk()
    living = keeper(MemoryFiles(disk), name=lambda: "00000000beef")
    number = 1
    for segment in range(segments):
        now = segment * SEGMENT_SECONDS
        for _ in range(3):
            living.store(events(number, number + per_line - 1), [], now)
            number += per_line
        living.tidy(now + SEGMENT_SECONDS)
    return disk.after_kill()


_EVENTS = events(1, 18)
_LOGS = sorted(name for name in _dead().files if name.endswith(".log"))


@given(st.lists(_TEXTS, min_size=1, max_size=500), _TEXTS)
def test_what_is_written_is_read(messages, stream):
    """Any text comes back from a line as it was, and no line holds a second newline."""
    written = [event(number, text, stream) for number, text in enumerate(messages, 1)]
    read = []
    for those, text in event_lines(written):
        assert text.count(b"\n") == 1
        assert len(those) <= 200
        assert len(those) == 1 or len(text) < 2 * 256 * 1024
        read += events_of(value_of(text[:-1])) or []
    assert read == written


@given(st.data())
def test_a_flipped_bit_costs_its_line_alone(data):
    """Whatever bit of a segment is flipped, the other lines are read, and nothing else is."""
    disk = _dead()
    inode = disk.files[data.draw(st.sampled_from(_LOGS))]
    at = data.draw(st.integers(0, len(inode.data) - 1))
    lines_before = inode.data[:at].count(b"\n")
    flipped = inode.data[at] ^ (1 << data.draw(st.integers(0, 7)))
    inode.data = inode.data[:at] + bytes([flipped]) + inode.data[at + 1 :]
    found = recovered(keeper(MemoryFiles(disk)))
    assert set(found) <= set(_EVENTS)
    assert len(found) == len(set(found))
    # A newline that is damaged joins two lines; the first line is the header.
    assert len(found) >= len(_EVENTS) - (3 if lines_before == 0 else 6)


@given(st.data())
def test_a_file_cut_anywhere_gives_the_lines_before(data):
    """The lines in front of the cut are read."""
    disk = _dead(segments=1)
    inode = disk.files[_LOGS[0]]
    inode.data = inode.data[: data.draw(st.integers(0, len(inode.data)))]
    # A line proves itself also without its newline.
    whole = [text for text in inode.data.split(b"\n") if events_of(value_of(text))]
    assert recovered(keeper(MemoryFiles(disk))) == _EVENTS[: 3 * len(whole)]


@given(st.data(), st.binary(min_size=1, max_size=300))
def test_garbage_invents_nothing(data, garbage):
    """Bytes put in anywhere cost the line that they are in, and become no record."""
    disk = _dead()
    for name in _LOGS:
        inode = disk.files[name]
        at = data.draw(st.integers(0, len(inode.data)))
        inode.data = inode.data[:at] + garbage + inode.data[at:]
    found = recovered(keeper(MemoryFiles(disk)))
    assert set(found) <= set(_EVENTS)
    assert len(found) == len(set(found)) >= len(_EVENTS) - 6


@given(st.permutations(range(7)), st.lists(st.integers(0, 6), max_size=3))
def test_lines_in_another_order_or_twice_are_read_once(order, again):
    """Lines that are swapped or repeated still give each record once."""
    disk = _dead()
    inode = disk.files[_LOGS[1]]
    lines = inode.data.splitlines(keepends=True)
    lines = [lines[at % len(lines)] for at in (*order, *again)]
    inode.data = b"".join(lines)
    found = recovered(keeper(MemoryFiles(disk)))
    assert sorted(found, key=lambda each: each[-1]) == _EVENTS


@given(st.binary(max_size=2000), st.binary(max_size=200))
def test_files_of_nothing_but_garbage_are_harmless(log, lock):
    """Foreign bytes in place of every file raise nothing and become no record."""
    disk = _dead()
    for name, inode in disk.files.items():
        inode.data = lock if name.endswith("lock") else log
    assert recovered(keeper(MemoryFiles(disk))) == []


@given(st.data(), st.binary(max_size=300))
def test_damaged_acknowledgements_bring_records_again_at_worst(data, garbage):
    """Garbage in place of an acknowledgement loses no record that is outstanding."""
    disk = Disk()
    living = keeper(MemoryFiles(disk))
    living.store(events(1, 9), [], 0.0)
    living.note("done", Ranges([(1, 3)]), 0.0)
    living.note("done", Ranges([(4, 5)]), 0.0)
    dead = disk.after_kill()
    ack = next(inode for name, inode in dead.files.items() if name.endswith(".ack"))
    at = data.draw(st.integers(0, len(ack.data)))
    ack.data = ack.data[:at] + garbage + ack.data[at + len(garbage) :]
    found = recovered(keeper(MemoryFiles(dead)))
    assert set(events(6, 9)) <= set(found) <= set(events(1, 9))


_NINE = (9).to_bytes(8, "big").hex().encode()


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"1",
        b'"text"',
        b'{"sent": 1, "done": [[3, 1], [1], ["a", "b"], null]}',
        b'[["s", 1, "m", 27, 20]]',
        b'["s",20]',
        b'["s",20]\x1e' + _NINE,
        b'["s",20]\x1e' + _NINE[1:] + b"\x1em",
        b'["s",20]\x1e' + _NINE + b"\x1e",
        b'["s",20]\x1e' + _NINE + b"\x1em\x1em",
        b'["s",20]\x1e' + b"x" * 16 + b"\x1em",
        b'["s",20]\x1e' + b"\xff" * 16 + b"\x1em",
        b'["s",20]\x1e' + _NINE + b"\x1e\xff",
        b'["s",0]\x1e' + _NINE + b"\x1em",
        b'["s",-1]\x1e' + _NINE + b"\x1em",
        b'["s",1099511627776]\x1e' + _NINE + b"\x1em",
        b'["s",2.5]\x1e' + _NINE + b"\x1em",
        b'["s",[true]]\x1e' + _NINE + b"\x1em",
        b'["s",["20"]]\x1e' + _NINE + b"\x1em",
        b'["",20]\x1e' + _NINE + b"\x1em",
        b'[["s","s"],[]]\x1e' + _NINE + b"\x1em",
        b"[7,20]\x1e" + _NINE + b"\x1em",
        b'["s",20,1]\x1e' + _NINE + b"\x1em",
        b'{"s":1,"t":2}\x1e' + _NINE + b"\x1em",
        b"null\x1e" + _NINE + b"\x1em",
    ],
)
def test_lines_of_another_shape_become_no_record(body):
    """A line that proves itself, but was written by something else, is left alone."""
    disk = _dead(segments=1)
    disk.files[_LOGS[0]].data += b"%08x %s\n" % (crc32(body), body)
    assert recovered(keeper(MemoryFiles(disk))) == _EVENTS[:9]


def test_a_line_of_that_shape_becomes_a_record():
    """The lines that are left alone above differ from this one only by what is wrong with them."""
    disk = _dead(segments=1)
    body = b'["s",20]\x1e' + _NINE + b"\x1em"
    disk.files[_LOGS[0]].data += b"%08x %s\n" % (crc32(body), body)
    assert recovered(keeper(MemoryFiles(disk))) == [*_EVENTS[:9], ("s", 9, "m", 27, 20)]


_ANY_EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["s", "other", "n\u00e9w\n\x1e"]),
        st.integers(-(2**63) + 1, 2**63 - 1),
        st.text(
            st.sampled_from(["a", "\\", "n", "e", "\n", "\x1e", "\u2028", "\u00e9", "\x00"]),
            min_size=1,
        )
        | st.just("x" * 100_000),
        st.integers(1, 2**40 - 1),
    ),
    min_size=1,
)


@given(_ANY_EVENTS)
def test_events_of_several_streams_in_any_order_are_read(several):
    """Streams, times, numbers and texts come back as they were, escapes and separators among them."""
    written = [(s, at, text, len(text.encode()) + 26, number) for s, at, text, number in several]
    lines = list(event_lines(written))
    read = [each for _, text in lines for each in events_of(value_of(text[:-1])) or []]
    assert read == written
    assert [those for those, _ in lines] == [
        numbers(events_of(value_of(text[:-1])) or []) for _, text in lines
    ]


def test_a_time_that_fits_nowhere_costs_no_record():
    """A record with a time beyond 64 bits is kept, with the farthest time there is."""
    far = ("s", 10**30, "text", 30, 1)
    [(_, text)] = event_lines([far])
    assert events_of(value_of(text[:-1])) == [("s", 2**63 - 1, "text", 30, 1)]


def test_a_lone_surrogate_costs_no_record():
    """Text that UTF-8 has no form for comes back with U+FFFD in its place."""
    [(_, text)] = event_lines([("s", 1, "a\ud800b", 31, 1)])
    assert events_of(value_of(text[:-1])) == [("s", 1, "a\ufffdb", 31, 1)]


def test_deep_nesting_in_a_valid_line_is_damage():
    """A line that Python's JSON reader refuses costs nothing but itself."""
    body = b"[" * 200_000
    text = b"%08x %s" % (crc32(body), body)
    assert value_of(text) is None


def test_foreign_files_are_left_alone(tmp_path):
    """Files and directories with other names stay where they are; the records are read."""
    root = tmp_path / "spool"
    dead = keeper(DiskFiles(), str(root))
    dead.store(events(1, 3), [], 0.0)
    dead._files.forget()
    owner = next(path for path in root.iterdir())
    (root / "README").write_text("mine")
    (root / "0123456789ab").write_text("a file where a directory might be")
    (root / "lost+found").mkdir()
    (owner / "notes.txt").write_text("mine")
    (owner / "99999999.log").mkdir()
    after = keeper(DiskFiles(), str(root))
    assert recovered(after) == events(1, 3)
    assert "cannot be read" in after.notices[0].text
    assert (root / "README").read_text() == "mine"
    assert (owner / "notes.txt").read_text() == "mine"


def test_damage_is_said_once_for_each_slice():
    """A person is told how many lines are damaged, and of what directory."""
    disk = _dead()
    disk.files[_LOGS[0]].data += b"garbage\n" * 3
    after = keeper(MemoryFiles(disk))
    recovered(after)
    [notice] = after.notices
    assert notice.kind == "spool_damaged"
    assert "3 damaged lines" in notice.text
    assert "spool" in notice.text
    assert f"{ROOT}/00000000beef" in notice.text


def test_an_owner_of_whom_nothing_says_where_it_belongs_is_set_aside():
    """Without a readable lock file and header, the records are kept, and not sent to another's group."""
    disk = _dead()
    for inode in disk.files.values():
        inode.data = inode.data[inode.data.find(b"\n") + 1 :]
    after = keeper(MemoryFiles(disk))
    assert recovered(after) == []
    assert MemoryFiles(disk).names(ROOT) == ["00000000beef.bad"]
    assert "set aside" in after.notices[0].text


def test_either_of_lock_file_and_header_says_where_records_belong():
    """A damaged lock file alone, or damaged headers alone, lose nothing."""
    for damaged in ("lock", ".log"):
        disk = _dead()
        for name, inode in disk.files.items():
            if name.endswith(damaged):
                inode.data = b"x" + inode.data[1:]
        assert len(recovered(keeper(MemoryFiles(disk)))) == 18
        disk = _dead()
        assert recovered(keeper(MemoryFiles(disk), whose=about(group="/other"))) == []
