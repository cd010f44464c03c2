"""Run one Python or YAML block of a document: `python run_block.py FILE`.

A script runs as `python FILE` does, with `await` allowed outside of functions. A block that makes a
web application is imported, and the application driven through its lifespan, with a request to each
page that needs no parameter, or to `/`. Hooks of gunicorn and of Celery's workers are called as these
do. A YAML block configures logging, and `CloudWatchLogging.configured()` runs what it declares.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import logging
import logging.config
import re
import sys
import types
from pathlib import Path

from aiowatchtower import CloudWatchLogging

_OTHER_ASGI = (
    ("litestar", "Litestar"),
    ("quart", "Quart"),
    ("sanic", "Sanic"),
    ("aiowatchtower.asgi", "ASGIApplication"),
)
SERVES = re.compile(r"\b(web\.run_app|uvicorn\.run)\(")


def main(file: Path) -> None:
    """Run the block by what it is."""
    source = file.read_text(encoding="utf-8")
    if file.suffix == ".yaml":
        asyncio.run(_configure(source))
        return
    namespace = _execute(source, file)
    for value in list(namespace.values()):
        if _is_a(value, "starlette.applications", "Starlette"):
            asyncio.run(_drive_asgi(value))
        elif _is_a(value, "aiohttp.web", "Application"):
            asyncio.run(_drive_aiohttp(value))
        elif any(_is_a(value, *kind) for kind in _OTHER_ASGI):
            asyncio.run(_drive_any_asgi(value))
        elif _is_a(value, "flask", "Flask"):
            _drive_flask(value)
        elif _is_a(value, "celery", "Celery"):
            _drive_celery(value)
    if "post_fork" in namespace:
        _drive_gunicorn(**namespace)


def _execute(source: str, file: Path) -> dict[str, object]:
    sys.path.insert(0, str(file.parent))
    # Not "__main__" where that would serve for ever.
    module = types.ModuleType("block" if SERVES.search(source) else "__main__")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module
    code = compile(source, str(file), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, vars(module)))  # noqa: S307 - the README's own code
    else:
        exec(code, vars(module))  # noqa: S102 - the README's own code
    return vars(module)


def _is_a(value: object, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(value, kind)


async def _drive_asgi(app) -> None:
    import httpx

    async with app.router.lifespan_context(app):
        logging.getLogger("visitor").error("the application is open")
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            for route in app.routes:
                if "GET" in (getattr(route, "methods", None) or ()) and "{" not in route.path:
                    answer = await client.get(route.path)
                    answer.raise_for_status()


async def _drive_any_asgi(app) -> None:
    """Do what a server does: start the lifespan, make a request, end the lifespan."""
    import httpx

    to_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    from_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.3"}, "state": {}}
    lifespan = asyncio.create_task(app(scope, to_app.get, from_app.put))
    await to_app.put({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://app"
    ) as client:
        (await client.get("/")).raise_for_status()
    await to_app.put({"type": "lifespan.shutdown"})
    assert (await from_app.get())["type"] == "lifespan.shutdown.complete"
    await lifespan


def _drive_flask(app) -> None:
    assert app.test_client().get("/").status_code == 200


def _drive_gunicorn(post_fork, worker_exit, **_) -> None:
    post_fork(None, None)
    logging.getLogger("visitor").error("the worker has started")
    worker_exit(None, None)


def _drive_celery(app) -> None:
    from celery import signals

    signals.worker_process_init.send(None)
    for name, task in app.tasks.items():
        if not name.startswith("celery."):
            task.apply(args=(7,))
    signals.worker_process_shutdown.send(None)


async def _drive_aiohttp(app) -> None:
    from aiohttp import web

    runner = web.AppRunner(app)
    await runner.setup()
    logging.getLogger("visitor").error("the application is open")
    await runner.cleanup()


async def _configure(source: str) -> None:
    import yaml

    config = yaml.safe_load(source)
    logging.config.dictConfig(config)
    async with CloudWatchLogging.configured():
        for name in ("", *config.get("loggers", ())):
            logging.getLogger(name).error("configured")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
