"""A small Flink inside the test's own processes, and a Redis beside it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment

from local import redis_server
from local.ports import HOST, any_free
from local.process import wait_until

os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
"""Operators in thread mode run the first Python on the PATH of the JVM that is started here."""


@contextmanager
def running_redis(folder: Path) -> Iterator[redis.Redis]:
    """A client of a server of its own."""
    port = any_free(avoid=set())
    process = subprocess.Popen(redis_server.command(folder, port), stdout=subprocess.DEVNULL)
    assert wait_until(lambda: redis_server.answers(port), timeout_s=10, every_s=0.02)
    with redis.Redis(HOST, port) as client:
        yield client
    process.kill()
    process.wait()


@pytest.fixture
def redis_client(tmp_path: Path) -> Iterator[redis.Redis]:
    with running_redis(tmp_path) as client:
        yield client


@pytest.fixture(scope="module")
def module_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    """A Redis for one run of a job that several tests look at."""
    with running_redis(tmp_path_factory.mktemp("redis")) as client:
        yield client


@pytest.fixture(scope="module")
def execution_mode() -> str:
    """Where keyed operators run: `process`, or `thread` for the MiniCluster's own threads."""
    return "process"


@pytest.fixture(scope="module")
def bundle_size() -> int:
    """Records that go to a Python worker together."""
    return 1000


@pytest.fixture
def env(execution_mode: str, bundle_size: int) -> StreamExecutionEnvironment:
    """A MiniCluster whose Python workers are threads of the test."""
    return mini_cluster(execution_mode, bundle_size)


@pytest.fixture(scope="module")
def module_env(execution_mode: str, bundle_size: int) -> StreamExecutionEnvironment:
    """The same for one run of a job that several tests look at."""
    return mini_cluster(execution_mode, bundle_size)


def mini_cluster(execution_mode: str, bundle_size: int) -> StreamExecutionEnvironment:
    """A MiniCluster whose Python workers are threads of this process."""
    configuration = Configuration()
    for key, value in {
        "taskmanager.numberOfTaskSlots": "2",
        "parallelism.default": "1",
        "rest.bind-address": HOST,
        "rest.port": "0",
        "restart-strategy.type": "none",
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "python.execution-mode": execution_mode,
        "python.fn-execution.bundle.time": "10",
        "python.fn-execution.bundle.size": str(bundle_size),
    }.items():
        configuration.set_string(key, value)
    return StreamExecutionEnvironment.get_execution_environment(configuration)
