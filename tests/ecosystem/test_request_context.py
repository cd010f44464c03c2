"""A request id under concurrent requests, by the example."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest
from tests.examples.programs import environment, get_all, serve

pytestmark = pytest.mark.servers

ORDERS = range(100, 140)


def test_each_event_has_its_own_requests_id(server):
    """Requests that overlap have each their id in both of their lines and in the access log's."""
    env = environment(server)
    with serve("-m", "uvicorn", "--port", "0", "request_context:app", env=env) as program:
        url = program.wait_for(r"running on (http://\S+)")[1]
        get_all((f"{url}/orders/{n}", {"X-Request-ID": f"r-{n}"}) for n in ORDERS)
        program.stop()

    by_request = defaultdict(list)
    order_in_time = []
    for event in map(json.loads, server.messages("/examples/request-context")):
        if "request_id" in event:
            by_request[event["request_id"]].append(event)
            order_in_time.append(event["request_id"])
    assert set(by_request) == {f"r-{n}" for n in ORDERS}
    for number in ORDERS:
        shipping, shipped, access = by_request[f"r-{number}"]
        assert (shipping["message"], shipping["order"]) == ("shipping", number)
        assert (shipped["message"], shipped["order"]) == ("shipped", number)
        assert f"GET /orders/{number} " in access["message"]
    assert order_in_time != sorted(order_in_time, key=order_in_time.index), "no two overlapped"


def test_an_id_is_made_where_none_is_given(server):
    """Requests that bring no id get one each."""
    env = environment(server)
    with serve("-m", "uvicorn", "--port", "0", "request_context:app", env=env) as program:
        url = program.wait_for(r"running on (http://\S+)")[1]
        get_all((f"{url}/orders/{n}", {}) for n in (1, 2))
        program.stop()

    events = list(map(json.loads, server.messages("/examples/request-context")))
    assert len({event["request_id"] for event in events if "request_id" in event}) == 2
