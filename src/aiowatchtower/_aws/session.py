"""aiobotocore sessions that share botocore's data files, and their loading ahead of time.

Reading the service's model and the endpoints, some 50 ms, is most of what a client costs. It is
done once in a process, in a thread, or in ``prewarm`` before there is a loop to feel it.

botocore's own loader looks into the folders of all of AWS's services, some 400, before it loads
one: some 8 000 system calls to make a client, each of which gives the interpreter's lock away. In
a thread beside a busy event loop each of them waits to get it back. Until the client was made
0.9 s were measured beside such a loop, 0.12 s with ``SparingLoader`` and a quarter of the calls.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import threading
from collections.abc import Collection, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from aiobotocore.session import AioSession
from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader

from .credential_process import use_own_process_provider

_GENERAL: Final = ("_retry", "endpoints", "partitions", "sdk-default-configuration")
_OF_SERVICE: Final = ("service-2", "endpoint-rule-set-1")
# anyio imports this on first use, which would be on the running loop, for some 10 ms.
import_module("anyio._backends._asyncio")


class DataFiles:
    """Loads JSON files as plain dicts; botocore's ordered ones take twice the time and memory."""

    def exists(self, file_path: str) -> bool:
        """Return whether there is such a file; its name comes without the ending."""
        return Path(f"{file_path}.json").is_file() or Path(f"{file_path}.json.gz").is_file()

    def load_file(self, file_path: str) -> object:
        """Return what the file holds, or None when there is none."""
        plain, packed = Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")
        if plain.is_file():
            return json.loads(plain.read_bytes())
        if packed.is_file():
            return json.loads(gzip.decompress(packed.read_bytes()))
        return None


class Services(Collection[str]):
    """The services that a loader knows, each looked for when it is asked for."""

    def __init__(self, loader: SparingLoader, type_name: str) -> None:
        self._loader = loader
        self._type_name = type_name

    def __contains__(self, service_name: object) -> bool:
        """Return whether there is a file for that service."""
        try:
            self._loader.determine_latest_version(service_name, self._type_name)
        except DataNotFoundError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        """Give all of them, by name."""
        return iter(self._loader.list_all_services(self._type_name))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._loader.list_all_services(self._type_name))


class SparingLoader(Loader):  # type: ignore[misc]  # botocore comes without types
    """botocore's loader, but for what it does not need."""

    def __init__(self, search_paths: list[str]) -> None:
        super().__init__(search_paths, DataFiles(), include_default_search_paths=False)

    def list_available_services(self, type_name: str) -> Collection[str]:
        """Return the services that there are files of that type for."""
        return Services(self, type_name)

    def list_all_services(self, type_name: str) -> list[str]:
        """Look into the folder of each service."""
        found: list[str] = super().list_available_services(type_name)
        return found


# By AWS_DATA_PATH, where a profile may look for models of its own.
_loaders: Final[dict[str | None, SparingLoader]] = {}


def new_session(profile_name: str | None, region_name: str | None = None) -> Any:
    """Return a session whose data files are read once in a process."""
    session: Any = AioSession(profile=profile_name)
    path = session.get_config_variable("data_path")
    if path not in _loaders:
        _loaders[path] = SparingLoader(list(session.get_component("data_loader").search_paths))
    session.register_component("data_loader", _loaders[path])
    use_own_process_provider(session, region_name)
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
