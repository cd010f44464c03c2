"""moto's server beside ours, and the service that a test asks: one of the two."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest

# moto's own way to reset leaves some of what it holds: each script of requests gets a process of its own.
_MOTO = """
import logging
from moto.server import ThreadedMotoServer

# One line for each request, and a traceback for each operation that moto does not have.
for name in ("werkzeug", "moto.server", "moto.moto_server.werkzeug_app"):
    logging.getLogger(name).setLevel(logging.CRITICAL)
moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
moto.start()
print("http://%s:%d" % moto.get_host_and_port(), flush=True)
input()
moto.stop()
"""


@contextlib.contextmanager
def _moto():
    pytest.importorskip("flask_cors", reason="moto's server needs it")
    program = subprocess.Popen(
        [sys.executable, "-c", _MOTO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert program.stdout is not None
        yield program.stdout.readline().strip()
    finally:
        program.communicate("\n", timeout=60)


@pytest.fixture
def moto_url():
    """Serve moto from another process, with nothing in it."""
    with _moto() as url:
        yield url


@pytest.fixture(params=["aiowatchtower.testing", "moto"])
def new_service(request):
    """Return a function that returns the address of an empty service: of ours, or of moto."""
    with contextlib.ExitStack() as stack:
        if request.param == "moto":
            yield lambda: stack.enter_context(_moto())
        else:
            server = request.getfixturevalue("server")
            yield lambda: server.reset() or server.url
