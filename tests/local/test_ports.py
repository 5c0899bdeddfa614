import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.errors import StackError
from local.ports import HOST, any_free, is_free, is_open, next_free
from local.stack import StackConfig, choose_ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that something else listens on."""
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def test_port_with_a_listener_is_open_and_not_free(taken: int) -> None:
    assert is_open(taken)
    assert not is_free(taken)


def test_taken_default_gives_the_next_free_port(taken: int) -> None:
    assert next_free(taken, avoid=set()) > taken


def test_port_to_avoid_is_not_chosen() -> None:
    free = any_free(avoid=set())
    assert next_free(free, avoid={free}) > free


def test_ports_of_one_stack_differ(tmp_path: Path) -> None:
    ports = choose_ports(StackConfig(tmp_path))
    assert len({ports.kafka, ports.redis, ports.flink, ports.controller, ports.rpc}) == 5


def test_port_asked_for_is_used(tmp_path: Path) -> None:
    free = any_free(avoid=set())
    assert choose_ports(StackConfig(tmp_path, redis_port=free)).redis == free


def test_taken_port_asked_for_is_refused(tmp_path: Path, taken: int) -> None:
    with pytest.raises(StackError, match=f"Port {taken} is taken.*--kafka-port"):
        choose_ports(StackConfig(tmp_path, kafka_port=taken))


def test_one_port_for_two_servers_is_refused(tmp_path: Path) -> None:
    free = any_free(avoid=set())
    with pytest.raises(StackError, match="--flink-port"):
        choose_ports(StackConfig(tmp_path, redis_port=free, flink_port=free))
