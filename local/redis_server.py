"""One Redis server that keeps its data."""

import shutil
from pathlib import Path

import redis

from local.errors import StackError
from local.ports import HOST, is_open


def command(state_dir: Path, port: int) -> list[str]:
    """The server's command line: what it answers is on disk a second later."""
    program = shutil.which("redis-server")
    if program is None:
        raise StackError(
            "redis-server not found: run `make setup`, or install Redis (Debian: redis-server)."
        )
    data = state_dir / "redis"
    data.mkdir(parents=True, exist_ok=True)
    options = {
        "--bind": HOST,
        "--port": str(port),
        "--dir": str(data),
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--save": "",
        "--daemonize": "no",
        "--set-proc-title": "no",  # its title would overwrite the environment we know it by
    }
    return [program, *(word for option in options.items() for word in option)]


def answers(port: int) -> bool:
    """Whether the server answers a PING; one that still loads its data does not."""
    if not is_open(port):
        return False
    try:
        with redis.Redis(HOST, port, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
