"""Can the endpoint be reached: its name, a connection, its certificate."""

from __future__ import annotations

import asyncio
import difflib
import os
import re
import socket
import ssl
from collections.abc import Mapping
from typing import Final, cast
from urllib.parse import SplitResult, urlsplit, urlunsplit

import anyio
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

from aiowatchtower._config.settings import Settings
from aiowatchtower._core.errors import DeliveryError

from ._aws import CONNECT_SECONDS, Session
from ._diagnosis import failed
from ._report import Status, Step

_PORTS: Final = {"http": 80, "https": 443}
_VARIABLES: Final = (
    "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
    "AWS_ENDPOINT_URL_LOGS",
    "AWS_ENDPOINT_URL",
)
_OF_A_REGION: Final = re.compile(r"logs[-.]")


async def reach(session: Session, settings: Settings, url: str, region: str) -> Step:
    """Resolve, connect, and shake hands: with the proxy alone, where there is one."""
    target = urlsplit(url)
    source = _source(session, settings, target.hostname or "")
    proxy = cast("Mapping[str, str]", get_environ_proxies(url)).get(target.scheme, "")
    shown, via = _shown(target), _shown(urlsplit(proxy))
    through = f" through proxy {via}" if via else ""
    facts: dict[str, object] = {"url": shown, "source": source, "proxy": via or None}
    try:
        found = await _connect(urlsplit(proxy) if proxy else target, None if proxy else session)
    except DeliveryError as error:
        step = failed("endpoint", error)
        advice = step.advice
        if source == "region" and (hint := await _hint(session, region)):
            advice = hint
        text = f"{shown} (from {source}){through}: {error.message}"
        return Step("endpoint", Status.FAILED, text, advice, error.code, facts=facts)
    facts["addresses"] = found
    text = f"{shown} (from {source}){through} at {found[0]}"
    return Step("endpoint", Status.OK, text, facts=facts)


def _source(session: Session, settings: Settings, host: str) -> str:
    if settings.endpoint_url:
        return "--endpoint-url"
    if not session.get_config_variable("ignore_configured_endpoint_urls"):
        for name in _VARIABLES:
            if os.environ.get(name):
                return name
    if _OF_A_REGION.match(host):
        return "region"
    return f"profile {session.profile or 'default'}"


def _shown(url: SplitResult) -> str:
    """Return the URL without the user and password that it may have."""
    return urlunsplit(url._replace(netloc=url.netloc.rpartition("@")[2]))


async def _connect(target: SplitResult, session: Session | None) -> list[str]:
    """Return the addresses of what can be connected to. Without a session TLS is not tried."""
    stage = "DNS"
    try:
        with anyio.fail_after(2 * CONNECT_SECONDS):
            host, port = target.hostname or "", target.port or _PORTS.get(target.scheme, 80)
            loop = asyncio.get_running_loop()
            rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            stage = "TCP"
            await _open(host, port)
            if session is not None and target.scheme == "https":
                stage = "TLS"
                await _open(host, port, _trust(session))
    except (OSError, ValueError) as exc:
        raise _explained(stage, exc) from exc
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


async def _open(host: str, port: int, context: ssl.SSLContext | None = None) -> None:
    with anyio.fail_after(CONNECT_SECONDS):
        _, writer = await asyncio.open_connection(host, port, ssl=context)
    writer.close()


def _trust(session: Session) -> ssl.SSLContext:
    bundle = session.get_config_variable("ca_bundle")
    return ssl.create_default_context(cafile=cast("str", get_cert_path(bundle or True)))


def _explained(stage: str, exc: OSError | ValueError) -> DeliveryError:
    """Name what has failed. Of what can be raised only the certificate says what it is."""
    code = "EndpointUnreachable"
    if isinstance(exc, ssl.SSLCertVerificationError):
        code, reason = "UntrustedCertificate", exc.verify_message
    elif isinstance(exc, TimeoutError):
        reason = f"no answer within {CONNECT_SECONDS} s"
    elif isinstance(exc, ssl.SSLError):
        reason = str(exc.reason)
    elif isinstance(exc, OSError):
        reason = exc.strerror or str(exc)
    else:
        reason = str(exc)
    if stage == "TLS" and code == "EndpointUnreachable":
        reason += " (does the port speak TLS, and the bundle of certificates exist?)"
    return DeliveryError("connect", code, f"{stage}: {reason}")


async def _hint(session: Session, region: str) -> str:
    """Return advice about a region that botocore does not know; "" for one that it does."""
    known: list[str] = []
    for partition in session.get_available_partitions():
        known += await session.get_available_regions("logs", partition)
    if region in known:
        return ""
    close = difflib.get_close_matches(region, known, 1)
    meant = f"Did you mean {close[0]}?" if close else "They are such as us-east-1, eu-central-1."
    return f"botocore knows no region {region}. {meant}"
