"""Who calls, and where: credentials, region, identity."""

from __future__ import annotations

import os
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple

import anyio
from botocore.exceptions import ClientError

from aiowatchtower._aws.errors import translated
from aiowatchtower._config.settings import Settings
from aiowatchtower._core.errors import DeliveryError

from ._aws import DEADLINE_SECONDS, Client, Keys, Session
from ._clock import Clock
from ._diagnosis import detail, failed
from ._report import Status, Step

_SOURCES: Final = {
    "env": "environment variables",
    "shared-credentials-file": "the shared credentials file",
    "config-file": "the AWS config file",
    "assume-role": "an assumed role",
    "assume-role-with-web-identity": "a role assumed with a web identity token",
    "sso": "IAM Identity Center (SSO)",
    "custom-process": "the profile's credential_process",
    "container-role": "the container's role",
    "iam-role": "the instance's role",
}


class Found(NamedTuple):
    """The credentials' step, and the keys if there are any."""

    step: Step
    keys: Keys | None


async def find_credentials(session: Session) -> Found:
    """Look for credentials where botocore does, and get them where that takes a call."""
    try:
        with anyio.fail_after(DEADLINE_SECONDS):
            credentials = await session.get_credentials()
            frozen = None if credentials is None else await credentials.get_frozen_credentials()
    except Exception as exc:  # noqa: BLE001 - whatever is raised is what is reported
        return Found(failed("credentials", _unavailable(exc)), None)
    if credentials is None or frozen is None:
        error = DeliveryError("credentials", "NoCredentials", "no AWS credentials found")
        return Found(failed("credentials", error), None)
    keys = Keys(frozen.access_key, frozen.secret_key, frozen.token)
    source = _SOURCES.get(credentials.method, credentials.method)
    facts = {
        "source": credentials.method,
        "access_key_id": keys.shown,
        "is_temporary": bool(keys.token),
    }
    kind = "temporary, " if keys.token else ""
    text = f"access key {keys.shown} ({kind}from {source})"
    return Found(Step("credentials", Status.OK, text, facts=facts), keys)


def _unavailable(exc: Exception) -> DeliveryError:
    error = translated(exc, "credentials", "", DEADLINE_SECONDS)
    if error.code == "NoCredentials" or isinstance(exc, ClientError):
        return error
    return DeliveryError("credentials", "CredentialsUnavailable", error.message)


def find_region(session: Session, settings: Settings) -> Step:
    """Tell the region and where it comes from."""
    region = settings.region_name or session.get_config_variable("region")
    if not region:
        message = "no region found"
        if elsewhere := os.environ.get("AWS_REGION"):
            message += f" (AWS_REGION={elsewhere} is not read by botocore)"
        return failed("region", DeliveryError("region", "NoRegion", message))
    if settings.region_name:
        source = "--region"
    elif os.environ.get("AWS_DEFAULT_REGION"):
        source = "AWS_DEFAULT_REGION"
    else:
        source = f"profile {session.profile or 'default'}"
    facts = {"region": region, "source": source}
    return Step("region", Status.OK, f"{region} (from {source})", facts=facts)


async def identify(sts: AbstractAsyncContextManager[Client], clock: Clock) -> Step:
    """Ask STS who signs. Delivery does not need it."""
    try:
        with anyio.fail_after(DEADLINE_SECONDS):
            async with sts as client:
                client.meta.events.register("after-call.sts", clock.note)
                answer = await client.get_caller_identity()
        account, arn = str(answer["Account"]), str(answer["Arn"])
    except Exception as exc:  # noqa: BLE001 - whatever is raised is what is reported
        error = translated(exc, "GetCallerIdentity", "", DEADLINE_SECONDS)
        text = f"{detail(error)} (delivery does not need it)"
        return Step("identity", Status.WARNING, text, error_code=error.code)
    facts = {"account": account, "arn": arn}
    return Step("identity", Status.OK, arn, facts=facts)
