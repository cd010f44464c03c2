"""Which permissions are missing, all in one report, and what the check creates to find out."""

from __future__ import annotations

import itertools
import json

import pytest

GROUP, STREAM = "/app/web", "check"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
NEEDED = ("CreateLogGroup", "PutRetentionPolicy", "CreateLogStream", "PutLogEvents")
SUBSETS = [
    subset for size in range(len(NEEDED) + 1) for subset in itertools.combinations(NEEDED, size)
]


@pytest.fixture
def group(server, check):
    """Create the log group, with a retention of a year, as infrastructure code would."""
    done = check("--log-stream", "infrastructure", "--retention-days", "365")
    assert done.code == 0
    return server.groups[GROUP]


def _missing(done):
    return [action.removeprefix("logs:") for action in done.report["missing_permissions"]]


@pytest.mark.parametrize("denied", SUBSETS, ids="+".join)
def test_every_missing_permission_is_named_at_once(check, server, denied):
    """Whatever the policy lacks for an application that creates its group, one report names all of it."""
    server.configure(deny=list(denied))
    done = check("--retention-days", "30")
    named = list(denied)
    if set(NEEDED) - set(denied) == {"PutRetentionPolicy"}:
        # Whether there is a group is not known then, and the retention of one must not be changed.
        named.insert(1, "PutRetentionPolicy")
    assert _missing(done) == named
    is_needed = set(denied) - {"PutRetentionPolicy"}
    assert done.report["delivers"] is not bool(is_needed)


def test_the_policy_that_is_printed_is_enough(check, server):
    """With nothing allowed, the policy of one report makes the next check arrive, with all options."""
    options = ("--retention-days", "30", "--tag", "team=shop", "--kms-key-id", KEY)
    server.configure(allow=[])
    done = check(*options)
    assert (done.code, server.groups) == (1, {})
    statements = done.report["policy"]["Statement"]
    actions = [action for each in statements for action in each["Action"]]
    server.configure(allow=[action.removeprefix("logs:") for action in actions])
    assert check(*options).code == 0
    made = server.groups[GROUP]
    assert (made.retention_days, made.tags, made.kms_key_id) == (30, {"team": "shop"}, KEY)


def test_the_statements_of_one_resource_are_one(check, server):
    """The policy has a statement for the log streams and one for the group, each with its actions."""
    server.configure(allow=[])
    policy = check("--tag", "team=shop").report["policy"]
    arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{GROUP}"
    assert policy == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogGroup", "logs:TagResource"],
                "Resource": arn,
            },
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": f"{arn}:log-stream:*",
            },
        ],
    }


def test_a_report_without_a_denial_has_no_policy(check):
    """Where nothing is missing, machines find null and an empty list."""
    report = check().report
    assert (report["policy"], report["missing_permissions"]) == (None, [])


def test_the_group_is_not_created_unless_asked(check, server):
    """By default a missing group stays missing; the two ways to create it are named."""
    done = check.run("check", "--log-group", GROUP, "--json", "--retention-days", "30")
    assert (done.code, server.groups) == (1, {})
    assert done.failure()["name"] == "PutLogEvents"
    assert f"aws logs create-log-group --log-group-name '{GROUP}'" in done.failure()["advice"]
    assert "--create" in done.failure()["advice"]
    assert done.step("CreateLogGroup")["status"] == "skipped"


@pytest.mark.parametrize("mode", [(), ("--dry-run",), ("--no-create",)], ids=str)
def test_missing_permissions_are_named_without_creating_anything(check, server, mode):
    """For a missing group AWS says what else is denied, though neither group nor stream is created."""
    server.configure(deny=["CreateLogStream", "PutRetentionPolicy"])
    done = check.run("check", "--log-group", GROUP, "--json", "--retention-days", "30", *mode)
    assert (done.code, server.groups) == (1, {})
    assert _missing(done) == ["PutRetentionPolicy", "CreateLogStream"]


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize("denied", [("PutLogEvents",), ("CreateLogStream", "PutLogEvents")])
def test_an_existing_group_needs_two_permissions(check, server, denied):
    """In a group that exists only the stream and the event are tried; both denials are in one report."""
    server.configure(deny=["CreateLogGroup", "PutRetentionPolicy", *denied])
    done = check.run("check", "--log-group", GROUP, "--log-stream", STREAM, "--json")
    assert done.code == 1
    assert _missing(done) == list(denied)


