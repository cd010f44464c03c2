"""No redirect is followed, nothing is sent to its target, and no answer by one counts as an acceptance."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import trustme
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import get_session
from botocore.exceptions import ClientError

from aiowatchtower import CloudWatchLogging, DeliveryError, SetupError
from aiowatchtower.check import main

STATUSES = (301, 302, 303, 307, 308)


class Web:
    """A server that answers each request alike, and keeps what it was asked."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes, context=None) -> None:
        self.requests: list[str] = []
        web = self

        class Answering(BaseHTTPRequestHandler):
            def _answer(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                web.requests.append(f"{self.command} {self.headers.get('X-Amz-Security-Token')}")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _answer  # noqa: N815 - as http.server calls them

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Answering)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def web() -> Iterator[Callable[..., Web]]:
    """Return a function that starts a web server; all end with the test."""
    with contextlib.ExitStack() as stack:

        def start(status: int = 200, body: bytes = b"{}", context=None, **headers: str) -> Web:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            made = Web(status, named, body, context)
            stack.callback(made.close)
            return made

        yield start


@pytest.fixture
def target(web) -> Web:
    """Return a server that would accept anything, as far as can be seen from its answers."""
    return web(x_amzn_requestid="1")


@pytest.fixture
def logger() -> logging.Logger:
    """Return a logger that is in no tree."""
    return logging.Logger("shop")


class Warned(logging.Handler):
    """Wakes the test with the library's first warning."""

    def __init__(self) -> None:
        super().__init__()
        self.first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def emit(self, record: logging.LogRecord) -> None:
        if not self.first.done():
            self.first.set_result(record.getMessage())


async def _refused(logger: logging.Logger, **arguments) -> tuple[DeliveryError, str]:
    """Ship one record until the first try has failed; return the error and the warning."""
    ours, warned = logging.getLogger("aiowatchtower"), Warned()
    logs = CloudWatchLogging(
        "/app", "web", loggers=[logger], send_interval=0, shutdown_timeout=0.1, **arguments
    )
    ours.addHandler(warned)
    try:
        async with logs:
            logger.info("secret")
            warning = await asyncio.wait_for(warned.first, 60)
            error = logs.statistics().last_error
    finally:
        ours.removeHandler(warned)
    assert (logs.statistics().delivered, logs.statistics().dropped) == (0, {"shutdown": 1})
    assert error is not None
    return error, warning


@pytest.mark.parametrize("status", STATUSES)
async def test_a_redirect_is_refused(web, target, logger, status):
    """The warning names the status and the target's host, which is asked for nothing."""
    front = web(status, location=f"http://user:password@{target.host}/?token=secret")
    error, warning = await _refused(logger, endpoint_url=f"http://{front.host}")
    # Servers answer with these two when they have done what they were asked for, too.
    assert (error.code, error.status) == ("Redirected", status)
    assert error.maybe_accepted == (status in {302, 303})
    assert f"(HTTP {status}): Redirected" in warning
    assert f"redirects to http://{target.host}." in warning
    assert "password" not in warning
    assert target.requests == []
    assert front.requests


