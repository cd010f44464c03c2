"""Which region records go to, told without making a client."""

from __future__ import annotations

import os
from collections.abc import Callable

from aiowatchtower._config.settings import Settings

from .new_client import given_client, session_for


def region_of(settings: Settings) -> Callable[[], str]:
    """Return a function that finds the region, to be called in a thread: it may have to read files.

    It returns "" where botocore finds none.
    """
    client = given_client(settings)
    if client is not None:
        known = str(client.meta.region_name or "")
        return lambda: known
    # Where the environment has one, botocore takes it. It need not be asked, which takes a second on a
    # busy machine, and until then nothing is in the spool.
    in_environment = None if settings.session else os.environ.get("AWS_DEFAULT_REGION")
    given = settings.region_name or in_environment
    if given:
        return lambda: given
    return lambda: str(session_for(settings).get_config_variable("region") or "")
