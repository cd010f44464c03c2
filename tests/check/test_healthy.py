"""What is reported when records would arrive."""

from __future__ import annotations

import pytest

from aiowatchtower.check._aws import Keys

GROUP, STREAM = "/app/web", "check"


@pytest.fixture
def existing(server, check):
    """Create the group and the stream by a first check."""
    assert check("--log-stream", STREAM).code == 0


def test_everything_is_tried_and_created(check, server):
    """One event arrives in a group and stream that were missing, and the exit code says so."""
    done = check()
    assert (done.code, done.errors, done.report["delivers"]) == (0, "", True)
    assert set(done.statuses().values()) == {"ok"}
    [message] = server.messages(GROUP)
    assert message.startswith("aiowatchtower check ")
    assert message in done.step("PutLogEvents")["detail"]
    assert server.streams(GROUP) == [done.report["log_stream_name"]]


def test_the_steps_come_in_their_order(check):
    """Machines find every step, each with the documented keys."""
    steps = check().report["steps"]
    assert [step["name"] for step in steps] == [
        "credentials",
        "region",
        "endpoint",
        "identity",
        "CreateLogGroup",
        "CreateLogStream",
        "PutLogEvents",
        "GetLogEvents",
        "clock",
    ]
    keys = {"name", "status", "detail", "error_code", "advice", "statement", "facts"}
    assert all(set(step) == keys for step in steps)


def test_what_was_found_is_there_for_machines(check, server):
    """Sources, endpoint, identity and skew are facts; of the key only its ends are."""
    done = check(AWS_SESSION_TOKEN="FwoGZXIvYXdzEBYa")
    facts = {name: done.step(name)["facts"] for name in done.statuses()}
    assert facts["credentials"] == {
        "source": "env",
        "access_key_id": "AKIA...AMPL",
        "is_temporary": True,
    }
    assert facts["region"] == {"region": "us-east-1", "source": "AWS_DEFAULT_REGION"}
    assert facts["endpoint"] == {
        "url": server.url,
        "source": "AWS_ENDPOINT_URL",
        "addresses": ["127.0.0.1"],
        "proxy": None,
    }
    assert facts["identity"]["arn"] == "arn:aws:iam::123456789012:user/test"
    # A busy machine may take long between the answer and the look at the clock.
    assert abs(facts["clock"]["skew_seconds"]) < 60


def test_what_exists_is_not_created(check, server, existing):
    """Only PutLogEvents is called, and the two permissions to create stay untried."""
    done = check("--log-stream", STREAM)
    assert done.code == 0
    assert done.statuses()["CreateLogStream"] == "skipped"
    assert len(server.calls("CreateLogStream")) == 2  # the first found no group
    assert len(server.messages(GROUP, STREAM)) == 2


def test_as_a_program(check, server):
    """Started with `python -m`, the command does the same, and its exit code is the process's."""
    done = check.start("check", "--log-group", GROUP, "--json", "--create")
    assert (done.code, done.errors, done.report["delivers"]) == (0, "", True)
    assert len(server.messages(GROUP)) == 1
    done = check.start("check", "--log-group", "/app web")
    assert (done.code, done.out) == (2, "")
    assert done.errors.startswith("usage: python -m aiowatchtower")


@pytest.mark.usefixtures("existing")
def test_the_table_is_for_people(check):
    """Without --json there is a table, and the last line says what it comes to."""
    done = check.run("check", "--log-group", GROUP, "--log-stream", STREAM)
    assert done.code == 0
    assert "PutLogEvents" in done.out
    assert "AKIA...AMPL" in done.out
    assert done.out.splitlines()[-1] == f"Records arrive in {GROUP} ({STREAM})."


@pytest.mark.parametrize(
    ("denied", "expected"),
    [
        (["GetLogEvents"], "ok"),
        (["GetLogEvents", "FilterLogEvents"], "skipped"),
    ],
)
def test_reading_is_not_needed(check, server, denied, expected):
    """What cannot be read back still arrives."""
    server.configure(deny=denied)
    done = check()
    assert (done.code, done.statuses()["GetLogEvents"]) == (0, expected)


def test_a_broken_reading_is_a_warning(check, server):
    """Another failure of reading does not change the exit code either."""
    server.faults.fail(action="GetLogEvents")
    done = check()
    assert (done.code, done.statuses()["GetLogEvents"]) == (0, "warning")


def test_reading_may_lag_behind(check, server):
    """An event that was accepted and is not found in time is no failure."""
    server.configure(keep_events=False)
    done = check()
    assert (done.code, done.statuses()["GetLogEvents"]) == (0, "skipped")
    assert "yet" in done.step("GetLogEvents")["detail"]


