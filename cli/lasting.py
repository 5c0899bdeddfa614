"""How long a command lasts: `--for` and `--until`."""

import re
import time
from typing import Annotated

import typer

from cli.reading import moment_ms
from schemas.errors import SetupError

ForOption = Annotated[
    str | None, typer.Option("--for", metavar="2h", help="How long: seconds s, m, h or days d.")
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Until when: 2026-03-01T12:00Z.")
]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def end_ms(lasting: str | None, until: str | None) -> int | None:
    """When a command ends by itself; None leaves it to the job. Raises SetupError."""
    now_ms = time.time_ns() // 1_000_000
    if lasting and until:
        raise SetupError("--for and --until exclude each other")
    if lasting:
        return now_ms + duration_ms(lasting)
    if not until:
        return None
    ends_ms = moment_ms(until)
    if ends_ms <= now_ms:
        raise SetupError(f"--until {until} lies in the past")
    return ends_ms


def duration_ms(text: str) -> int:
    """A length of time. Raises SetupError.

    >>> duration_ms("90s"), duration_ms("2h"), duration_ms("1.5d")
    (90000, 7200000, 129600000)
    """
    found = _DURATION.fullmatch(text.strip())
    if not found or not float(found[1]):
        raise SetupError(f"{text!r} is no length of time; expected for example 90s, 30m, 2h or 1d")
    return round(float(found[1]) * _UNIT_MS[found[2]])
