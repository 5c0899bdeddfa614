"""Writes to Redis that share pipelines and wait for a lost server."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Generic, TypeVar

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from udfs.patience import LOST_FOR_NOW, SOCKET_TIMEOUT_S, Patience

Written = TypeVar("Written")


class RedisPipelines(Generic[Written]):
    """Queues what comes while a pipeline is on its way into the next one. Lives on one event loop.

    queue    adds the commands of a record to a pipeline; they are absolute, for a pipeline that
             failed half-way is sent again
    retry_s  seconds to wait for a lost Redis; then every caller fails, and the job restarts
    sent     pipelines so far, those that failed too
    """

    def __init__(
        self, url: str, queue: Callable[[Pipeline, Written], None], *, retry_s: float
    ) -> None:
        self._queue = queue
        self._retry_s = retry_s
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=SOCKET_TIMEOUT_S,
            socket_connect_timeout=SOCKET_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # redis-py's own retries nest; `_patiently` waits
        )
        self._waiting: list[tuple[Written, asyncio.Future[list[Any]]]] = []
        self._writing: asyncio.Task[None] | None = None
        self.sent = 0

    async def write(self, record: Written) -> list[Any]:
        """What Redis answered to each command of the record, when it is written."""
        written: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_waiting())
        return await written

    async def _write_waiting(self) -> None:
        """Write whatever waits, a pipeline at a time, until nothing does."""
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                answers = await self._patiently([record for record, _ in batch])
            except Exception as error:  # each caller fails with it, and with them the job
                for _, written in batch:
                    written.set_exception(error)
            else:
                for (_, written), of_record in zip(batch, answers, strict=True):
                    written.set_result(of_record)
        self._writing = None

    async def _patiently(self, records: Sequence[Written]) -> list[list[Any]]:
        """Try until Redis is there again, for `retry_s` seconds at most; the answers per record."""
        patience = Patience(self._retry_s)
        while True:
            pipeline = self._redis.pipeline(transaction=False)
            ends = [0]
            for record in records:
                self._queue(pipeline, record)
                ends.append(len(pipeline))
            self.sent += 1
            try:
                answers = await pipeline.execute()
                return [answers[start:end] for start, end in pairwise(ends)]
            except LOST_FOR_NOW:
                pause_s = patience.pause_s()
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)
