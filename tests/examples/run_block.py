"""Run one Python or YAML block of a document: `python run_block.py FILE`.

A script runs as `python FILE` does, with `await` allowed outside of functions. A block that makes a
FastAPI, Starlette or aiohttp application is imported, and the application driven through its
lifespan, with a request to each page that needs no parameter. A YAML block configures logging, and
`CloudWatchLogging.configured()` runs what it declares.
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
