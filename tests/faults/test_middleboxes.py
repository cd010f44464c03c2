"""Proxies and stand-ins that do not pass gzip, answer with pages of their own, or never answer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys

import pytest
from tests.faults.middleboxes import Middlebox, Page, silent

LINE = "a line that is long enough for compression to be worth it, " * 10
SERIALIZATION = Page(
    400, b'{"__type":"SerializationException","message":"start of structure expected"}', "text/json"
)
NO_GROUP = Page(500, b'{"message": "Log group not found"}', "application/json")
UNSUPPORTED = Page(415, b"<html><title>Unsupported Media Type</title></html>")
BAD_REQUEST = Page(400, b"<html><title>Bad Request</title></html>")
FORBIDDEN = Page(
    403,
    b"<!DOCTYPE html><html><head><title>Access Denied</title><style>b{}</style></head>"
     b"<body>" + b"<p>Blocked by the policy of Example Corp.</p>" * 200 + b"</body></html>",
)  # fmt: skip


async def _make_stream(logs, shop):
    """Have the stream created, by a body that is too small to be compressed."""
    shop.info("x")
    await logs.flush(60)


def _reads_no_gzip(page: Page):
    return lambda request: page if request.headers.get("Content-Encoding") == "gzip" else None


@pytest.mark.parametrize(
    ("page", "refused"),
    [(SERIALIZATION, 1), (UNSUPPORTED, 1), (BAD_REQUEST, 1), (NO_GROUP, 3)],
    ids=["SerializationException", "415", "400", "500"],
)
async def test_an_endpoint_that_reads_no_gzip(server, ship, shop, said, balanced, page, refused):
    """Everything arrives whole and uncompressed, one warning names compression=None, nothing is isolated."""
    async with Middlebox(server.url, _reads_no_gzip(page)).running() as box:
        async with ship(endpoint_url=box.url) as logs:
            await _make_stream(logs, shop)
            for number in range(6):
                shop.info("%d %s", number, LINE)
                await logs.flush(60)
        assert box.puts.count("gzip") == refused
    assert server.messages("/app")[1:] == [f"{number} {LINE}" for number in range(6)]
    [warning] = [text for text in said.warnings if "compression=None" in text]
    assert "Records are sent uncompressed from now on" in warning
    assert box.url in warning
    seen = logs.statistics()
    assert (seen.delivered, seen.dropped) == (7, {})
    # A server's error without a code of AWS may be a gateway's, which has passed the request on.
    assert seen.possible_duplicates == (refused if page is NO_GROUP else 0)
    balanced(logs)


async def test_a_proxy_that_unpacks_what_it_forwards(server, ship, shop, said):
    """The signature does not fit a body that was unpacked on the way; then it is sent uncompressed."""
    async with Middlebox(server.url, unpacks=True).running() as box:
        async with ship(endpoint_url=box.url) as logs:
            await _make_stream(logs, shop)
            for _ in range(4):
                shop.info(LINE)
                await logs.flush(60)
        assert box.puts.count("gzip") == 3
    assert server.messages("/app")[1:] == [LINE] * 4
    assert [text for text in said.warnings if "compression=None" in text]


async def test_gzip_stays_where_it_has_worked(server, ship, shop, said):
    """A body that is refused later is taken apart at once: no uncompressed try, no word about gzip."""
    async with Middlebox(server.url).running() as box:
        async with ship(endpoint_url=box.url) as logs:
            await _make_stream(logs, shop)
            shop.info(LINE)
            await logs.flush(60)
            server.faults.fail(400, "InvalidParameterException", "no", containing="poison")
            shop.info("poison %s", LINE)
            shop.info("sound %s", LINE)
            await logs.flush(60)
        assert set(box.puts[2:]) == {"gzip"}
    assert server.messages("/app")[1:] == [LINE, f"sound {LINE}"]
    assert not [text for text in said.warnings if "compress" in text]
    assert logs.statistics().dropped == {"refused": 1}


async def test_a_passing_error_does_not_end_compression(server, ship, shop, said):
    """A single 500 between two sound answers is an outage, and gzip is used again after it."""
    async with Middlebox(server.url).running() as box:
        async with ship(endpoint_url=box.url) as logs:
            await _make_stream(logs, shop)
            server.faults.fail(500, "InternalFailure", "a moment", times=1)
            for _ in range(3):
                shop.info(LINE)
                await logs.flush(60)
        assert box.puts[2:] == ["gzip", "plain", "gzip", "gzip"]
    assert server.messages("/app")[1:] == [LINE] * 3
    assert not [text for text in said.warnings if "compression" in text]


async def test_an_event_that_is_refused_both_ways_is_dropped_alone(server, ship, shop, balanced):
    """From the first put on: its neighbours arrive, and gzip is not blamed."""
    server.faults.fail(400, "InvalidParameterException", "no", containing="poison")
    async with ship() as logs:
        for number in range(20):
            shop.info("%s %d %s", "poison" if number == 7 else "sound", number, LINE)
        await logs.flush(60)
    assert len(server.messages("/app")) == 19
    assert logs.statistics().dropped == {"refused": 1}
    balanced(logs)


async def _first_failure(ship, shop, said, part, **arguments):
    """Ship one record to where it cannot arrive, and return the warning with this part."""
    async with ship(shutdown_timeout=0.1, **arguments) as logs:
        shop.info("record")
        warning = await said.wait_for(part)
        # Before the end of the block, whose last try may fail otherwise.
        seen = logs.statistics()
        assert seen.dropped == {}
    return warning, seen


async def test_a_proxys_page_names_the_proxy_variables(server, ship, shop, said, monkeypatch):
    """The warning quotes the title of the page, not its markup, and says where the proxy is named."""
    async with Middlebox(server.url, lambda _: FORBIDDEN).running() as box:
        monkeypatch.setenv("HTTP_PROXY", box.url)
        monkeypatch.setenv("NO_PROXY", "")
        given = {"endpoint_url": "http://logs.invalid"}
        warning, _ = await _first_failure(ship, shop, said, "HTTP 403", **given)
    assert "Access Denied" in warning
    assert "<" not in warning
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "endpoint_url="):
        assert name in warning


async def test_a_proxy_that_opens_no_tunnel_is_named(server, ship, shop, said, monkeypatch):
    """Its address and its status are in the warning, without the password in the address."""

    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter22@127.0.0.1:{port}")
        given = {"endpoint_url": "https://logs.invalid"}
        warning, seen = await _first_failure(ship, shop, said, "ProxyFailed", **given)
    assert f"127.0.0.1:{port}" in warning
    assert "407 Proxy Authentication Required" in warning
    assert "hunter22" not in warning
    assert "HTTPS_PROXY" in warning
    assert seen.possible_duplicates == 0


async def test_a_proxy_that_is_not_there_is_named(ship, shop, said, monkeypatch):
    """The proxy that nobody listens for is in the warning, with the variable that names it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        given = {"endpoint_url": "https://logs.invalid"}
        warning, _ = await _first_failure(ship, shop, said, "ProxyFailed", **given)
    assert f"127.0.0.1:{port}" in warning
    assert "HTTPS_PROXY" in warning


