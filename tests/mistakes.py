"""What people do wrong with the library, each as they would write it, and what they must be told.

``python -m tests.mistakes`` prints the table: each mistake, and what is said of it today.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import gc
import inspect
import logging
import logging.config
import os
import textwrap
import time
from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

import aiobotocore.session
import botocore.session
import moto
from aiohttp import web

from aiowatchtower import CloudWatchLogFormatter, CloudWatchLogging, CloudWatchLogHandler
from aiowatchtower.testing import CloudWatchServer, serve

KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
# What the lines of the mistakes use.
USED: Final = (aiobotocore.session, moto, time, CloudWatchLogFormatter, CloudWatchLogHandler)


def botocore_client() -> Any:
    """Return a client that blocks the loop."""
    return botocore.session.get_session().create_client("logs")


class Mistake(NamedTuple):
    """One mistake.

    Attributes:
        what: What was done wrong, in a few words.
        code: The lines that do it. ``log`` is a logger, ``url`` the endpoint; ``ship()`` makes a block for both.
        names: Parts of the message: the argument or the action, the value, and what to do.
        arrives: The records that must be delivered in spite of it; None where it says nothing about delivery.
    """

    what: str
    code: str
    names: tuple[str, ...]
    arrives: tuple[str, ...] | None = None


ARGUMENTS = [
    Mistake("no group", "CloudWatchLogging()", ("log_group_name",)),
    Mistake(
        "the group by its shorter name",
        "CloudWatchLogging(group='/app')",
        ("group='/app'", "log_group_name="),
    ),
    Mistake(
        "the group from a variable that is not set",
        "CloudWatchLogging(os.environ.get('NO_SUCH_VARIABLE'))",
        ("log_group_name=None", "must be"),
    ),
    Mistake(
        "a group with a space",
        "CloudWatchLogging('my app')",
        ("log_group_name='my app'", "no spaces"),
    ),
    Mistake(
        "a group with AWS's own prefix",
        "CloudWatchLogging('aws/app')",
        ("log_group_name='aws/app'", "aws/"),
    ),
    Mistake(
        "an unknown placeholder",
        "CloudWatchLogging('/app', '{host}')",
        ("{host}", "{machine_name}"),
    ),
    Mistake(
        "a date that strftime does not know",
        "CloudWatchLogging('/app', '{strftime}')",
        ("{strftime}",),
    ),
    Mistake(
        "loggers by position",
        "CloudWatchLogging('/app', 'web', ['uvicorn'])",
        ("['uvicorn']", "by its name", "loggers="),
    ),
    Mistake(
        "one logger as text",
        "CloudWatchLogging('/app', loggers='uvicorn')",
        ("loggers='uvicorn'", "('uvicorn',)"),
    ),
    Mistake(
        "a level in small letters",
        "CloudWatchLogging('/app', level='info')",
        ("level='info'", "'INFO'"),
    ),
    Mistake(
        "an interval with its unit",
        "CloudWatchLogging('/app', send_interval='5s')",
        ("send_interval='5s'", "seconds"),
    ),
    Mistake(
        "a negative interval",
        "CloudWatchLogging('/app', send_interval=-1)",
        ("send_interval=-1", ">= 0"),
    ),
    Mistake(
        "no time limit at the end",
        "CloudWatchLogging('/app', shutdown_timeout=None)",
        ("shutdown_timeout=None", "seconds"),
    ),
    Mistake(
        "a batch above AWS's limit",
        "CloudWatchLogging('/app', max_batch_size=5_000_000)",
        ("max_batch_size=5000000", "1048576"),
    ),
    Mistake(
        "a buffer in megabytes, as text",
        "CloudWatchLogging('/app', max_buffer_size='64MB')",
        ("max_buffer_size='64MB'", "whole number"),
    ),
    Mistake(
        "a retention that AWS does not have",
        "CloudWatchLogging('/app', log_group_retention_days=10)",
        ("log_group_retention_days=10", "7, 14"),
    ),
    Mistake(
        "the retention by its shorter name",
        "CloudWatchLogging('/app', retention_days=7)",
        ("retention_days=7", "log_group_retention_days="),
    ),
    Mistake(
        "tags as other services have them",
        "CloudWatchLogging('/app', log_group_tags=[{'Key': 'team', 'Value': 'shop'}])",
        ("log_group_tags=", "mapping"),
    ),
    Mistake(
        "a KMS key by its alias",
        "CloudWatchLogging('/app', log_group_kms_key_id='alias/logs')",
        ("log_group_kms_key_id='alias/logs'", "ARN"),
    ),
    Mistake(
        "a class in small letters",
        "CloudWatchLogging('/app', log_group_class='standard')",
        ("log_group_class='standard'", "STANDARD"),
    ),
    Mistake(
        "another compression",
        "CloudWatchLogging('/app', compression='zstd')",
        ("compression='zstd'", "'gzip'"),
    ),
    Mistake(
        "credentials as arguments",
        "CloudWatchLogging('/app', aws_access_key_id='AKIDEXAMPLE')",
        ("aws_access_key_id", "profile_name=", "session="),
    ),
    Mistake(
        "a client of botocore",
        "CloudWatchLogging('/app', client=botocore_client())",
        ("client=", "aiobotocore", "block the event loop"),
    ),
    Mistake(
        "Watchtower's client",
        "CloudWatchLogging('/app', boto3_client=botocore_client())",
        ("boto3_client=", "client="),
    ),
    Mistake(
        "Watchtower's queues",
        "CloudWatchLogHandler('/app', use_queues=True)",
        ("use_queues=True", "flush()"),
    ),
    Mistake(
        "an endpoint without http://",
        "CloudWatchLogging('/app', endpoint_url='localhost:4566')",
        ("endpoint_url='localhost:4566'", "http://"),
    ),
    Mistake(
        "the class of a formatter",
        "CloudWatchLogging('/app', formatter=CloudWatchLogFormatter)",
        ("formatter=", "instance"),
    ),
    Mistake(
        "a formatter by its name",
        "CloudWatchLogging('/app', formatter='json')",
        ("formatter='json'", "logging.Formatter"),
    ),
    Mistake(
        "JSON by a guess", "CloudWatchLogging('/app', json=True)", ("json=True", "structured=")
    ),
    Mistake(
        "structured beside a formatter",
        "CloudWatchLogging('/app', structured=True, formatter=logging.Formatter())",
        ("structured=True", "CloudWatchLogFormatter(structured=...)"),
    ),
    Mistake(
        "an on_drop that is async",
        "async def tell(lost): ...\nCloudWatchLogging('/app', on_drop=tell)",
        ("on_drop=", "not async"),
    ),
    Mistake(
        "a switch from the environment",
        "CloudWatchLogging('/app', enabled='false')",
        ("enabled='false'", "True or False"),
    ),
    Mistake(
        "a namespace of AWS",
        "CloudWatchLogging('/app', metrics_namespace='AWS/Logs')",
        ("metrics_namespace='AWS/Logs'", "AWS/"),
    ),
    Mistake(
        "a spool in no place",
        "CloudWatchLogging('/app', spool_directory=True)",
        ("spool_directory=True", "directory"),
    ),
]
WRONG_KIND = [
    Mistake(
        "the block is added as a handler",
        "log.addHandler(CloudWatchLogging('/app')); log.info('x')",
        ("CloudWatchLogHandler",),
    ),
    Mistake(
        "the block's class in dictConfig",
        """
        logging.config.dictConfig({
            "version": 1, "disable_existing_loggers": False,
            "handlers": {"aws": {"class": "aiowatchtower.CloudWatchLogging", "log_group_name": "/app"}},
        })
        """,
        ("'aws'", "CloudWatchLogHandler"),
    ),
    Mistake("the block is awaited", "await CloudWatchLogging('/app')", ("async with",)),
    Mistake("with in a running loop", "with ship(): pass", ("async with",)),
    Mistake(
        "a handler is entered",
        "async with CloudWatchLogHandler('/app'): pass",
        ("CloudWatchLogging.from_handler",),
    ),
    Mistake(
        "a block is entered twice",
        "async with ship() as logs:\n    log.info('x')\n    async with logs: pass",
        ("open already", "second CloudWatchLogging"),
        ("x",),
    ),
    Mistake("flush outside the block", "await CloudWatchLogging('/app').flush()", ("async with",)),
    Mistake(
        "configured() without a handler",
        "async with CloudWatchLogging.configured(): pass",
        ("CloudWatchLogHandler",),
    ),
    Mistake(
        "trio",
        "await asyncio.to_thread(CloudWatchLogging('/app').__aenter__().send, None)",
        ("trio", "with CloudWatchLogging"),
    ),
    Mistake(
        "a block that is never entered",
        "CloudWatchLogging('/app'); gc.collect()",
        ("never entered", "async with"),
    ),
    Mistake(
        "a client that is not entered",
        """
        client = aiobotocore.session.get_session().create_client("logs")
        try:
            CloudWatchLogging("/app", client=client)
        finally:
            async with client: pass
        """,
        ("client=", "async with session.create_client"),
    ),
    Mistake(
        "a client that is closed already",
        """
        session = aiobotocore.session.get_session()
        async with session.create_client("logs", endpoint_url=url) as client:
            pass
        async with CloudWatchLogging("/app", "web", loggers=[log], client=client, shutdown_timeout=0.1):
            log.info("x")
            await told("closed")
        """,
        ("client=", "async with session.create_client"),
    ),
]
SET_UP = [
    Mistake(
        "a level that the logger hides",
        "log.setLevel('WARNING')\nasync with ship(level='INFO'):\n    log.info('hidden')\n    log.warning('x')",
        ("level=INFO", "WARNING", "setLevel('INFO')"),
        ("x",),
    ),
    Mistake(
        "a logger that dictConfig has disabled",
        "log.disabled = True\nasync with ship(): log.info('lost before it reaches a handler')",
        ("disabled", "disable_existing_loggers=False"),
    ),
    Mistake(
        "one logger shipped twice to a group",
        "async with ship('a'), ship('a'):\n    log.info('x')",
        ("twice", "loggers="),
        ("x", "x"),
    ),
    Mistake(
        "a configuration inside the block",
        """
        async with ship() as logs:
            log.info("x")
            log.handlers = []
            await told("attached again")
        """,
        ("was removed", "shop", "attached again"),
        ("x",),
    ),
    Mistake(
        "logging after the block",
        """
        handler = CloudWatchLogHandler("/app", endpoint_url=url)
        log.addHandler(handler)
        async with CloudWatchLogging.from_handler(handler): log.info("x")
        log.warning("late")
        """,
        ("after the block", "/app", "keep the block open"),
        ("x",),
    ),
    Mistake(
        "a record above AWS's limit",
        "async with ship(): log.info('%s', 'x' * 2_000_000)",
        ("2000026 bytes", "max_message_size"),
    ),
    Mistake(
        "arguments that do not fit the text",
        "async with ship(): log.info('%d items', 'three')",
        ("delivered: ", "%d items", "three"),
    ),
    Mistake(
        "a buffer that is too small",
        """
        async with ship(max_buffer_size=2_000):
            for number in range(100):
                log.info("%d", number)
            await told("full")
        """,
        ("max_buffer_size=2000", "/app", "spool_directory="),
    ),
    Mistake(
        "a spool that is a file",
        "async with ship(spool_directory=__file__): log.info('x'); await told('spool_directory')",
        ("spool_directory=", "File exists", "kept in memory"),
        ("x",),
    ),
    Mistake(
        "records of last month",
        """
        async with ship() as logs:
            log.handle(logging.makeLogRecord({"name": "shop", "levelno": 20, "msg": "old", "created": time.time() - 30 * 86400}))
            log.info("x")
        """,
        ("too_old", "14 days", "record.created"),
        ("x",),
    ),
]
SERVICE = [
    Mistake(
        "no credentials",
        """
        del os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        async with ship(): log.info('x'); await told('NoCredentials'); os.environ.update(keys); await told('works again')
        """,
        ("no AWS credentials", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "role"),
        ("x",),
    ),
    Mistake(
        "no region",
        """
        del os.environ["AWS_DEFAULT_REGION"]
        async with ship(): log.info('x'); await told('NoRegion'); os.environ.update(region); await told('works again')
        """,
        ("AWS_DEFAULT_REGION", "region_name="),
        ("x",),
    ),
    Mistake(
        "a region that does not exist",
        "async with CloudWatchLogging('/app', loggers=[log], region_name='frankfurt!', shutdown_timeout=0.1): log.info('x'); await told('region')",
        ("region_name=", "frankfurt!"),
    ),
    Mistake(
        "a profile that does not exist",
        "async with ship(profile_name='prod', shutdown_timeout=0.1): log.info('x'); await told('profile')",
        ("prod", "profile_name="),
    ),
    Mistake(
        "nobody listens at the endpoint",
        "async with ship(endpoint_url='http://127.0.0.1:9', shutdown_timeout=0.1): log.info('x'); await told('reached')",
        ("127.0.0.1:9", "endpoint_url="),
    ),
    Mistake(
        "another server at the endpoint",
        "async with page(404) as other, ship(endpoint_url=other, shutdown_timeout=0.1): log.info('x'); await told('404')",
        ("HTTP 404", "endpoint_url=", "Not Found"),
    ),
    Mistake(
        "a website at the endpoint",
        "async with page(200) as other, ship(endpoint_url=other, shutdown_timeout=0.1): log.info('x'); await told('Garbled')",
        ("not CloudWatch Logs", "endpoint_url="),
    ),
    Mistake(
        "a wrong secret key",
        "os.environ['AWS_SECRET_ACCESS_KEY'] = 'mistyped'\nasync with ship(shutdown_timeout=0.1): log.info('x'); await told('ignature')",
        ("InvalidSignatureException", "secret access key"),
    ),
    Mistake(
        "PutLogEvents is not allowed",
        "server.configure(deny=['PutLogEvents'])\nasync with ship(): log.info('x'); await told('Denied'); server.configure(deny=[]); await told('works again')",
        ("logs:PutLogEvents", '"Effect": "Allow"'),
        ("x",),
    ),
    Mistake(
        "CreateLogStream is not allowed",
        "server.configure(deny=['CreateLogStream'])\nasync with ship(): log.info('x'); await told('Denied'); server.configure(deny=[]); await told('works again')",
        ("logs:CreateLogStream", '"Effect": "Allow"'),
        ("x",),
    ),
    Mistake(
        "CreateLogGroup is not allowed",
        "server.configure(deny=['CreateLogGroup'])\nasync with ship(): log.info('x'); await told('Denied'); server.configure(deny=[]); await told('works again')",
        ("logs:CreateLogGroup", '"Effect": "Allow"'),
        ("x",),
    ),
    Mistake(
        "PutRetentionPolicy is not allowed",
        "server.configure(deny=['PutRetentionPolicy'])\nasync with ship(log_group_retention_days=7): log.info('x'); await told('Retention')",
        ("logs:PutRetentionPolicy",),
        ("x",),
    ),
    Mistake(
        "tags are not allowed",
        "server.configure(deny=['TagResource'])\nasync with ship(log_group_tags={'team': 'shop'}): log.info('x'); await told('tags')",
        ("without its tags", "logs:TagResource", '"Effect": "Allow"'),
        ("x",),
    ),
    Mistake(
        "the group is missing, and not to be created",
        "async with ship(create_log_group=False, shutdown_timeout=0.1): log.info('x'); await told('NotProvisioned')",
        ("/app", "create_log_group"),
    ),
    Mistake(
        "strict without the permission",
        "server.configure(deny=['PutLogEvents'])\nasync with ship(strict=True): pass",
        ("SetupError", "logs:PutLogEvents"),
    ),
    Mistake(
        "a clock that is wrong",
        "server.faults.fail(400, 'InvalidSignatureException', 'Signature expired: 20200101T000000Z is now earlier than 20261124T000000Z', times=1)\nasync with ship(): log.info('x'); await told('clock')",
        ("clock", "NTP"),
        ("x",),
    ),
    Mistake(
        "moto's mock_aws",
        "with moto.mock_aws():\n    async with ship(endpoint_url=None, shutdown_timeout=0.1): log.info('x'); await told('mock_aws')",
        ("mock_aws", "installed()", "aiomoto"),
    ),
]
TABLE = [*ARGUMENTS, *WRONG_KIND, *SET_UP, *SERVICE]


class Told(logging.Handler):
    """Keeps what the library says, and lets a mistake wait for a part of it."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.texts: list[str] = []
        self._news = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())
        self._news.set()

    async def __call__(self, part: str) -> None:
        """Return when something with this part was said."""
        async with asyncio.timeout(60) if hasattr(asyncio, "timeout") else contextlib.nullcontext():
            while not any(part in text for text in self.texts):
                self._news.clear()
                await self._news.wait()