def test_the_log_stream_is_created_in_a_group_that_exists(check, server, group):
    """By default an event arrives in a stream of its own, and the group stays as it is."""
    done = check.run(
        "check", "--log-group", GROUP, "--log-stream", STREAM, "--retention-days", "30"
    )
    assert (done.code, server.groups[GROUP].retention_days) == (0, group.retention_days)
    assert done.out.splitlines()[-2] == f"It has left behind: the log stream {STREAM}, one event."


def test_the_retention_of_an_existing_group_is_left_alone(check, server, group):
    """Also with --create, and where a denial hides that the group exists, its retention stays."""
    server.configure(deny=["PutLogEvents", "CreateLogStream"])
    done = check("--log-stream", STREAM, "--retention-days", "30")
    assert done.code == 1
    assert done.step("CreateLogGroup")["detail"] == "it exists already"
    assert server.groups[GROUP].retention_days == group.retention_days == 365
    assert "It has left behind: the log group" not in done.out


def test_a_group_without_its_tags_is_a_warning(check, server):
    """As with an application, tags that are denied do not keep the group from being created."""
    server.configure(deny=["TagResource"])
    done = check("--tag", "team=shop")
    assert (done.code, server.groups[GROUP].tags) == (0, {})
    step = done.step("CreateLogGroup")
    assert (step["status"], step["statement"]["Action"]) == ("warning", "logs:TagResource")


def test_a_retention_that_is_denied_is_a_warning(check, server):
    """Delivery does not need it: the event arrives, and the step says what to allow."""
    server.configure(deny=["PutRetentionPolicy"])
    done = check("--retention-days", "30")
    assert (done.code, server.groups[GROUP].retention_days) == (0, None)
    assert done.step("PutRetentionPolicy")["status"] == "warning"
    assert done.step("CreateLogGroup")["detail"] == "created; its events are kept for ever"


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        ({"kms_keys": []}, "key policy lets CloudWatch Logs use it"),
        ({"deny": ["AssociateKmsKey"]}, "logs:AssociateKmsKey"),
        ({"deny": ["AssociateKmsKey", "TagResource"]}, "logs:TagResource"),
    ],
)
def test_a_group_is_never_created_without_its_key(check, server, refused, words):
    """A KMS key that is mistyped or denied fails CreateLogGroup, and nothing unencrypted is left."""
    server.configure(**refused)
    arguments = ("check", "--log-group", GROUP, "--create", "--tag", "a=b", "--kms-key-id", KEY)
    done = check.run(*arguments)
    assert (done.code, server.groups) == (1, {})
    assert words in " ".join(done.out.split())
    assert done.out.splitlines()[-2] == "It has left nothing behind."
    server.configure(kms_keys=[KEY], deny=[])
    assert check.run(*arguments).code == 0
    assert server.groups[GROUP].kms_key_id == KEY


def test_a_throttled_call_is_tried_again(check, server):
    """What passes by itself within a moment does not fail the check."""
    server.faults.throttle(times=1)
    assert check().code == 0


@pytest.mark.parametrize("without", ["", "rich.console"])
def test_the_report_is_readable_in_80_columns(check, server, without):
    """With or without rich, only what is to be copied is wider; its statements parse as JSON."""
    server.configure(allow=["GetCallerIdentity"])
    program = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys({without.split()!r})); "
        "runpy.run_module('aiowatchtower', run_name='__main__', alter_sys=True)"
    )
    group = "/app/" + "a-name-of-a-group/" * 3
    arguments = ("check", "--log-group", group, "--create", "--retention-days", "30")
    done = check.start(*arguments, program=("-c", program), COLUMNS="80")
    assert done.code == 1
    wide = [line for line in done.out.splitlines() if len(line) > 80]
    assert all('"Resource": "arn:' in line or group in line for line in wide), wide
    statements = json.loads(f"[{done.out[done.out.index('{') : done.out.rindex('}') + 1]}]")
    actions = [action for statement in statements for action in statement["Action"]]
    assert actions == [f"logs:{action}" for action in NEEDED]
