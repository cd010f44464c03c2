"""The same requests to this service and to moto 5: each difference is known, and explained."""

from __future__ import annotations

from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.testing.beside.comparison import STEPS, comparable

PAGE = Path(__file__).parents[3] / "docs" / "guides" / "testing.md"
# What is different, and who is right by AWS's documentation.
OURS_IS_RIGHT = {
    "groups": "moto leaves out logGroupClass and deletionProtectionEnabled",
    "groups by class": "moto does not filter by logGroupClass",
    "groups by part of the name": "moto does not filter by logGroupNamePattern",
    "streams by ARN": "moto finds no group by its ARN here",
    "read to an end": "moto includes events of endTime, which GetLogEvents leaves out",
    "filter any term": "moto does not know ?optional terms, and answers all events",
    "filter without a term": "moto looks for an excluded term as if it were wanted",
    "filter an expression": "moto does not know %regular expressions%, and answers all events",
    "filter JSON": "moto does not know JSON patterns, and answers all events",
    "filter fields": "moto does not know patterns of fields, and answers all events",
    "filter by nonsense": "moto accepts any pattern",
    "filter no stream": "moto answers no events of a stream that does not exist",
    "encrypt": "moto has no AssociateKmsKey",
    "decrypt": "moto has no DisassociateKmsKey",
    "metric filters": "moto leaves out creationTime",
    "metric filter of nonsense": "moto accepts any pattern",
    "query of nonsense": "moto accepts any query",
    "group with a space": "moto does not check names of groups",
    "stream with a colon": "moto does not check names of streams",
    "put over 24 hours": "moto does not check the span of a batch",
    "put an empty message": "moto does not check the length of a message",
    "put too old": "moto's tooOldLogEventEndIndex is inclusive, AWS's exclusive",
    "retention of 2 days": "moto does not check the retention",
}
THEIRS_IS_RIGHT = {
    "subscription": "moto looks for the Lambda function and does not find it",
    "subscriptions": "moto has refused the subscription, so there is none",
}


def _answers(url):
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    client = boto3.client("logs", "us-east-1", endpoint_url=url, config=config)
    answers = {}
    for label, operation, members in STEPS:
        try:
            answers[label] = comparable(getattr(client, operation)(**members))
        except ClientError as error:
            answers[label] = error.response["Error"]["Code"]
    client.close()
    return answers


def test_differences_to_moto_are_explained(server, moto_url):
    """What this service and moto answer alike, two of them say; each other answer has its reason in the table."""
    ours, theirs = _answers(server.url), _answers(moto_url)
    different = {label for label in ours if ours[label] != theirs[label]}
    assert different == {*OURS_IS_RIGHT, *THEIRS_IS_RIGHT}
    assert len(ours) == len(STEPS)


def _table():
    """Return the differences as the table of the documentation."""
    reasons = {**OURS_IS_RIGHT, **THEIRS_IS_RIGHT}
    lines = ["| Request | | Difference |", "|---|---|---|"]
    for label, operation, _ in STEPS:
        if label in reasons:
            action = operation.title().replace("_", "")
            lines.append(f"| `{action}` | {label} | {reasons[label]} |")
    return "\n".join(lines) + "\n"


def test_the_differences_to_moto_are_documented():
    """The guide shows the same table, in the order of the script, and counts its rows."""
    assert len(STEPS) == 2 * len({**OURS_IS_RIGHT, **THEIRS_IS_RIGHT}) == 50
    assert _table() in PAGE.read_text(encoding="utf-8"), _table()