@contextlib.asynccontextmanager
async def page(status: int) -> AsyncIterator[str]:
    """Serve a website that has this status for everything; yield its address."""

    async def answer(_: web.BaseRequest) -> web.Response:
        title = "Not Found" if status >= 400 else "Welcome"
        text = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
        return web.Response(status=status, text=text, content_type="text/html")

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def said_of(mistake: Mistake, server: CloudWatchServer) -> str:
    """Make the mistake, and return all that is said of it: what is raised, and what is logged."""
    log, told = logging.getLogger("shop"), Told()
    log.setLevel(logging.DEBUG)
    log.propagate, log.disabled, log.handlers = False, False, []

    def ship(stream: str = "web", **arguments: Any) -> CloudWatchLogging:
        given = {"loggers": [log], "endpoint_url": server.url, "send_interval": 0.05, **arguments}
        return CloudWatchLogging("/app", stream, **given)

    names = {
        **globals(),
        "keys": {name: os.environ[name] for name in KEYS},
        "region": {"AWS_DEFAULT_REGION": os.environ["AWS_DEFAULT_REGION"]},
        "log": log,
        "page": page,
        "server": server,
        "ship": ship,
        "told": told,
        "url": server.url,
    }
    code = compile(
        textwrap.dedent(mistake.code), "<mistake>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )
    ours = logging.getLogger("aiowatchtower")
    # What was made before and is thrown away now is no matter of this mistake.
    gc.collect()
    ours.addHandler(told)
    before = ours.level
    ours.setLevel(logging.INFO)
    raised: BaseException | None = None
    try:
        # The mistakes are the constants of this file.
        found = eval(code, names)  # noqa: S307
        if inspect.iscoroutine(found):
            await found
    except Exception as exc:  # noqa: BLE001 - whatever the mistake leads to
        raised = exc
    finally:
        ours.removeHandler(told)
        ours.setLevel(before)
        log.handlers = []
        log.setLevel(logging.NOTSET)
    texts = []
    while raised is not None:
        texts.append(f"{type(raised).__name__}: {raised}")
        raised = raised.__cause__
    groups = server.groups
    delivered = server.messages("/app") if "/app" in groups else []
    shown = [f"delivered: {text[:80]}" for text in delivered]
    return "\n".join([*texts, *told.texts, *shown])


async def _print_table() -> None:
    with serve() as server:
        for mistake in TABLE:
            server.reset()
            before = dict(os.environ)
            said = await said_of(mistake, server)
            os.environ.clear()
            os.environ.update(before)
            print(f"\n## {mistake.what}\n{textwrap.dedent(mistake.code).strip()}\n-> {said}")


if __name__ == "__main__":
    asyncio.run(_print_table())
