"""How often someone may ask."""

import time
from collections.abc import Callable

from cachetools import TTLCache

from serving.errors import TooOften

_MOST = 100_000
_FORGOTTEN_S = 600


class RateLimits:
    """A token bucket for each who asks; those who were silent for ten minutes are forgotten."""

    def __init__(
        self, *, per_minute: int, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_minute = per_minute
        self._burst = burst
        self._clock = clock
        self._buckets: TTLCache[str, tuple[float, float]] = TTLCache(_MOST, _FORGOTTEN_S, clock)

    def take(self, who: str, per_minute: int | None) -> None:
        """Count a request; a slow rate of one's own allows a smaller burst, too. Raises TooOften.

        >>> limits = RateLimits(per_minute=60, burst=1, clock=lambda: 0.0)
        >>> limits.take("a", None)
        >>> limits.take("a", None)
        Traceback (most recent call last):
        serving.limits.TooOften: too many requests; the next one is taken in 1 s
        >>> limits = RateLimits(per_minute=600, burst=200, clock=lambda: 0.0)
        >>> for _ in range(2):
        ...     limits.take("b", 2)
        >>> limits.take("b", 2)
        Traceback (most recent call last):
        serving.limits.TooOften: too many requests; the next one is taken in 30 s
        """
        rate_s = (per_minute or self._per_minute) / 60
        most = float(min(self._burst, per_minute or self._burst))
        now_s = self._clock()
        left, since_s = self._buckets.get(who, (most, now_s))
        left = min(most, left + (now_s - since_s) * rate_s)
        if left < 1:
            self._buckets[who] = (left, now_s)
            raise TooOften((1 - left) / rate_s)
        self._buckets[who] = (left - 1, now_s)
