"""structlog, loguru, python-json-logger, OpenTelemetry and the Embedded Metric Format, by the examples."""

from __future__ import annotations

import json
import logging

import pytest
from tests.examples.programs import run

from aiowatchtower import CloudWatchLogFormatter


def _json(messages):
    return [json.loads(message) for message in messages]


def test_structlog(server):
    """Structlog's events and a library's records arrive as the JSON that structlog renders."""
    pytest.importorskip("structlog")
    run("structlog_app.py", server=server)

    shipped, library, failure = _json(server.messages("/examples/structlog"))
    assert shipped == {
        "event": "order shipped",
        "order": 7,
        "items": ["tea", "cup"],
        "request_id": "r-1",
        "level": "info",
        "logger": "shop",
    }
    assert library["event"] == "a library's record"
    assert (library["level"], library["logger"]) == ("warning", "library")
    assert (failure["event"], failure["order"]) == ("a step failed", 8)
    assert failure["exception"].endswith("ZeroDivisionError: division by zero")


def test_loguru(server):
    """With the handler as loguru's sink, message, bound fields and traceback arrive in JSON."""
    pytest.importorskip("loguru")
    run("loguru_app.py", server=server)

    shipped, failure = _json(server.messages("/examples/loguru"))
    assert (shipped["message"], shipped["level"]) == ("order 7 shipped", "INFO")
    assert shipped["extra"] == {"request_id": "r-1"}
    assert failure["level"] == "ERROR"
    assert failure["message"].startswith("a step failed\nTraceback")
    assert failure["message"].rstrip().endswith("ZeroDivisionError: division by zero")
    assert "exception" not in failure, "the traceback is in the message, where loguru puts it"


def test_python_json_logger(server):
    """A formatter of python-json-logger works as it does on any other handler."""
    pytest.importorskip("pythonjsonlogger")
    run("json_logger_app.py", server=server)

    shipped, mapping, failure = _json(server.messages("/examples/json-logger"))
    common = {"levelname": "INFO", "name": "shop", "service": "shop"}
    assert shipped == {**common, "message": "order shipped", "order": 7}
    assert mapping == {**common, "message": "a mapping", "order": 8}
    assert failure["exc_info"].endswith("ZeroDivisionError: division by zero")


def test_opentelemetry(server):
    """Each event that is logged in a span has the ids of that span, and others have none."""
    pytest.importorskip("opentelemetry.sdk")
    run("opentelemetry_app.py", server=server)

    outside, *inside = _json(server.messages("/examples/opentelemetry"))
    assert outside["message"] == "no span yet"
    assert not {"trace_id", "span_id"} & set(outside)
    assert [event["order"] for event in inside] == [7, 8]
    assert {(len(event["trace_id"]), len(event["span_id"])) for event in inside} == {(32, 16)}
    assert len({event["trace_id"] for event in inside}) == 2


def test_embedded_metric_format(server):
    """A mapping with `_aws` is one event that has its own keys and no others."""
    run("emf_metrics.py", server=server)

    (event,) = _json(server.messages("/examples/emf"))
    assert set(event) == {"_aws", "Route", "Latency"}
    (directive,) = event["_aws"]["CloudWatchMetrics"]
    assert directive["Metrics"] == [{"Name": "Latency", "Unit": "Milliseconds"}]
    assert directive["Dimensions"] == [["Route"]]
    assert event["Latency"] > 0


def _structlog_configurations():
    """Yield structlog's usual ways through the standard library: its processors up to the last."""
    structlog = pytest.importorskip("structlog")
    common = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]
    render = structlog.processors.JSONRenderer()
    yield "wrap_for_formatter", [*common, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
    yield "render_to_log_kwargs", [*common, structlog.stdlib.render_to_log_kwargs]
    yield "args_and_kwargs", [*common, structlog.stdlib.render_to_log_args_and_kwargs]
    yield "JSONRenderer", [*common, structlog.processors.format_exc_info, render]


@pytest.mark.parametrize(
    "name", ["wrap_for_formatter", "render_to_log_kwargs", "args_and_kwargs", "JSONRenderer"]
)
@pytest.mark.parametrize("fails", [False, True])
def test_structlogs_usual_configurations(name, fails):
    """Each of structlog's ways arrives as one JSON object without doubled or foreign fields."""
    structlog = pytest.importorskip("structlog")
    texts = []

    class Handler(logging.Handler):
        def emit(self, record):
            texts.append(CloudWatchLogFormatter(structured=True).format(record))

    handler = Handler()
    logger = logging.getLogger("shop")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    structlog.configure(
        processors=dict(_structlog_configurations())[name],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    try:
        with structlog.contextvars.bound_contextvars(request_id="r-1"):
            log = structlog.get_logger("shop")
            if fails:
                try:
                    raise KeyError("tea")
                except KeyError:
                    log.exception("not shipped", order=7)
            else:
                log.info("shipped", order=7)
    finally:
        structlog.reset_defaults()
        logger.removeHandler(handler)
    (text,) = texts
    fields = json.loads(text)
    said = fields.pop("event", None) or fields.pop("message", None)
    assert said == ("not shipped" if fails else "shipped")
    assert ("KeyError: 'tea'" in fields.pop("exception", "")) is fails
    assert fields.pop("timestamp").endswith("Z")
    assert fields == {
        "level": "ERROR" if fails else "INFO",
        "logger": "shop",
        "order": 7,
        "request_id": "r-1",
    }


def test_prometheus(server):
    """A scrape shows the statistics of the block."""
    pytest.importorskip("prometheus_client")
    scraped = run("prometheus_metrics.py", server=server).stdout
    assert "cloudwatch_logs_delivered_total 1.0" in scraped
    assert "cloudwatch_logs_pending_bytes 0.0" in scraped


def test_opentelemetry_metrics(server):
    """An export carries the statistics of the block."""
    pytest.importorskip("opentelemetry.sdk")
    exported = run("opentelemetry_metrics.py", server=server).stdout
    assert '"name": "cloudwatch_logs.records"' in exported
    assert '"fate": "delivered"' in exported
