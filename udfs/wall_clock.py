"""The time of the machine, for what happens now; event time comes with the records."""

import time


def wall_clock_ms() -> int:
    """Milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000
