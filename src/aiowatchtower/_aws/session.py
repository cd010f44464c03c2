"""aiobotocore sessions that share botocore's data files, and their loading ahead of time.

Reading the service's model and the endpoints, some 50 ms, is most of what a client costs. It is
done once in a process, in a thread, or in ``prewarm`` before there is a loop to feel it.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from importlib import import_module
from typing import Any, Final

from aiobotocore.session import AioSession

from .loader import SparingLoader

_GENERAL: Final = ("_retry", "endpoints", "partitions", "sdk-default-configuration")
_OF_SERVICE: Final = ("service-2", "endpoint-rule-set-1")
# anyio imports this on first use, which would be on the running loop, for some 10 ms.
import_module("anyio._backends._asyncio")

# By AWS_DATA_PATH, where a profile may look for models of its own.
_loaders: Final[dict[str | None, SparingLoader]] = {}


def new_session(profile_name: str | None) -> Any:
    """Return a session whose data files are read once in a process."""
    session: Any = AioSession(profile=profile_name)
    path = session.get_config_variable("data_path")
    if path not in _loaders:
        _loaders[path] = SparingLoader(list(session.get_component("data_loader").search_paths))
    session.register_component("data_loader", _loaders[path])
    return session


def load_data(session: Any) -> None:
    """Read what a logs client needs into the session's loader, which keeps it."""
    loader = session.get_component("data_loader")
    for name in _GENERAL:
        loader.load_data_with_path(name)
    for kind in _OF_SERVICE:
        # As botocore asks for it: the loader remembers calls by how they were written.
        loader.load_service_model("logs", kind, api_version=None)


def prewarm() -> None:
    """Load what the first client needs, before the event loop runs. Optional.

    Entering a block makes the client in the background, in steps of up to some 20 ms of the
    loop's time; after ``prewarm()`` they are some 7 ms. Blocks for about 0.1 s. It also runs the
    garbage collector, so that what importing has left behind is not collected, in a pause of 30
    to 70 ms, in the first second of traffic. Makes no request and needs no credentials.

    Raises:
        RuntimeError: Called from a running event loop, which it would hold.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # In a thread of its own: asyncio.run would take the caller's current loop away.
        thread = threading.Thread(target=asyncio.run, args=(_make_one(),))
        thread.start()
        thread.join()
        gc.collect()
        return
    msg = "prewarm() blocks: call it before the event loop runs, such as on import of the app"
    raise RuntimeError(msg)


async def _make_one() -> None:
    """Make a client and throw it away: what it imports, parses and compiles stays."""
    session = new_session(None)
    load_data(session)
    async with session.create_client(
        "logs",
        region_name="us-east-1",
        aws_access_key_id="prewarm",
        aws_secret_access_key="prewarm",  # noqa: S106 - nothing is ever signed with it
    ):
        pass
