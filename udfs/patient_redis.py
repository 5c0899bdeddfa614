"""Pipelines to Redis that wait for a lost server, for operators that may block."""

import time
from collections.abc import Callable

from redis import Redis
from redis.backoff import NoBackoff
from redis.client import Pipeline
from redis.retry import Retry

from udfs.patience import LOST_FOR_NOW, SOCKET_TIMEOUT_S, Patience


def asking_once(url: str) -> Redis:
    """A client that tries each command once: redis-py's own retries nest."""
    return Redis.from_url(
        url,
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=SOCKET_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


class PatientRedis:
    """Redis, whose loss is waited for `retry_s` seconds; then the write fails, and with it the job.

    What is written must be absolute, for a pipeline that failed half-way is sent again.
    """

    def __init__(self, url: str, *, retry_s: float) -> None:
        self._retry_s = retry_s
        self._redis = asking_once(url)

    def write(self, queue: Callable[[Pipeline], None]) -> None:
        """Send what `queue` adds to a pipeline; it is called again for each attempt."""
        patience = Patience(self._retry_s)
        while True:
            pipeline = self._redis.pipeline(transaction=False)
            queue(pipeline)
            try:
                pipeline.execute()
            except LOST_FOR_NOW:
                pause_s = patience.pause_s()
                if pause_s is None:
                    raise
                time.sleep(pause_s)
            else:
                return

    def close(self) -> None:
        """End the connection."""
        self._redis.close()
