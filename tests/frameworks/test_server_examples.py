"""The examples under their own servers: requests that log, SIGTERM while they come, nothing lost and nothing twice."""

from __future__ import annotations

import json
import signal

import pytest
from tests.frameworks.driving import serve

pytestmark = pytest.mark.servers

# Sanic with several workers may hang at SIGTERM under traffic, also without this library: one process here.
# Application, group, command, exit code. uvicorn ends by the signal that it was sent.
SERVERS = {
    "starlette-uvicorn": (
        "/examples/starlette",
        lambda port: ("-m", "uvicorn", "--port", str(port), "starlette_app:app"),
        -signal.SIGTERM,
    ),
    "starlette-granian": (
        "/examples/starlette",
        lambda port: ("-m", "granian", "--interface", "asgi", "--port", str(port), "starlette_app:app"),
        0,
    ),
    "litestar-uvicorn": (
        "/examples/litestar",
        lambda port: ("-m", "uvicorn", "--port", str(port), "litestar_app:app"),
        -signal.SIGTERM,
    ),
    "quart-hypercorn": (
        "/examples/quart",
        lambda port: (
            "-m", "hypercorn", "--access-logfile", "-", "-b", f"127.0.0.1:{port}", "quart_app:app",
        ),
        0,
    ),
    "sanic": (
        "/examples/sanic",
        lambda port: (
            "-m", "sanic", "sanic_app:app", "--port", str(port), "--access-logs", "--single-process",
        ),
        0,
    ),
    "django-uvicorn": (
        "/examples/django",
        lambda port: ("-m", "uvicorn", "--port", str(port), "django_app:asgi"),
        -signal.SIGTERM,
    ),
    "django-hypercorn": (
        "/examples/django",
        lambda port: ("-m", "hypercorn", "-b", f"127.0.0.1:{port}", "django_app:asgi"),
        0,
    ),
    "django-daphne": (
        "/examples/django",
        lambda port: ("-m", "daphne", "-p", str(port), "django_app:asgi"),
        0,
    ),
}  # fmt: skip


def _gunicorn(port, *more):
    config = ("-m", "gunicorn", "-c", "gunicorn_wsgi_conf.py", "-b", f"127.0.0.1:{port}")
    return (*config, *more)


THREADS = ("--threads", "4")
PRELOAD = ("--preload",)


@pytest.mark.parametrize("name", SERVERS)
def test_asgi(server, tmp_path, name):
    """Under its server, each order that was answered arrives once, whatever the server does at the end."""
    group, command, exit_code = SERVERS[name]
    serve(server, tmp_path, command, group).check(exit_code=exit_code)


@pytest.mark.parametrize("app", ["django_app:wsgi", "flask_app:app"])
@pytest.mark.parametrize("options", [(), PRELOAD, THREADS, (*THREADS, *PRELOAD)], ids=" ".join)
def test_wsgi(server, tmp_path, app, options):
    """Under gunicorn's own workers, with threads or without, preloaded or not, each order arrives once."""
    outcome = serve(
        server, tmp_path, lambda port: _gunicorn(port, *options, app), "/examples/gunicorn"
    )
    outcome.check()
    assert len(server.streams("/examples/gunicorn")) == 2


def test_hypercorns_access_log(server, tmp_path):
    """The access logger of hypercorn, which it makes anew after the start, is attached to again."""
    group, command, _ = SERVERS["quart-hypercorn"]
    outcome = serve(server, tmp_path, command, group)
    texts = [text for name in server.streams(group) for text in server.messages(group, name)]
    lines = [text for text in texts if "GET /orders/" in text]
    # What comes within the first 50 ms is not caught.
    assert len(lines) >= len(outcome.logged) / 2
    assert len(lines) == len(set(lines))


def test_sanics_access_log(server, tmp_path):
    """Sanic's access lines, which have no text, arrive as JSON."""
    group, command, _ = SERVERS["sanic"]
    outcome = serve(server, tmp_path, command, group)
    texts = [text for name in server.streams(group) for text in server.messages(group, name)]
    lines = [json.loads(text) for text in texts if text.startswith("{")]
    asked = [line["request"] for line in lines if line.get("status") == 200]
    assert len(asked) >= len(outcome.logged)
    assert all("/orders/" in request for request in asked)
