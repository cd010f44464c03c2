"""Deliver what dead owners have left: one block for each log group and region that they logged to."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from aiowatchtower._block import CloudWatchLogging
from aiowatchtower._spool.files import Files
from aiowatchtower._spool.format import Identity
from aiowatchtower._spool.inspection import OwnerReport, owner_paths, report

_LOOK_SECONDS: Final = 0.1


def drain(
    files: Files,
    directory: str,
    region: str | None,
    profile: str | None,
    endpoint_url: str | None,
    timeout: float,
) -> None:
    """Deliver what can be delivered within ``timeout`` seconds."""
    ends_at = time.monotonic() + timeout
    for identity in _identities(_left(files, directory)):
        while time.monotonic() < ends_at and identity in _identities(_left(files, directory)):
            block = CloudWatchLogging(
                identity.group,
                loggers=(),
                spool_directory=directory,
                region_name=identity.region or region,
                profile_name=profile,
                endpoint_url=endpoint_url,
            )
            asyncio.run(_deliver(block, files, directory, identity, ends_at))


async def _deliver(
    block: CloudWatchLogging, files: Files, directory: str, identity: Identity, ends_at: float
) -> None:
    async with block:
        while time.monotonic() < ends_at:
            left = await asyncio.to_thread(_left, files, directory)
            if identity not in _identities(left) and not block.statistics().pending:
                return
            await asyncio.sleep(_LOOK_SECONDS)


def _left(files: Files, directory: str) -> list[OwnerReport]:
    """Return the owners whose records nobody delivers: neither they nor an adopter."""
    reports = [report(files, path) for path in owner_paths(files, directory)]
    return [each for each in reports if each.records and each.state == "dead"]


def _identities(reports: list[OwnerReport]) -> list[Identity]:
    found = {each.identity for each in reports if each.identity is not None}
    return sorted(found, key=lambda identity: (identity.group, identity.region))