async def test_an_answer_that_is_no_text_is_garbled(server, ship, shop, said):
    """Invalid UTF-8 is told as something that is not CloudWatch Logs, with a success and with a refusal."""
    pages: list[Page] = []
    async with Middlebox(server.url, lambda _: pages[-1]).running() as box:
        for status in (200, 400):
            body = b'{"message": "\xff\xfe\xc3"}'
            pages.append(Page(status, body, "application/x-amz-json-1.1"))
            given = {"endpoint_url": box.url}
            warning, seen = await _first_failure(ship, shop, said, "GarbledAnswer", **given)
            said.records.clear()
            assert "Something that is not CloudWatch Logs answered" in warning
            assert seen.last_error.code == "GarbledAnswer"


async def test_a_timeout_names_the_endpoint(ship, shop, said):
    """An endpoint that takes a request and never answers is named, and the record may be there."""
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        warning, seen = await _first_failure(ship, shop, said, "Timeout", endpoint_url=url)
    assert f"no answer from {url} within 9 s" in warning
    assert url in str(seen.last_error)


@contextlib.contextmanager
def _takes_no_connection():
    """Yield the port of a socket that is not accepted from: further connections wait for ever (on Linux)."""
    with contextlib.ExitStack() as stack:
        held = stack.enter_context(socket.socket())
        held.bind(("127.0.0.1", 0))
        held.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(held.getsockname())
        yield held.getsockname()[1]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full backlog refuses connections")
async def test_a_request_that_never_left_makes_no_duplicate(ship, shop):
    """Tries that were given up while they still connected are retries, and cannot have doubled a record."""
    with _takes_no_connection() as port:
        given = {"endpoint_url": f"http://127.0.0.1:{port}", "send_interval": 0}
        async with ship(shutdown_timeout=5, **given) as logs:
            shop.info("record")
    seen = logs.statistics()
    assert seen.retries > 0
    assert seen.possible_duplicates == 0
    assert seen.dropped == {"shutdown": 1}


async def test_a_full_buffer_is_said_once(server, ship, shop, said):
    """While the service refuses, the first record without room is told of, and once that there is room again."""
    server.configure(deny=["PutLogEvents"])
    async with ship(max_buffer_size=10_000) as logs:
        shop.info("first")
        await said.wait_for("AccessDeniedException")
        for number in range(300):
            shop.info("%d %s", number, "x" * 100)
            if not number % 50:
                await asyncio.sleep(0)
        warning = await said.wait_for("max_buffer_size=10000 bytes are full")
        server.configure(deny=[])
        recovery = await said.wait_for("there is room for records again")
        await logs.flush(60)
        dropped = logs.statistics().dropped["buffer_full"]
    assert "records to /app found no room and are dropped" in warning
    assert "Last failure: PutLogEvents on /app:web failed" in warning
    assert len([text for text in said.warnings if "bytes are full" in text]) == 1
    assert f"{dropped} were dropped meanwhile" in recovery
