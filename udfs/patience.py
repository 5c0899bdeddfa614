"""How operators wait for a Redis that is lost."""

import time

from redis.backoff import ExponentialBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, TimeoutError

LOST_FOR_NOW = (ConnectionError, TimeoutError, BusyLoadingError)

SOCKET_TIMEOUT_S = 5.0

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0


class Patience:
    """Pauses between the attempts at one write, longer and longer, for `retry_s` in all."""

    def __init__(self, retry_s: float) -> None:
        self._deadline_s = time.monotonic() + retry_s
        self._backoff = ExponentialBackoff(_LONGEST_PAUSE_S, _FIRST_PAUSE_S)
        self._failures = 0

    def pause_s(self) -> float | None:
        """Seconds to wait after one more failure; None where there is no time left."""
        self._failures += 1
        pause_s = self._backoff.compute(self._failures)
        return pause_s if time.monotonic() + pause_s <= self._deadline_s else None
