"""A small Flink inside the test's own processes, and a Redis beside it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment

from local import redis_server
from local.ports import HOST, any_free
from local.process import wait_until


@pytest.fixture
def redis_client(tmp_path: Path) -> Iterator[redis.Redis]:
    port = any_free(avoid=set())
    process = subprocess.Popen(redis_server.command(tmp_path, port), stdout=subprocess.DEVNULL)
    assert wait_until(lambda: redis_server.answers(port), timeout_s=10, every_s=0.02)
    with redis.Redis(HOST, port) as client:
        yield client
    process.kill()
    process.wait()


@pytest.fixture
def env() -> StreamExecutionEnvironment:
    """A MiniCluster whose Python workers are threads of the test."""
    configuration = Configuration()
    for key, value in {
        "taskmanager.numberOfTaskSlots": "2",
        "parallelism.default": "1",
        "rest.bind-address": HOST,
        "rest.port": "0",
        "restart-strategy.type": "none",
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "python.fn-execution.bundle.time": "10",
    }.items():
        configuration.set_string(key, value)
    return StreamExecutionEnvironment.get_execution_environment(configuration)
