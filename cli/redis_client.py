"""Where Redis is, the same for every command."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from redis import Redis
from redis.exceptions import RedisError

from jobs.runtime.catalogue import load_shared
from local import stack
from schemas.errors import ServiceError, SetupError
from schemas.settings import KafkaSettings, RedisUrl

_CONNECT_S = 5

RedisOption = Annotated[
    str | None,
    typer.Option(
        "--redis",
        metavar="URL",
        help="Redis. Default: redis_url of the settings, else the running local stack's.",
    ),
]


class _Place(KafkaSettings):
    """What a command reads of the jobs' settings; unset is told from set."""

    redis_url: RedisUrl | None = None


@contextmanager
def redis_client(url: str | None, settings: Path | None) -> Iterator[Redis]:
    """Redis at `--redis`, else as the settings name it, else the local stack's.

    Raises SetupError where none is named, ServiceError where it does not answer.
    """
    try:
        client = Redis.from_url(_address(url, settings), socket_connect_timeout=_CONNECT_S)
    except ValueError as error:
        raise SetupError("--redis is no address; expected redis://:PASSWORD@HOST:6379/0") from error
    try:
        with client:
            client.ping()
            yield client
    except RedisError as error:
        raise ServiceError(f"Redis does not answer: {error}") from error


def _address(url: str | None, settings: Path | None) -> str:
    if url:
        return url
    if named := load_shared(_Place, file=settings).redis_url:
        return named.get_secret_value()
    running = stack.status()
    if running and running.redis:
        return f"redis://{running.redis}"
    raise SetupError(
        "no Redis runs here: name it with --redis redis://HOST:PORT, or redis_url in --settings"
    )
