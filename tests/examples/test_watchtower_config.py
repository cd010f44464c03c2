"""A logging configuration that was written for Watchtower."""

from __future__ import annotations

import json

from tests.examples.programs import run

# The kinds of settings that such files have: a level, a formatter, names, retention, intervals, tags.
WATCHTOWERS = """
version: 1
disable_existing_loggers: false
formatters:
  json:
    format: "[%(asctime)s] %(process)d %(levelname)s %(name)s:%(funcName)s:%(lineno)s - %(message)s"
  plaintext:
    format: "[%(levelname)s] %(name)s - %(message)s"
handlers:
  console:
    class: logging.StreamHandler
    level: INFO
    formatter: plaintext
  watchtower:
    class: watchtower.CloudWatchLogHandler
    level: INFO
    formatter: plaintext
    log_group_name: WatchtowerGroup
    log_stream_name: "{logger_name}-{strftime:%Y-%m-%d}"
    send_interval: 10
    max_batch_size: 1048576
    max_batch_count: 1000
    max_message_size: 262144
    create_log_group: true
    create_log_stream: true
    log_group_retention_days: 14
    log_group_tags: {team: shop}
  structured:
    (): watchtower.CloudWatchLogHandler
    log_group_name: WatchtowerEvents
    log_stream_name: events
root:
  level: DEBUG
  handlers: [console, watchtower]
loggers:
  events:
    level: INFO
    propagate: false
    handlers: [structured]
"""

APPLICATION = """
import asyncio
import logging.config

import yaml

from aiowatchtower import CloudWatchLogging

with open("logging.yaml", encoding="utf-8") as config:
    logging.config.dictConfig(yaml.safe_load(config))


async def main():
    async with CloudWatchLogging.configured():
        logging.getLogger("shop").info("order %d is shown", 7)
        logging.getLogger("shop").debug("below the handler's level")
        logging.getLogger("events").info({"event": "order shipped", "order": 7})


logging.getLogger("shop").warning("before the loop")
asyncio.run(main())
"""


def test_only_the_class_name_changes(server, tmp_path):
    """A dictConfig file of Watchtower's works after changing the class name and entering the block."""
    ours = WATCHTOWERS.replace("watchtower.CloudWatch", "aiowatchtower.CloudWatch")
    (tmp_path / "logging.yaml").write_text(ours, encoding="utf-8")
    (tmp_path / "main.py").write_text(APPLICATION, encoding="utf-8")
    run("main.py", server=server, folder=tmp_path)

    assert server.messages("WatchtowerGroup") == [
        "[WARNING] shop - before the loop",
        "[INFO] shop - order 7 is shown",
    ]
    (event,) = server.messages("WatchtowerEvents", "events")
    assert json.loads(event) == {"event": "order shipped", "order": 7}
    group = server.groups["WatchtowerGroup"]
    assert (group.retention_days, group.tags) == (14, {"team": "shop"})
    (stream,) = group.streams
    assert stream.startswith("shop-20")
