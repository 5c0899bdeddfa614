"""Answers that are kept for a while; what is being answered is not answered a second time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from cachetools import TTLCache

Answer = TypeVar("Answer")


class AnswerCache(Generic[Answer]):
    """Equal keys are answered once while their answer is kept. Lives on one event loop.

    `hits` counts the calls that another one had answered. Failures are not kept.
    """

    def __init__(self, entries: int, ttl_s: int) -> None:
        self._known: TTLCache[str, asyncio.Future[Answer]] = TTLCache(entries, ttl_s)
        self.hits = 0

    async def answer(self, key: str, compute: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer that is known for a key, or the computed one; raises what `compute` does."""
        while (known := self._known.get(key)) is not None:
            if not known.done():
                await asyncio.wait([known])
            if known.cancelled():  # whoever computed it has gone
                continue
            answer = known.result()
            self.hits += 1
            return answer
        return await self._remember(key, compute)

    async def _remember(self, key: str, compute: Callable[[], Awaitable[Answer]]) -> Answer:
        """Compute an answer that others may wait for."""
        promised: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if self._known.maxsize:
            self._known[key] = promised
        try:
            answer = await compute()
        except BaseException as error:
            if self._known.get(key) is promised:
                del self._known[key]
            if isinstance(error, Exception):
                promised.set_exception(error)
                promised.exception()  # seen: the caller raises it, too
            else:
                promised.cancel()
            raise
        promised.set_result(answer)
        return answer
