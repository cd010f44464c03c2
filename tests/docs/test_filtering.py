"""What the documents say about leaving records out and finding them again, checked by what arrives and is found."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from typing import Any

import pytest
from tests.examples.blocks import blocks
from tests.examples.programs import ROOT, environment
from tests.examples.running import RUN_BLOCK

from aiowatchtower.testing import CloudWatchLogs

DOCS = ROOT / "docs"
GUIDE = DOCS / "guides" / "filtering.md"
TEXTS = [
    block
    for page in sorted(DOCS.rglob("*.md"))
    for block in blocks(page)
    if block.language == "text"
]
QUERIES = [block for block in TEXTS if re.match(r"(fields|filter|stats|parse) ", block.text)]
PATTERN = re.compile(r"<!-- filter-pattern -->\n```text\n(.*?)```", re.DOTALL)


def _arrives(server, tmp_path, part: str, path=GUIDE) -> list[str]:
    """Run the block of a page that has this part; return what has arrived, and keep what it printed."""
    [block] = [block for block in blocks(path) if block.language == "python" and part in block.text]
    script = tmp_path / "block.py"
    script.write_text(block.text)
    done = subprocess.run(
        [sys.executable, str(RUN_BLOCK), str(script)],
        check=False,
        cwd=tmp_path,
        env=environment(server),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return server.messages("/app/web")


def test_health_checks_are_left_out(server, tmp_path):
    """The request to /health is not delivered, the other one is."""
    assert _arrives(server, tmp_path, "no_health_checks") == ['"GET /orders HTTP/1.1" 200']


def test_one_request_in_ten_is_whole(server, tmp_path):
    """Every warning is delivered, and of the lesser records some."""
    arrived = _arrives(server, tmp_path, "one_request_in_ten")
    assert arrived.count("always kept") == 100
    assert arrived.count("kept for some requests") <= 30


def test_a_line_that_repeats_is_limited(server, tmp_path):
    """Of a thousand equal records few are delivered, and the last of each second says that there were more."""
    arrived = _arrives(server, tmp_path, "AtMost")
    few = [text for text in arrived if text == "no connection to the database"]
    told = [text for text in arrived if text.endswith("(and more like this)")]
    assert len(few) + len(told) == len(arrived) < 1000
    assert len(few) >= 4 * len(told) >= 4


def test_secrets_are_gone(server, tmp_path):
    """No event has the password, which was an argument."""
    [text] = _arrives(server, tmp_path, "class Redacted")
    assert json.loads(text)["message"] == "login with password=***"


def test_what_is_lost_goes_to_stderr(server, tmp_path, capfd):
    """The function of the guide prints what it is given; a delivered record is none of that."""
    page = DOCS / "guides" / "alarms.md"
    assert _arrives(server, tmp_path, "def to_stderr", page) == ["order 7 is late"]
    server.configure(deny=["PutLogEvents"])
    [block] = [each for each in blocks(page) if "def to_stderr" in each.text]
    text = block.text.replace("on_drop=to_stderr", "on_drop=to_stderr, shutdown_timeout=0.1")
    subprocess.run(
        [sys.executable, "-c", text], check=True, env=environment(server), cwd=tmp_path, timeout=100
    )
    said = capfd.readouterr().err
    # Other lines may come in between: print() writes a line and its end one after the other.
    assert "1 records lost (shutdown)" in said
    assert "order 7 is late\n" in said


@pytest.fixture
def cloudwatch():
    """Hold what the guides' examples log, as text and in structured mode."""
    now = time.time()
    cloudwatch = CloudWatchLogs(clock=lambda: now, queries_running=0)
    where: dict[str, object] = {"logGroupName": "/app/web", "logStreamName": "web"}
    for action in ("CreateLogGroup", "CreateLogStream"):
        cloudwatch.respond(action, dict(where))
    texts: list[Any] = [
        "no connection to the database",
        "no connection to the database (and more like this)",
        {"level": "WARNING", "logger": "shop", "message": "login with password=***"},
        {"level": "ERROR", "logger": "shop", "message": "late", "order": 7, "took_ms": 12.5},
        {"logger": "access", "level": "INFO", "status": 503, "path": "/orders", "took_ms": 30},
    ]
    events = [
        {
            "timestamp": int(now * 1000),
            "message": each if isinstance(each, str) else json.dumps(each),
        }
        for each in texts
    ]
    assert cloudwatch.respond("PutLogEvents", {**where, "logEvents": events}).status == 200
    return cloudwatch


@pytest.mark.parametrize(
    ("part", "found"), [('"no connection"', "no connection to the database"), ("$.level", "login")]
)
def test_patterns_of_the_guide_find_one_event_each(cloudwatch, part, found):
    """FilterLogEvents takes each pattern of the page and finds the record that the page is about."""
    [pattern] = [each for each in PATTERN.findall(GUIDE.read_text()) if part in each]
    asked = {"logGroupName": "/app/web", "filterPattern": pattern.strip()}
    answer = cloudwatch.respond("FilterLogEvents", asked)
    assert answer.status == 200, answer.body
    [event] = answer.body["events"]
    assert found in event["message"]


@pytest.mark.parametrize("block", QUERIES, ids=str)
def test_queries_of_the_documents_find_something(cloudwatch, block):
    """Logs Insights understands each query in the documents, and finds the events that it is written for."""
    now = int(time.time())
    asked = {
        "logGroupName": "/app/web",
        "startTime": now - 600,
        "endTime": now + 600,
        "queryString": block.text,
    }
    started = cloudwatch.respond("StartQuery", asked)
    assert started.status == 200, started.body
    answer = cloudwatch.respond("GetQueryResults", dict(started.body))
    assert answer.body["status"] == "Complete"
    assert answer.body["results"]


def test_there_are_patterns_and_queries():
    """The documents show both, or the tests above would have nothing to check."""
    assert len(PATTERN.findall(GUIDE.read_text())) == 2
    assert len(QUERIES) >= 3
