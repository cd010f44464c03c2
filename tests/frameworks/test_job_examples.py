"""The examples that are no servers: workers, processes, scripts and a notebook."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import time

import pytest
from tests.examples.programs import EXAMPLES, environment, run
from tests.frameworks.driving import Outcome, orders, program

pytestmark = pytest.mark.servers


def _end(running, done, server, group):
    """Send SIGTERM, and return what came of it once the program has ended; `done` tells of the orders."""
    began = time.monotonic()
    running.send(signal.SIGTERM)
    code = running.finish()
    took = time.monotonic() - began
    return Outcome(done(), orders(server, group), code, took, running.output)


def test_celery(server, tmp_path, redis):
    """Celery's pool processes ship what each job logs, also while SIGTERM ends the worker."""
    from celery import Celery

    app = Celery(broker=redis, backend=redis)
    results = [app.send_task("celery_app.ship", [number]) for number in range(2000)]
    command = ("-m", "celery", "-A", "celery_app", "--result-backend", redis, "worker", "-c", "2")
    with program(server, tmp_path, *command, BROKER_URL=redis) as running:
        for result in results[:100]:
            result.get(timeout=60)

        def done():
            return {number for number, each in enumerate(results) if each.ready()}

        outcome = _end(running, done, server, "/examples/celery")
    app.close()
    outcome.check()


async def test_taskiq(server, tmp_path, redis):
    """Taskiq's events run the block, and the tasks that are done when SIGTERM comes arrive."""
    from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend

    async def ship(number: int) -> None:
        """Only its name is used: the worker has the task."""

    broker = ListQueueBroker(redis).with_result_backend(RedisAsyncResultBackend(redis))
    task = broker.task(task_name="taskiq_app:ship")(ship)
    tasks = [await task.kiq(number) for number in range(1000)]
    command = ("-m", "taskiq", "worker", "--workers", "2", "taskiq_app:broker")
    with program(server, tmp_path, *command, BROKER_URL=redis) as running:
        for each in tasks[:50]:
            await each.wait_result(timeout=60)
        running.send(signal.SIGTERM)
        code = await asyncio.to_thread(running.finish)
    done = {number for number, each in enumerate(tasks) if await each.is_ready()}
    await broker.shutdown()
    Outcome(done, orders(server, "/examples/taskiq"), code, 0, running.output).check()


def test_faststream(server, tmp_path, redis):
    """FastStream's lifespan runs the block, and each message that was answered arrives."""
    from redis import Redis

    with Redis.from_url(redis, socket_timeout=90) as store:
        for number in range(1000):
            store.rpush("orders", json.dumps(number))
        command = ("-m", "faststream", "run", "faststream_app:app")
        with program(server, tmp_path, *command, BROKER_URL=redis) as running:
            for _ in range(50):
                assert store.blpop(["shipped"], timeout=60)
                store.rpush("seen", "1")

            def done():
                # Messages are taken in order: what is neither waiting nor answered was not logged.
                answered = store.llen("shipped") + store.llen("seen")
                return set(range(answered))

            outcome = _end(running, done, server, "/examples/faststream")
    outcome.check()


def test_plain_script(server, tmp_path):
    """A script without a loop delivers what it has logged, from all its threads."""
    run("script_without_a_loop.py", server=server)
    assert orders(server, "/examples/script") == dict.fromkeys(range(100), 1)


def test_sigterm(server, tmp_path):
    """With the recipe, a worker under asyncio.run delivers everything when SIGTERM comes."""
    with program(server, tmp_path, "sigterm.py") as running:
        running.wait_for_line("50")

        def done():
            return {int(line) for line in running.out if line.isdigit()}

        outcome = _end(running, done, server, "/examples/sigterm")
    outcome.check()


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_multiprocessing(server, method):
    """Each process has a block and a stream of its own, whatever the start method."""
    run("multiprocessing_workers.py", method, server=server)
    assert orders(server, "/examples/multiprocessing") == dict.fromkeys(range(100), 1)
    assert len(server.streams("/examples/multiprocessing")) == 4


def test_jupyter(server, tmp_path):
    """In a kernel the block stays open from cell to cell, and is closed by the last one."""
    from jupyter_client.manager import KernelManager

    notebook = json.loads((EXAMPLES / "notebook.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    manager = KernelManager()
    env = environment(server, IPYTHONDIR=str(tmp_path), JUPYTER_RUNTIME_DIR=str(tmp_path))
    manager.start_kernel(env={**os.environ, **env})
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        for number, source in zip(itertools.count(1), sources):
            answer = client.execute_interactive(source, timeout=60, output_hook=lambda _: None)
            assert answer["content"]["status"] == "ok", (number, answer["content"])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert orders(server, "/examples/notebook") == dict.fromkeys(range(100), 1)
