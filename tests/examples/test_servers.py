"""The examples that are servers: real requests, then SIGTERM."""

from __future__ import annotations

import contextlib
import re
import socket
from collections import Counter

import pytest
from tests.examples.programs import environment, get, get_all, serve

pytestmark = pytest.mark.servers

UVICORN = ("-m", "uvicorn", "--port", "0")
GUNICORN = ("-m", "gunicorn", "-c", "gunicorn_conf.py", "--bind", "127.0.0.1:0")
ORDERS = range(100, 140)
ACCESS = re.compile(r'"GET /orders/(\d+) HTTP/1.1" (\d+)')


@contextlib.contextmanager
def _serving(*command, server, **more):
    with serve(*command, env=environment(server, **more)) as program:
        yield program, program.wait_for(r"[Rr]unning on .*(http://\S+)")[1]


def _order(url):
    return get_all((f"{url}/orders/{number}", {}) for number in ORDERS)


def _check_orders(messages, *, shown="order {} is shown"):
    """Check that each order's line, and its line in the access log, is there once."""
    lines = Counter(messages)
    assert {number: lines[shown.format(number)] for number in ORDERS} == dict.fromkeys(ORDERS, 1)
    accesses = Counter(match[1] for match in map(ACCESS.search, messages) if match)
    assert accesses == Counter(str(number) for number in ORDERS)


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_fastapi_app(server):
    """Under uvicorn, the application's, access and error lines arrive once each, to the last."""
    with _serving(*UVICORN, "fastapi_app:app", server=server) as (program, url):
        assert _order(url) == [200] * len(ORDERS)
        program.stop()

    messages = server.messages("/examples/fastapi")
    _check_orders(messages)
    assert messages.count("the shop is open") == 1
    assert messages[-1] == "the shop is closed"
    count = len(messages)
    assert f"{count} of {count} records delivered" in program.output
    assert server.streams("/examples/fastapi")[0].endswith(f"/uvicorn/{program.pid}")


def test_fastapi_app_fails_in_a_request(server):
    """The traceback of an unhandled exception is one event, and its request one access line."""
    with _serving(*UVICORN, "fastapi_app:app", server=server) as (program, url):
        assert get(f"{url}/orders/13") == 500
        program.stop()

    messages = server.messages("/examples/fastapi")
    (traceback,) = (message for message in messages if "Traceback" in message)
    assert traceback.startswith("Exception in ASGI application\n")
    assert traceback.rstrip().endswith("RuntimeError: no such luck")
    assert [match.groups() for match in map(ACCESS.search, messages) if match] == [("13", "500")]


def test_fastapi_app_with_several_workers(server):
    """Each of uvicorn's workers ships its own records to its own stream."""
    command = (*UVICORN, "--workers", "2", "fastapi_app:app")
    with _serving(*command, server=server) as (program, url):
        program.wait_for("Application startup complete", 2)
        assert _order(url) == [200] * len(ORDERS)
        assert program.stop() == 0

    messages = server.messages("/examples/fastapi")
    _check_orders(messages)
    assert messages.count("the shop is closed") == 2
    assert len(server.streams("/examples/fastapi")) == 2


@pytest.mark.parametrize("preload", [(), ("--preload",)], ids=["no preload", "preload"])
def test_gunicorn_conf(server, tmp_path, preload):
    """Under gunicorn, also preloaded, each worker's access, error and other lines arrive once."""
    pytest.importorskip("uvicorn_worker", exc_type=ImportError)
    env = environment(server, HOME=str(tmp_path))
    with serve(*GUNICORN, *preload, "fastapi_app:app", env=env) as program:
        url = program.wait_for(r"Listening at: (http://\S+)")[1]
        program.wait_for("Application startup complete", 2)
        assert _order(url) == [200] * len(ORDERS)
        assert get(f"{url}/orders/13") == 500
        assert program.stop() == 0

    messages = server.messages("/examples/fastapi")
    _check_orders([message for message in messages if "/orders/13 " not in message])
    assert sum("no such luck" in message for message in messages) == 1
    assert messages.count("the shop is closed") == 2
    assert len(server.streams("/examples/fastapi")) == 2


def test_uvicorn_log_config(server):
    """With logging configured by uvicorn's file, its lines from before the lifespan arrive, too."""
    command = (
        *UVICORN,
        "--log-config",
        "uvicorn_log_config.yaml",
        "uvicorn_log_config_app:app",
    )
    with _serving(*command, server=server) as (program, url):
        assert _order(url) == [200] * len(ORDERS)
        program.stop()

    messages = server.messages("/examples/uvicorn")
    _check_orders(messages)
    assert messages[0] == f"Started server process [{program.pid}]"
    assert messages[-1] == "Waiting for application shutdown."
    assert len(set(messages)) == len(messages)


def test_aiohttp_app(server):
    """Under aiohttp's run_app, application and access lines arrive once each, to the last."""
    port = str(_free_port())
    with _serving("aiohttp_app.py", server=server, PORT=port) as (program, url):
        assert _order(url) == [200] * len(ORDERS)
        assert program.stop() == 0

    messages = server.messages("/examples/aiohttp")
    _check_orders(messages)
    assert messages[0] == "the shop is open"
    assert messages[-1] == "the shop is closed"
    assert len(messages) == 2 * len(ORDERS) + 2
