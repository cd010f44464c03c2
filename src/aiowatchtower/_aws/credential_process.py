"""The process that a profile's ``credential_process`` names, ended when nobody waits for it any more.

aiobotocore leaves such a process running when the wait for it is cancelled, with its pipes. A source
that hangs would add another at each look for credentials, and some would outlive the program.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import Any, Final

import anyio
from aiobotocore.credentials import AioProcessProvider, create_credential_resolver

_END_SECONDS: Final = 1.0


def use_own_process_provider(session: Any, region_name: str | None) -> None:
    """Let the session ask our provider before the one of aiobotocore that does the same."""
    resolver = create_credential_resolver(session, region_name=region_name)
    ours = AioProcessProvider(
        profile_name=session.get_config_variable("profile") or "default",
        load_config=lambda: session.full_config,
        popen=_start,
    )
    resolver.insert_before(ours.METHOD, ours)
    session.register_component("credential_provider", resolver)


class _Process:
    """A started process, for the little that aiobotocore wants of one."""

    def __init__(self, process: asyncio.subprocess.Process, *, has_group: bool) -> None:
        self._process = process
        self._has_group = has_group

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    async def communicate(self) -> tuple[bytes, bytes]:
        """Return what it has written, when it has ended. A cancelled wait ends it."""
        try:
            return await self._process.communicate()
        except BaseException:
            await self._end()
            raise

    async def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._has_group:
                # What it has started itself as well: it may hold the pipes.
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        with anyio.move_on_after(_END_SECONDS, shield=True):
            await self._process.wait()


async def _start(*command: str, **options: Any) -> _Process:
    """Start it in a group of its own, unless somebody may have to answer it at the terminal."""
    has_group = os.name == "posix" and not (sys.stdin is not None and sys.stdin.isatty())
    process = await asyncio.create_subprocess_exec(*command, start_new_session=has_group, **options)
    return _Process(process, has_group=has_group)
