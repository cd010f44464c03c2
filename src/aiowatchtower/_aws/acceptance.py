"""Which answers count: those of CloudWatch Logs itself, from the endpoint that was asked."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from aiowatchtower._core.errors import DeliveryError
from aiowatchtower._core.presentable import presentable

from .exchange import HttpAnswer

_OK: Final = 200
_MAX_HOST: Final = 253
_MAYBE_DONE: Final = frozenset({302, 303})


def check_acceptance(answer: HttpAnswer, resource: str, secrets: Collection[str] = ()) -> None:
    """Raise a DeliveryError unless an answer that is no error comes from CloudWatch Logs.

    AWS, moto, LocalStack, ministack, aws-local-run and our own testing service send
    ``x-amzn-requestid`` with each answer. A proxy's page, or another program, does not.
    """
    if answer.redirect is not None:
        status, url = answer.redirect
        raise redirected("PutLogEvents", resource, status, url, is_followed=True)
    if answer.status != _OK:
        raise garbled(resource, f"the answer has the status {answer.status}")
    if not answer.request_id:
        raise garbled(
            resource, "the answer has no x-amzn-requestid: it is not from CloudWatch Logs"
        )
    if not _is_object(answer.body):
        text = presentable(answer.body.decode("utf-8", "replace"), secrets)
        raise garbled(resource, f"the answer is not a JSON object: {text[:80]!r}")


def garbled(resource: str, message: str) -> DeliveryError:
    """Return the error for an answer that is none of CloudWatch Logs, although it claims success."""
    return DeliveryError(
        "PutLogEvents",
        "GarbledAnswer",
        message,
        status=_OK,
        resource=resource,
        maybe_accepted=True,
    )


def redirected(
    action: str, resource: str, status: int, url: str, *, is_followed: bool
) -> DeliveryError:
    """Return the error for an endpoint that redirects; ``url`` is the address that it names.

    After a 302 or a 303 nobody knows whether the events were taken: servers answer so, too, after they have
    done what they were asked for. https://www.rfc-editor.org/rfc/rfc9110#name-303-see-other
    """
    where = _host(url)
    message = f"the endpoint redirects to {where}" if where else "the endpoint redirects"
    message += ", and the client that was passed in has followed" if is_followed else ""
    return DeliveryError(
        action,
        "Redirected",
        f"{message}. Redirects are refused: they would take records and session token elsewhere",
        status=status,
        resource=resource,
        maybe_accepted=is_followed or status in _MAYBE_DONE,
    )


def _host(url: str) -> str:
    """Return scheme and host of an address, without what may be secret: user, path and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = presentable(parts.netloc.rpartition("@")[2])[:_MAX_HOST]
    return f"{parts.scheme}://{host}" if host and parts.scheme else host


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False
