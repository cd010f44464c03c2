"""Redis on loopback, for the examples that need a broker."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator

import pytest
from tests.frameworks.driving import free_port


@pytest.fixture
def redis(tmp_path) -> Iterator[str]:
    """Start a redis-server that keeps nothing, and return its URL."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("no redis-server here: apt-get install redis-server")
    port = free_port()
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path))
    with subprocess.Popen([binary, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if "Ready to accept connections" in line:
                    break
            with socket.create_connection(("127.0.0.1", port)):
                yield f"redis://127.0.0.1:{port}"
        finally:
            process.kill()
