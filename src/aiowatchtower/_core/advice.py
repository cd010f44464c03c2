"""From failure to the one thing to do about it, in words a person can act on at night."""

from __future__ import annotations

import json
import re
from typing import Final

from .errors import DeliveryError
from .policy import Verdict, judge

_ARN: Final = re.compile(r"on resource: (arn:\S+)")
# AWS names the stream that was asked for; the next process has another.
_KMS: Final = re.compile(r"\bKMS\b", re.IGNORECASE)
_ONE_STREAM: Final = re.compile(r"(?<=:log-stream:).*$")
_ACTION: Final = re.compile(r"perform: (\w+:\w+)")
_SKEW: Final = re.compile(
    r"signature expired|signature not yet current|too skewed|is (now )?(earlier|later) than",
    re.IGNORECASE,
)

_BY_CODE: Final = {
    "NoCredentials": (
        "Give the task, pod or instance a role, or set "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or profile_name=."
    ),
    "NoRegion": "Set AWS_DEFAULT_REGION or region_name=.",
    "InvalidRegionError": "Check AWS_DEFAULT_REGION or region_name=: no region has such a name.",
    "CredentialsUnavailable": (
        "The source of the AWS credentials failed. Check the profile, SSO session or role "
        "that AWS_PROFILE or profile_name= names."
    ),
    "EndpointUnreachable": (
        "The endpoint could not be reached. Check endpoint_url=, AWS_ENDPOINT_URL_CLOUDWATCH_LOGS, the "
        "region's name, DNS, and whether the subnet has a NAT gateway or a VPC endpoint for logs."
    ),
    "ProxyFailed": (
        "The proxy is named by HTTPS_PROXY or HTTP_PROXY, or by proxies in config=. Correct that, have the "
        "proxy allow the endpoint, or name the endpoint's host in NO_PROXY."
    ),
    "SerializationException": (
        "The endpoint, or a proxy on the way, cannot read the request. If it does not take gzip, set "
        "compression=None."
    ),
    "UntrustedCertificate": (
        "The endpoint's certificate is not trusted. Behind a proxy that opens TLS, set "
        "AWS_CA_BUNDLE to its certificate; else check endpoint_url=."
    ),
    "ClientClosed": (
        "Keep it open for as long as the block is: enter `async with session.create_client('logs') as "
        "client:` before the block, or leave out client=."
    ),
    "MockedByMoto": (
        "In tests, deliver to `with aiowatchtower.testing.CloudWatchLogs().installed() as cloudwatch:`, or "
        "to moto's server through endpoint_url=; the package aiomoto makes mock_aws work."
    ),
    "Timeout": (
        "The endpoint took the connection but did not answer in time. Check the network "
        "between here and CloudWatch Logs (security groups, proxy, MTU)."
    ),
    "GarbledAnswer": (
        "Something that is not CloudWatch Logs answered. Check endpoint_url= and any proxy."
    ),
    "LoggingFailed": (
        "A filter, handler or record factory of the application raises for what botocore or aiohttp logs."
    ),
    "Redirected": (
        "CloudWatch Logs never redirects. Check endpoint_url=, AWS_ENDPOINT_URL_CLOUDWATCH_LOGS and any "
        "proxy; if the new address is right, name it as the endpoint."
    ),
    "EncodingFailed": "This is a bug in aiowatchtower: please report it.",
    "UnexpectedError": (
        "If the process has memory and threads left, this is a bug in aiowatchtower: please report it."
    ),
    "UnrecognizedClientException": "AWS does not know the access key. Check the credentials.",
    "InvalidClientTokenId": "AWS does not know the access key. Check the credentials.",
    "InvalidSignatureException": "Check the secret access key: AWS computes another signature.",
    "SignatureDoesNotMatch": "Check the secret access key: AWS computes another signature.",
    "ResourceNotFoundException": (
        "It does not exist. Create it, or leave create_log_group and create_log_stream at True."
    ),
    "NotProvisioned": "Create it, or leave create_log_group and create_log_stream at True.",
    "LimitExceededException": "A quota of the account is used up. Raise it in Service Quotas.",
}
_EXPIRED: Final = (
    "The AWS credentials have expired. New ones are looked for at every try; renew them "
    "(for SSO: aws sso login)."
)
_KMS_REFUSED: Final = (
    "The log group is not created without log_group_kms_key_id=. Check the key's ARN and Region, and "
    "that its key policy lets CloudWatch Logs use it: "
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"
)
_TRANSIENT: Final = "Most likely it passes by itself."
_NOT_AWS: Final = (
    "This is no answer of CloudWatch Logs, but of a proxy, a firewall or another server. Check the proxy that "
    "HTTPS_PROXY or HTTP_PROXY names (NO_PROXY goes past it), and endpoint_url=."
)
_UNKNOWN: Final = (
    "See https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html"
)


def explained(error: DeliveryError) -> str:
    """Return what failed, and what to do about it."""
    return f"{str(error).rstrip('.')}. {advise(error)}"


def advise(error: DeliveryError) -> str:
    """Return what to do about ``error``, in one or two sentences."""
    if _SKEW.search(error.message):
        return (
            "This machine's clock is wrong by more than AWS accepts (5 minutes). "
            "Synchronise it (NTP, chrony)."
        )
    if error.code in {"AccessDeniedException", "AccessDenied"}:
        return f"Allow it: add this statement to the role's policy: {statement(error)}"
    if error.code in {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}:
        return _EXPIRED
    if error.action == "CreateLogGroup" and _KMS.search(error.message):
        return _KMS_REFUSED
    if error.code.isdecimal() and int(error.code) == error.status:
        # CloudWatch Logs names a code in each of its refusals.
        is_transient = judge(error) is Verdict.RETRY
        return f"{_TRANSIENT} If it does not: {_NOT_AWS}" if is_transient else _NOT_AWS
    default = _TRANSIENT if judge(error) is Verdict.RETRY else _UNKNOWN
    return _BY_CODE.get(error.code, default)


def statement(error: DeliveryError) -> str:
    """Return the IAM statement, as JSON, that would allow what was denied."""
    action = _ACTION.search(error.message)
    arn = _ARN.search(error.message)
    group = error.resource.partition(":")[0]
    return json.dumps(
        {
            "Effect": "Allow",
            "Action": action.group(1) if action else f"logs:{error.action}",
            "Resource": _ONE_STREAM.sub("*", arn.group(1))
            if arn
            else f"arn:aws:logs:*:*:log-group:{group}:*",
        }
    )
