"""What is reported when records would not arrive: the right step, and the one thing to do."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import trustme

GROUP = "/app/web"
ARN = "arn:aws:logs:us-east-1:123456789012:log-group:/app/web"


@pytest.fixture
def refused():
    """Return a port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextlib.contextmanager
def _page(status, context=None):
    """Serve a page, as a proxy's login or another program would."""

    class Page(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b"<html><body>Please log in</body></html>"
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        scheme = "https" if context else "http"
        yield f"{scheme}://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(params=[200, 403, 404, 502])
def web_page(request):
    """Return the address of a page with one of these statuses."""
    with _page(request.param) as url:
        yield url


def _retain(url, days):
    """Set the group's retention, by a client without keys, since nobody checks them."""
    body = json.dumps({"logGroupName": GROUP, "retentionInDays": days}).encode()
    kind = {"Content-Type": "application/x-amz-json-1.1"}
    head = {"X-Amz-Target": "Logs_20140328.PutRetentionPolicy", **kind}
    urllib.request.urlopen(urllib.request.Request(url, body, head), timeout=60).close()


def test_no_credentials(check):
    """Nothing is signed; region and endpoint are looked at all the same."""
    check.without("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    done = check()
    assert done.code == 1
    assert done.failure()["name"] == "credentials"
    assert done.failure()["error_code"] == "NoCredentials"
    assert "AWS_ACCESS_KEY_ID" in done.failure()["advice"]
    assert done.statuses()["endpoint"] == "ok"
    assert done.statuses()["PutLogEvents"] == "skipped"
    assert "credentials" in done.step("PutLogEvents")["detail"]


def test_nothing_may_be_created_where_nothing_is(check, server):
    """A group that does not exist is not said to exist because nobody may look."""
    server.configure(allow=["PutLogEvents", "GetCallerIdentity"])
    done = check("--no-create")
    assert done.code == 1
    assert done.failure()["name"] == "CreateLogStream"
    assert done.step("CreateLogGroup")["detail"].startswith("not tried")


def test_half_of_the_credentials(check):
    """A key without its secret is named as what it is."""
    done = check.without("AWS_SECRET_ACCESS_KEY")()
    assert done.code == 1
    assert "aws_secret_access_key" in done.failure()["detail"].lower()


def test_a_profile_that_does_not_exist(check):
    """The profile is named, and nothing else is tried."""
    done = check("--profile", "nope")
    assert done.code == 1
    assert "nope" in done.failure()["detail"]
    assert "profile" in done.failure()["advice"]


def test_a_source_of_credentials_that_fails(check, tmp_path):
    """What a profile's process says does not bring the check down."""
    settings = tmp_path / "config"
    settings.write_text("[profile web]\nregion = eu-west-1\ncredential_process = false\n")
    check.environ["AWS_CONFIG_FILE"] = str(settings)
    check.without("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    done = check("--profile", "web")
    assert done.code == 1
    assert done.failure()["error_code"] == "CredentialsUnavailable"


def test_an_unknown_key(check, server):
    """AWS does not know the key: the credentials are to be checked."""
    server.configure(credentials={"AKIAANOTHER": "x"})
    done = check()
    assert done.code == 1
    assert done.failure()["error_code"] == "UnrecognizedClientException"
    assert "access key" in done.failure()["advice"]
    assert done.statuses()["identity"] == "warning"


def test_a_wrong_secret(check, server):
    """Another signature points at the secret, not at the clock."""
    server.configure(credentials={check.environ["AWS_ACCESS_KEY_ID"]: "another"})
    done = check()
    assert done.code == 1
    assert done.failure()["name"] == "PutLogEvents"
    assert done.failure()["error_code"] == "InvalidSignatureException"
    assert "secret access key" in done.failure()["advice"]
    assert done.statuses()["clock"] == "ok"


def test_expired_credentials(check, server):
    """Expired credentials are to be renewed."""
    server.configure(expired_keys=[check.environ["AWS_ACCESS_KEY_ID"]])
    done = check()
    assert done.code == 1
    assert "expired" in done.failure()["advice"]


def test_no_region(check):
    """The variable that botocore reads is named, and the one that it does not read."""
    done = check.without("AWS_DEFAULT_REGION")(AWS_REGION="eu-west-1")
    assert done.code == 1
    assert done.failure()["name"] == "region"
    assert "AWS_DEFAULT_REGION" in done.failure()["advice"]
    assert "AWS_REGION=eu-west-1 is not read" in done.failure()["detail"]


def test_a_region_that_does_not_exist(check):
    """Its endpoint does not resolve, and a region like it is proposed."""
    check.without("AWS_ENDPOINT_URL")
    done = check("--region", "eu-centrall-1")
    assert done.code == 1
    assert done.failure()["name"] == "endpoint"
    assert "DNS" in done.failure()["detail"]
    assert "Did you mean eu-central-1?" in done.failure()["advice"]


def test_a_region_that_is_no_name(check):
    """What botocore does not even build a host name of is the region's fault."""
    done = check("--region", "eu central")
    assert done.code == 1
    assert done.failure()["name"] == "region"


@pytest.mark.parametrize(
    ("denied", "resource"),
    [
        ("PutLogEvents", f"{ARN}:log-stream:*"),
        ("CreateLogStream", f"{ARN}:log-stream:*"),
        ("CreateLogGroup", ARN),
    ],
)
def test_each_denied_action(check, server, denied, resource):
    """The step that was denied fails alone, with the statement for all streams of the group."""
    server.configure(deny=[denied])
    done = check()
    assert done.code == 1
    failure = done.failure()
    assert (failure["name"], failure["error_code"]) == (denied, "AccessDeniedException")
    assert failure["statement"] == {
        "Effect": "Allow",
        "Action": f"logs:{denied}",
        "Resource": resource,
    }
    assert "statement" in failure["advice"]


def test_the_statement_can_be_copied_from_the_table(check, server):
    """Below the table the statement stands in lines of its own, however narrow the terminal."""
    server.configure(deny=["PutLogEvents"])
    done = check.run("check", "--log-group", GROUP, COLUMNS="60")
    assert done.code == 1
    assert f'\n  "Resource": "{ARN}:log-stream:*"\n' in done.out
    assert "Records do not arrive" in done.out.splitlines()[-1]


def test_an_explicit_deny_is_not_mended_by_allowing(check, server):
    """Where a policy denies, no statement is proposed."""
    message = "User: me is not authorized with an explicit deny in a service control policy"
    server.faults.fail(400, "AccessDeniedException", message)
    failure = check().failure()
    assert failure["statement"] is None
    assert "service control policy" in failure["advice"]


def test_a_denial_by_the_endpoint(check, server):
    """Where the VPC endpoint's policy lacks the action, the statement belongs there."""
    message = (
        "User: me is not authorized to perform: logs:PutLogEvents on resource: "
        f"{ARN}:log-stream:a because no VPC endpoint policy allows the logs:PutLogEvents action"
    )
    server.faults.fail(400, "AccessDeniedException", message)
    failure = check().failure()
    assert "VPC endpoint policy" in failure["advice"]
    assert failure["statement"]["Resource"] == f"{ARN}:log-stream:*"


def test_nobody_listens(check, refused):
    """A refused connection is the endpoint's failure; nothing is sent anywhere."""
    done = check("--endpoint-url", f"http://127.0.0.1:{refused}")
    assert done.code == 1
    assert done.failure()["name"] == "endpoint"
    assert "TCP" in done.failure()["detail"]
    assert done.statuses()["PutLogEvents"] == "skipped"


def test_the_password_of_an_endpoint_is_not_shown(check, refused):
    """An address that carries a password is printed without it."""
    done = check(AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=f"http://me:hunter22@127.0.0.1:{refused}")
    assert done.code == 1
    assert "hunter22" not in done.out


def test_a_proxy_is_reached_in_place_of_the_endpoint(check, web_page):
    """Behind a proxy the endpoint's name is not looked up here, and its password is not shown."""
    check.environ["HTTP_PROXY"] = web_page.replace("//", "//me:hunter22@")
    done = check("--endpoint-url", "http://logs.internal")
    assert done.code == 1
    assert done.step("endpoint")["facts"]["proxy"] == web_page
    assert done.failure()["name"] == "PutLogEvents"
    assert "proxy" in done.failure()["advice"]
    assert "hunter22" not in done.out


def test_a_proxy_that_is_not_there(check, refused):
    """What cannot be reached is the proxy."""
    check.environ["HTTP_PROXY"] = f"http://me:hunter22@127.0.0.1:{refused}"
    done = check("--endpoint-url", "http://logs.internal")
    assert done.code == 1
    assert f"proxy http://127.0.0.1:{refused}" in done.failure()["detail"]
    assert "hunter22" not in done.out


def test_another_server_answers(check, web_page):
    """A page in place of an answer is not taken for a success, whatever its status."""
    done = check("--endpoint-url", web_page)
    assert done.code == 1
    assert done.failure()["name"] == "PutLogEvents"
    assert "not CloudWatch Logs" in done.failure()["advice"]


def test_no_tls_where_https_is_asked_for(check, server):
    """A port that does not speak TLS is told from one that does not answer."""
    done = check("--endpoint-url", server.url.replace("http:", "https:"))
    assert done.code == 1
    assert "TLS" in done.failure()["detail"]


def test_a_certificate_that_is_not_trusted(check, tmp_path):
    """An unknown authority is named as that, and AWS_CA_BUNDLE makes it a known one."""
    authority = trustme.CA()
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with _page(200, context) as url:
        distrusted = check("--endpoint-url", url)
        trusted = check("--endpoint-url", url, AWS_CA_BUNDLE=str(bundle))
    assert distrusted.failure()["error_code"] == "UntrustedCertificate"
    assert "AWS_CA_BUNDLE" in distrusted.failure()["advice"]
    assert trusted.statuses()["endpoint"] == "ok"
    assert trusted.failure()["error_code"] == "GarbledAnswer"


def test_a_bundle_that_does_not_exist(check, server, tmp_path):
    """A wrong AWS_CA_BUNDLE is a failure of TLS, not of the check."""
    url = server.url.replace("http:", "https:")
    done = check("--endpoint-url", url, AWS_CA_BUNDLE=str(tmp_path / "none.pem"))
    assert done.code == 1
    assert "bundle" in done.failure()["detail"]


def test_a_port_that_is_no_number(check):
    """An address that cannot be taken apart is the endpoint's failure."""
    done = check("--endpoint-url", "http://127.0.0.1:99999")
    assert done.code == 1
    assert done.failure()["name"] == "endpoint"


@pytest.mark.parametrize("offset", [3600.0, -3600.0])
def test_a_wrong_clock(check, server, offset):
    """The clock is named with how wrong it is, both ways, and not the key."""
    server.configure(clock_offset=offset)
    done = check()
    assert done.code == 1
    failed = [s["name"] for s in done.report["steps"] if s["status"] == "failed"]
    assert failed == ["PutLogEvents", "clock"]
    assert abs(done.step("clock")["facts"]["skew_seconds"] - offset) < 10
    assert "clock" in done.step("PutLogEvents")["advice"]


def test_a_clock_that_drifts(check, server):
    """A few minutes are still accepted, and a warning."""
    server.configure(clock_offset=200.0)
    done = check()
    assert (done.code, done.statuses()["clock"]) == (0, "warning")


@pytest.mark.parametrize("days", [20, 3, -3])
def test_an_event_that_is_refused_inside_a_success(check, server, days):
    """Where nobody checks signatures, a clock off by days shows as a rejected event."""
    assert check("--log-stream", "web").code == 0
    server.configure(clock_offset=days * 86_400.0, verify_signatures=False)
    # With a retention of a day, three days are too old already.
    _retain(server.url, days=1 if days == 3 else 3653)
    done = check("--log-stream", "web")
    assert done.code == 1
    assert done.step("PutLogEvents")["error_code"] == "EventRejected"
    assert done.statuses()["clock"] == "failed"


def test_a_missing_group_stays_missing(check, server):
    """With --no-create nothing is created, and the command to create it is named."""
    done = check("--no-create")
    assert done.code == 1
    assert "aws logs create-log-group" in done.failure()["advice"]
    assert server.groups == {}


def test_a_missing_stream_stays_missing(check, server):
    """With --no-create a missing stream is told from a missing group."""
    assert check("--log-stream", "one").code == 0
    done = check("--no-create", "--log-stream", "two")
    assert done.code == 1
    assert "--log-stream-name 'two'" in done.failure()["advice"]
    assert server.streams(GROUP) == ["one"]


def test_throttling_passes(check, server):
    """What passes by itself says so, and is not called delivery."""
    server.faults.throttle()
    done = check()
    assert done.code == 1
    assert "passes by itself" in done.failure()["advice"]


def test_an_endpoint_that_never_answers(check, server):
    """It is told after the deadline."""
    server.faults.hang(times=1)
    done = check()
    assert done.code == 1
    assert done.failure()["error_code"] == "Timeout"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("check",),
        ("check", "--log-group", "/app web"),
        ("check", "--log-group", GROUP, "--log-stream", "{nonsense}"),
        ("check", "--log-group", GROUP, "--endpoint-url", "logs.local"),
        ("chek",),
    ],
)
def test_wrong_usage(check, server, arguments):
    """Wrong usage is told on stderr with exit code 2, and nothing is tried."""
    done = check.run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "usage: python -m aiowatchtower" in done.errors
    assert server.requests == []


def test_what_a_source_says_is_stripped_of_secrets(check, server):
    """An answer that repeats the keys is not passed on."""
    words = f"{check.environ['AWS_ACCESS_KEY_ID']} {check.environ['AWS_SECRET_ACCESS_KEY']}"
    server.faults.fail(400, "Peculiar", words)
    done = check()
    assert done.code == 1
    assert done.failure()["detail"] == "Peculiar: AKIA*** ***"
