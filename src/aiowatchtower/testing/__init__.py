"""A CloudWatch Logs for tests that refuses what AWS refuses.

An application that builds its own `CloudWatchLogging`, wherever it does that and whatever region or endpoint it
names, delivers to the service that is installed when the block is entered. No socket is opened, no AWS environment is
needed, and nothing is patched:

    import pytest
    from starlette.testclient import TestClient

    from aiowatchtower.testing import CloudWatchLogs
    from shop import app


    @pytest.fixture
    def cloudwatch():
        with CloudWatchLogs().installed() as cloudwatch:
            yield cloudwatch


    def test_a_late_order_is_logged(cloudwatch):
        with TestClient(app) as client:  # its lifespan enters the block, and leaving it delivers
            client.get("/orders/7")
        assert cloudwatch.messages("/app/shop") == ["order 7 is late"]

The plugin `pytest_plugins = ["aiowatchtower.testing.pytest_plugin"]` has this fixture, and `cloudwatch_server`.

The service refuses what AWS refuses, and more when told so: `cloudwatch.faults.throttle(times=3)`,
`cloudwatch.configure(deny=["CreateLogGroup"])`. AIOWATCHTOWER_ENABLED=0 switches delivery off here too.

For one block alone, pass it a client:

    async def test_order_is_logged():
        cloudwatch = CloudWatchLogs()
        async with CloudWatchLogging("/app/web", client=cloudwatch.client()):
            logging.getLogger("shop").warning("order %d is late", 7)
        assert cloudwatch.messages("/app/web") == ["order 7 is late"]

Over a real socket, from a process of its own, with signatures verified:

    from aiowatchtower.testing import serve

    def test_survives_throttling(monkeypatch):
        with serve(latency=0.05) as server:
            server.faults.throttle(times=3)
            for name, value in server.environ.items():
                monkeypatch.setenv(name, value)
            ...  # run the application
            server.wait_for(1, group="/app/web")

or from a shell: `python -m aiowatchtower.testing --port 4599`, which prints how to point a client at it. There is one
service for all regions, and each region is a world of its own.

Events can be read as at AWS, by filter patterns (FilterLogEvents) and by queries of Logs Insights (StartQuery).
Metric filters and subscription filters are kept and described, and deliver nothing.

Names, lengths and types are checked by the service model that botocore ships. The other rules are restated here from
AWS's documentation, independently of the code that ships the records, and compared with moto's answers. Nothing in
this package was compared with AWS itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._faults import Fault, FaultPlan, Faults
from ._service import CloudWatchLogs
from ._settings import ServiceSettings
from ._types import Event, Group, Refusal, Reply, Request, Wire

if TYPE_CHECKING:
    from ._served.remote import CloudWatchServer, serve

# As they were called in 0.1.
Answer = Reply
Settings = ServiceSettings

__all__ = [
    "Answer",
    "CloudWatchLogs",
    "CloudWatchServer",
    "Event",
    "Fault",
    "FaultPlan",
    "Faults",
    "Group",
    "Refusal",
    "Reply",
    "Request",
    "ServiceSettings",
    "Settings",
    "Wire",
    "serve",
]


def __getattr__(name: str) -> object:
    # What is served over HTTP is loaded by those only who ask for it.
    if name in ("CloudWatchServer", "serve"):
        from ._served import remote

        return getattr(remote, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
