"""The same requests through the AWS CLI, version 1, and through boto3: both understand the same answers."""

from __future__ import annotations

import json
import os
import re
import subprocess

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.testing.beside.comparison import STEPS, comparable

AWS = os.environ.get("AWS_CLI")
pytestmark = pytest.mark.skipif(
    AWS is None, reason="AWS_CLI names no AWS CLI; `nox -s aws_cli` installs version 1 and names it"
)


def _by_boto3(client, operation, members):
    try:
        return comparable(getattr(client, operation)(**members)) or {}
    except ClientError as error:
        return error.response["Error"]["Code"]


def _by_cli(url, operation, members):
    command = [str(AWS), "logs", operation.replace("_", "-"), "--endpoint-url", url]
    command += ["--cli-input-json", json.dumps(members), "--output", "json", "--no-paginate"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        found = re.search(r"An error occurred \((\w+)\)", done.stderr)
        return found[1] if found else done.stderr
    return comparable(json.loads(done.stdout or "{}"))


@pytest.mark.timeout(600)
def test_the_aws_cli_and_boto3_see_the_same(new_service):
    """Every step of the script has the same outcome through both clients, here and in moto."""
    # What the clients themselves refuse does not reach the service.
    steps = [step for step in STEPS if step[0] != "put an empty message"]
    client = boto3.client("logs", "us-east-1", endpoint_url=new_service())
    by_boto3 = {label: _by_boto3(client, *step) for label, *step in steps}
    client.close()
    url = new_service()
    by_cli = {label: _by_cli(url, *step) for label, *step in steps}
    assert by_cli == by_boto3
