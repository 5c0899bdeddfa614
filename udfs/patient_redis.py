"""Pipelines to Redis that wait for a lost server, for operators that may block."""

import time
from collections.abc import Callable

from redis import Redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.client import Pipeline
from redis.exceptions import BusyLoadingError, ConnectionError, TimeoutError
from redis.retry import Retry

_BACKOFF_FIRST_S = 0.05
_BACKOFF_LONGEST_S = 1.0
_SOCKET_TIMEOUT_S = 5.0
_LOST_FOR_NOW = (ConnectionError, TimeoutError, BusyLoadingError)


class PatientRedis:
    """Redis, whose loss is waited for `retry_s` seconds; then the write fails, and with it the job.

    What is written must be absolute, for a pipeline that failed half-way is sent again.
    """

    def __init__(self, url: str, *, retry_s: float) -> None:
        self._retry_s = retry_s
        self._redis = Redis.from_url(
            url,
            socket_timeout=_SOCKET_TIMEOUT_S,
            socket_connect_timeout=_SOCKET_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # redis-py's own retries nest; `write` waits
        )

    def write(self, queue: Callable[[Pipeline], None]) -> None:
        """Send what `queue` adds to a pipeline; it is called again for each attempt."""
        deadline, failures = time.monotonic() + self._retry_s, 0
        backoff = ExponentialBackoff(_BACKOFF_LONGEST_S, _BACKOFF_FIRST_S)
        while True:
            pipeline = self._redis.pipeline(transaction=False)
            queue(pipeline)
            try:
                pipeline.execute()
            except _LOST_FOR_NOW:
                failures += 1
                pause = backoff.compute(failures)
                if time.monotonic() + pause > deadline:
                    raise
                time.sleep(pause)
            else:
                return

    def close(self) -> None:
        """End the connection."""
        self._redis.close()
