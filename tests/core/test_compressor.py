"""The gzip compressor, with igzip and without."""

from __future__ import annotations

import gzip
import subprocess
import sys

import pytest

from aiowatchtower._core.compressor import new_compressor

LINES = "".join(f"request {number:08x} took 12 ms status=200\n" for number in range(5_000)).encode()

# Python refuses to import a module that stands as None in sys.modules, as it does one that is not there.
WITHOUT_IGZIP = """
import sys
sys.modules["isal"] = None
from aiowatchtower._core.compressor import new_compressor
compressor = new_compressor()
data = sys.stdin.buffer.read()
sys.stdout.buffer.write(compressor.compress(data) + compressor.flush())
"""


def _packed(pieces) -> bytes:
    compressor = new_compressor()
    return b"".join([*map(compressor.compress, pieces), compressor.flush()])


@pytest.mark.parametrize("size_bytes", [1, 1_000, 32_768, len(LINES)])
def test_pieces_come_back_as_one(size_bytes):
    """Data that was compressed in pieces of any size is one gzip stream, and much smaller."""
    packed = _packed(LINES[at : at + size_bytes] for at in range(0, len(LINES), size_bytes))
    assert gzip.decompress(packed) == LINES
    assert len(packed) < len(LINES) / 4


def test_nothing_is_a_stream_too():
    """A stream without data can be read."""
    assert gzip.decompress(_packed([])) == b""


def test_without_igzip_zlib_does_it():
    """Where the package isal is missing, the same data comes out of zlib."""
    program = [sys.executable, "-c", WITHOUT_IGZIP]
    packed = subprocess.run(program, input=LINES, capture_output=True, check=True).stdout
    assert gzip.decompress(packed) == LINES
    assert len(packed) < len(LINES) / 4