@pytest.mark.parametrize("status", [302, 307])
async def test_a_downgrade_from_https(web, target, logger, status, monkeypatch, tmp_path):
    """Nothing leaves TLS for plain HTTP, the session token least of all."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the token")
    front = web(status, context=context, location=f"http://{target.host}/")
    await _refused(logger, endpoint_url=f"https://{front.host}")
    assert set(front.requests) == {"POST the token"}
    assert target.requests == []


async def test_a_session_class_of_the_application(web, target, logger):
    """A subclass of aiobotocore's session that is given in `config` is used, and follows nothing either."""
    asked = []

    class Counting(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore comes without types
        async def send(self, request):
            asked.append(request.url)
            return await super().send(request)

    front = web(307, location=f"http://{target.host}/")
    config = AioConfig(http_session_cls=Counting)
    await _refused(logger, endpoint_url=f"http://{front.host}", config=config)
    assert asked
    assert target.requests == []


@pytest.mark.parametrize("status", STATUSES)
async def test_a_client_of_the_application(web, target, logger, status):
    """Our calls through the application's own client follow nothing; its own calls still do."""
    front = web(status, location=f"http://{target.host}/")
    async with get_session().create_client("logs", endpoint_url=f"http://{front.host}") as client:
        error, _ = await _refused(logger, client=client)
        assert (error.code, error.status) == ("Redirected", status)
        assert f"http://{target.host}." in error.message
        assert target.requests == []
        with contextlib.suppress(ClientError):
            await client.describe_log_groups()
        assert target.requests


async def test_a_client_of_the_application_that_follows(web, target, logger):
    """An answer that has come by a redirect all the same is no acceptance, whatever it says."""
    front = web(307, location=f"http://{target.host}/")

    class Following(AIOHTTPSession):  # type: ignore[misc]  # aiobotocore comes without types
        async def _get_session(self, proxy_url):
            return Stubborn(await super()._get_session(proxy_url))

    class Stubborn:
        """A session of the application that follows redirects, whatever it is told."""

        def __init__(self, session):
            self._session = session
            self.trace_configs = session.trace_configs

        async def request(self, method, **arguments):
            return await self._session.request(method, **arguments | {"allow_redirects": True})

    config = AioConfig(http_session_cls=Following)
    url = f"http://{front.host}"
    async with get_session().create_client("logs", endpoint_url=url, config=config) as client:
        error, _ = await _refused(logger, client=client)
    assert (error.code, error.status, error.maybe_accepted) == ("Redirected", 307, True)
    assert f"http://{target.host}," in error.message


@pytest.mark.parametrize(("status", "duplicates"), [(303, True), (307, False)])
async def test_a_retry_after_a_redirect(web, logger, status, duplicates):
    """A record that is put again counts as a possible duplicate after a 303, and after a 307 it does not."""
    front = web(status, location="http://127.0.0.1:9/")
    logs = CloudWatchLogging(
        "/app", "web", loggers=[logger], send_interval=0, shutdown_timeout=3,
        endpoint_url=f"http://{front.host}",
    )  # fmt: skip
    async with logs:
        logger.info("put again and again")
    seen = logs.statistics()
    assert seen.retries > 0
    assert (seen.possible_duplicates > 0) == duplicates


async def test_strict_refuses(web, target):
    """Entering with `strict=True` raises, in the same words."""
    front = web(302, location=f"http://{target.host}/")
    logs = CloudWatchLogging(
        "/app", "web", loggers=[], strict=True, endpoint_url=f"http://{front.host}"
    )
    with pytest.raises(SetupError, match=f"HTTP 302.*Redirected.*{target.host}"):
        async with logs:
            pass
    assert target.requests == []


def test_check_refuses(web, target, capsys):
    """The check fails, and its own calls follow nothing either."""
    front = web(307, location=f"http://{target.host}/")
    url = f"http://{front.host}"
    assert main(["check", "--json", "--log-group", "/app", "--endpoint-url", url]) == 1
    assert "Redirected" in capsys.readouterr().out
    assert target.requests == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 200}, "no x-amzn-requestid"),
        ({"status": 201, "x_amzn_requestid": "1"}, "status 201"),
        ({"status": 200, "x_amzn_requestid": "1", "body": b"[]"}, "no answer of CloudWatch Logs"),
    ],
)
async def test_an_acceptance_is_what_aws_sends(web, logger, answer, reason):
    """Status 200, the id of the request, and a JSON object: with less, the records are kept."""
    front = web(**answer)
    error, _ = await _refused(logger, endpoint_url=f"http://{front.host}")
    assert reason in error.message
    assert error.code == "GarbledAnswer"


async def test_an_answer_without_end(web, logger):
    """An answer larger than any of AWS's is not read to its end."""
    front = web(x_amzn_requestid="1", body=b"{" + b" " * 2**21 + b"}")
    error, _ = await _refused(logger, endpoint_url=f"http://{front.host}")
    assert "more than 1048576 bytes" in error.message
