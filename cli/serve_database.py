"""The settings and the database of the server, for commands beside it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from serving.access import Access
    from serving.history import History
    from serving.settings import ServeSettings

T = TypeVar("T")

_DATABASE = "serve.sqlite"


def load(file: Path | None, given: dict[str, Any] | None = None) -> "ServeSettings":
    """The server's settings; what nobody set is where the local stack is."""
    from local import reader_keys, stack
    from local.ports import HOST
    from serving import settings as serving

    found = serving.load(file=file, overrides=given)
    running = stack.status()
    if running is None or running.ports is None:
        return found
    local = {  # also of what is away just now: a server waits for it
        "kafka_bootstrap": f"{HOST}:{running.ports.kafka}",
        "redis_url": f"redis://{HOST}:{running.ports.redis}/0",
        "database_url": f"sqlite:///{running.state_dir / _DATABASE}",
        "profile_keys_file": ring
        if (ring := reader_keys.profiles_file(running.state_dir)).exists()
        else None,
    }
    unset = {
        name: value for name, value in local.items() if value and name not in found.model_fields_set
    }
    return serving.load(file=file, overrides={**(given or {}), **unset})


def with_access(settings: "ServeSettings", do: "Callable[[Access], Awaitable[T]]") -> T:
    """Do something with the keys in the database."""
    from serving.access import Access

    return with_history(settings, lambda history: do(Access(settings, history)))


def with_history(settings: "ServeSettings", do: "Callable[[History], Awaitable[T]]") -> T:
    """Do something with the database."""
    from serving.history import History

    async def done() -> T:
        history = History(settings.database_url.get_secret_value())
        try:
            await history.open()
            return await do(history)
        finally:
            await history.close()

    return asyncio.run(done())
