"""When each article of a replay is due."""

from collections.abc import Callable

Pace = Callable[[int, int], float]
"""Number of the article (from 0) and its published_ms to seconds after the start."""


def flat_out() -> Pace:
    """Everything at once."""
    return lambda _index, _published_ms: 0.0


def at_rate(per_second: float) -> Pace:
    """So many articles a second.

    >>> at_rate(20)(10, 0)
    0.5
    """
    return lambda index, _published_ms: index / per_second


def at_speed(factor: float, first_ms: int) -> Pace:
    """On their own timestamps, `factor` times as fast; `first_ms` is due at the start.

    >>> at_speed(60, first_ms=1_000)(7, 121_000)
    2.0
    """
    return lambda _index, published_ms: (published_ms - first_ms) / 1000 / factor
