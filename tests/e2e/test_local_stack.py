"""One small stack through its life: these tests run in order."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from local import flink_cluster, process, state
from local import stack as local_stack
from local.flink_rest import Flink
from local.ports import is_free
from local.stack import Stack, StackConfig

pytestmark = pytest.mark.e2e

JARS = state.PROJECT / ".wiredesk" / "jars"
SLOW_JOB = """
import time
from pyflink.common import Types
from pyflink.datastream import StreamExecutionEnvironment

env = StreamExecutionEnvironment.get_execution_environment()
numbers = env.from_collection(list(range(100_000)), Types.INT())
numbers.map(lambda n: time.sleep(0.01) or n, Types.INT()).print()
env.execute("slow")
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> StackConfig:
    folder = tmp_path_factory.mktemp("small-stack")
    return StackConfig(folder, jars_dir=JARS, taskmanagers=1, slots=1)


@pytest.fixture(scope="module", autouse=True)
def started(config: StackConfig) -> Iterator[None]:
    try:
        local_stack.up(config)
        yield
    finally:
        local_stack.down(config.state_dir)


def running(config: StackConfig) -> Stack:
    found = local_stack.status(config.state_dir)
    assert found is not None
    return found


def kill(config: StackConfig, name: str) -> None:
    victim = next(p.find() for p in running(config).processes if p.name == name)
    assert victim is not None
    victim.kill()
    assert process.wait_until(lambda: not alive(config, name), timeout_s=5)


def alive(config: StackConfig, name: str) -> bool:
    return any(p.alive for p in running(config).processes if p.name == name)


def pids(config: StackConfig) -> dict[str, int]:
    return {p.name: p.pid for p in running(config).processes}


def marked(config: StackConfig) -> list[psutil.Process]:
    return process.marked(state.stack_id(config.state_dir))


def test_up_again_changes_nothing(config: StackConfig) -> None:
    before = running(config)
    assert before.whole
    assert local_stack.up(config) == before


def test_killed_redis_comes_back_alone_with_its_data_and_port(config: StackConfig) -> None:
    before, old = running(config), pids(config)
    assert before.redis is not None
    with redis.Redis.from_url(f"redis://{before.redis}") as client:
        client.set("article:1", "kept")
        kill(config, "redis")
        assert running(config).redis is None
        assert local_stack.up(config).redis == before.redis
        assert client.get("article:1") == b"kept"
    new = pids(config)
    assert {name for name in old if old[name] != new[name]} == {"redis"}


def test_every_process_is_marked(config: StackConfig) -> None:
    assert set(pids(config).values()) <= {p.pid for p in marked(config)}


def test_everything_listens_on_loopback_while_a_python_job_runs(
    config: StackConfig, tmp_path: Path
) -> None:
    flink = Flink(start_slow_job(config, tmp_path))
    assert process.wait_until(
        lambda: any(job.running and flink.tasks(job.id) == {"RUNNING"} for job in flink.jobs()),
        timeout_s=120,
    )
    listening = [
        connection.laddr.ip
        for found in marked(config)
        for connection in found.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) > 10
    assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}


def test_killed_taskmanager_leaves_no_python_worker_after_up(config: StackConfig) -> None:
    kill(config, "taskmanager-1")
    local_stack.up(config)
    assert process.orphans(state.stack_id(config.state_dir), running(config).processes) == []


def test_down_leaves_nothing_behind(config: StackConfig) -> None:
    before = running(config)
    addresses = [before.kafka, before.redis, before.flink]

    local_stack.down(config.state_dir)

    assert marked(config) == []
    assert local_stack.status(config.state_dir) is None
    assert all(is_free(int(address.split(":")[1])) for address in addresses if address)


def test_purge_keeps_the_lock_and_nothing_else(config: StackConfig) -> None:
    local_stack.down(config.state_dir, purge=True)
    assert [entry.name for entry in config.state_dir.iterdir()] == ["lock"]


def start_slow_job(config: StackConfig, folder: Path) -> str:
    """Address of the cluster that runs it."""
    address = running(config).flink
    assert address is not None
    script = folder / "slow.py"
    script.write_text(SLOW_JOB)
    client = flink_cluster.client(config.state_dir)
    python = ["-pyclientexec", sys.executable, "-pyexec", sys.executable]
    subprocess.run(
        [*client.command, "run", "-d", "-m", address, *python, "-py", str(script)],
        env=os.environ | client.environment,
        check=True,
        capture_output=True,
    )
    return address