def test_identity_is_not_needed(check, server):
    """A network that lets nobody ask STS is a warning."""
    server.configure(deny=["GetCallerIdentity"])
    done = check()
    assert (done.code, done.statuses()["identity"]) == (0, "warning")
    assert "AccessDenied" in done.step("identity")["detail"]


def test_what_was_just_created_may_be_unknown_for_a_moment(check, server):
    """A put right after the creation is tried once more."""
    server.configure(eventual_consistency=1)
    assert check().code == 0


def test_a_profile_is_found_as_botocore_finds_it(check, server, tmp_path):
    """Keys, region and endpoint of a profile are used, and named as their source."""
    shared = tmp_path / "credentials"
    shared.write_text(
        f"[web]\naws_access_key_id = {check.environ['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {check.environ['AWS_SECRET_ACCESS_KEY']}\n"
    )
    settings = tmp_path / "config"
    settings.write_text(f"[profile web]\nregion = eu-west-1\nendpoint_url = {server.url}\n")
    check.environ |= {
        "AWS_CONFIG_FILE": str(settings),
        "AWS_SHARED_CREDENTIALS_FILE": str(shared),
    }
    check.without("AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")
    done = check("--profile", "web")
    assert done.code == 0
    assert done.step("credentials")["facts"]["source"] == "shared-credentials-file"
    assert done.step("region")["facts"] == {"region": "eu-west-1", "source": "profile web"}
    assert done.step("endpoint")["facts"]["source"] == "profile web"


def test_arguments_come_before_the_environment(check, server):
    """What is given on the command line is used, by STS too."""
    check.environ["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    done = check("--endpoint-url", server.url, "--region", "eu-central-1")
    assert done.code == 0
    assert set(done.statuses().values()) == {"ok"}
    assert done.step("endpoint")["facts"]["source"] == "--endpoint-url"
    assert done.step("region")["facts"] == {"region": "eu-central-1", "source": "--region"}


def test_delivery_switched_off_is_said(check):
    """An environment that delivers nothing is named, though the credentials would do."""
    done = check(AIOWATCHTOWER_ENABLED="0")
    assert done.code == 0
    assert done.report["steps"][0]["name"] == "enabled"
    assert "AIOWATCHTOWER_ENABLED" in done.report["steps"][0]["advice"]


def test_rich_is_not_needed(check):
    """Without rich the table is plain text; it says the same, and what was left behind."""
    program = (
        "import runpy, sys; sys.modules['rich'] = sys.modules['rich.console'] = None; "
        "runpy.run_module('aiowatchtower', run_name='__main__', alter_sys=True)"
    )
    arguments = ("check", "--log-group", GROUP, "--log-stream", STREAM, "--create")
    done = check.start(*arguments, program=("-c", program))
    assert done.code == 0
    assert "CreateLogGroup   ok" in done.out
    assert max(map(len, done.out.splitlines()[:9])) <= 80
    assert done.out.splitlines()[-2:] == [
        f"It has left behind: the log group {GROUP}, the log stream {STREAM}, one event.",
        f"Records arrive in {GROUP} ({STREAM}).",
    ]


def test_a_group_is_made_as_the_application_makes_it(check, server):
    """A group that is created here has the retention, tags, key and class that were asked for."""
    key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    done = check.run(
        "check", "--log-group", GROUP, "--json", "--create", "--retention-days", "30", "--tag", "team=shop",
        "--tag", "stage=", "--kms-key-id", key, "--log-group-class", "INFREQUENT_ACCESS",
    )  # fmt: skip
    assert done.code == 0
    assert done.step("CreateLogGroup")["detail"] == "created; its events are kept for 30 days"
    made = server.groups[GROUP]
    assert made.tags == {"team": "shop", "stage": ""}
    assert (made.retention_days, made.kms_key_id) == (30, key)
    assert made.group_class == "INFREQUENT_ACCESS"


def test_a_dry_run_creates_nothing(check, server):
    """With --dry-run a missing group stays missing, and nothing is left behind."""
    done = check.run("check", "--log-group", GROUP, "--dry-run")
    assert done.code == 1
    assert server.groups == {}
    assert done.out.splitlines()[-2] == "It has left nothing behind."


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("test", "the latest test", "the latest ***"),
        (40 * "s", "x" + 40 * "s" + "y", "x***y"),
    ],
)
def test_a_short_secret_mangles_no_word(secret, text, shown):
    """An emulator's secret is hidden where it stands alone, a real one wherever it stands."""
    assert Keys("AKIAEXAMPLE", secret, None).hidden_in(text) == shown
