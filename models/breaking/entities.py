"""State of an entity: how many independent sources usually name it in an hour.

Windows overlap and only those with a few sources are counted, so a missing one stands for none.
"""

from typing import NamedTuple

from models.breaking.rhythm import HOUR_MS, MINUTE_MS

WINDOW_MS = HOUR_MS
SLIDE_MS = 5 * MINUTE_MS
MEMORY = 0.99
"""What a window leaves of the weight of those before it: half after about six hours."""

PRIOR = 0.5
"""Sources an hour of an entity that was never seen, worth one window."""

FORGOTTEN = 0.05
"""An entity that is expected less often than this is as good as unknown."""


class Usual(NamedTuple):
    """Sum and weight of the windows before the newest, then the newest."""

    total: float = 0.0
    weight: float = 0.0
    end_ms: int = 0
    observed: int = 0


def observe(past: Usual, end_ms: int, observed: int) -> Usual:
    """The state after a window; one that is older than the newest changes nothing."""
    if not past.end_ms:
        return Usual(end_ms=end_ms, observed=observed)
    passed = (end_ms - past.end_ms) // SLIDE_MS
    if passed <= 0:
        return past
    faded = MEMORY ** (passed - 1)
    total = (MEMORY * past.total + past.observed) * faded
    weight = (MEMORY * past.weight + 1) * faded + (1 - faded) / (1 - MEMORY)
    return Usual(total, weight, end_ms, observed)


def expected(usual: Usual) -> float:
    """Independent sources that an hour should bring.

    >>> quiet = Usual()
    >>> for window in range(1, 40):
    ...     quiet = observe(quiet, window * SLIDE_MS, 4)
    >>> round(expected(quiet), 1), observe(quiet, 40 * SLIDE_MS, 20).observed
    (3.9, 20)
    """
    return (usual.total + PRIOR) / (usual.weight + 1)
