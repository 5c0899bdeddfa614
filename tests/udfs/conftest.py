"""What Flink and Redis are to an operator."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis

from local import redis_server
from local.ports import HOST, any_free
from local.process import wait_until


class Metrics:
    """A metric group that keeps its gauges; `values` reads them all, by path."""

    def __init__(self, path: str = "", gauges: dict[str, Callable[[], int]] | None = None) -> None:
        self._path = path
        self._gauges = {} if gauges is None else gauges

    def add_group(self, name: str, extra: str | None = None) -> "Metrics":
        below = name if extra is None else f"{name}.{extra}"
        return Metrics(f"{self._path}{below}.", self._gauges)

    def gauge(self, name: str, value: Callable[[], int]) -> None:
        assert f"{self._path}{name}" not in self._gauges
        self._gauges[f"{self._path}{name}"] = value

    @property
    def values(self) -> dict[str, int]:
        return {path: value() for path, value in self._gauges.items()}


class RuntimeContext:
    """As much of Flink's as our operators use."""

    def __init__(self) -> None:
        self.metrics = Metrics()

    def get_metrics_group(self) -> Metrics:
        return self.metrics


class RedisProcess:
    """A Redis server that can be killed, frozen and started again with the data it had."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = any_free(avoid=set())
        self.url = f"redis://{HOST}:{self.port}/0"
        self.client = redis.Redis(HOST, self.port)
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            redis_server.command(self._folder, self.port), stdout=subprocess.DEVNULL
        )
        assert wait_until(lambda: redis_server.answers(self.port), timeout_s=10, every_s=0.02)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)
        process = psutil.Process(self._process.pid)
        assert wait_until(lambda: process.status() == psutil.STATUS_STOPPED, timeout_s=10)


@pytest.fixture(scope="session")
def new_runtime_context() -> Callable[[], RuntimeContext]:
    return RuntimeContext


@pytest.fixture
def runtime_context(new_runtime_context: Callable[[], RuntimeContext]) -> RuntimeContext:
    return new_runtime_context()


@pytest.fixture
def redis_process(tmp_path: Path) -> Iterator[RedisProcess]:
    process = RedisProcess(tmp_path)
    yield process
    process.client.close()
    process.kill()
