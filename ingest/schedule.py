"""When a source is asked next; pure functions of what was seen."""

from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime

_FASTER = 0.6
_SLOWER = 1.25
_SHARE_OF_GAP = 0.5
_ERROR_BASE_S = 60.0
_GAP_WEIGHT = 0.2


@dataclass(frozen=True)
class Limits:
    """Seconds between two polls: never fewer, never more, at first; and after errors at most."""

    fewest_s: float = 60.0
    most_s: float = 3600.0
    first_s: float = 300.0
    after_errors_s: float = 6 * 3600.0


@dataclass(frozen=True)
class Rhythm:
    """What is known of a source's rhythm.

    interval_s  how long it is left alone at present
    gap_s       mean time between two polls that brought something; 0 while unknown
    failures    in a row
    """

    interval_s: float = 0.0
    gap_s: float = 0.0
    failures: int = 0
    last_new_ms: int = 0


def after_answer(
    rhythm: Rhythm, limits: Limits, *, new: int, now_ms: int, asked_s: float = 0.0
) -> Rhythm:
    """After a poll that brought `new` items.

    asked_s  what the publisher asks for (ttl, Cache-Control); kept up to the most we wait

    A source that brings something is asked sooner, a quiet one later, and never so seldom that
    more than about half of its mean gap goes by.

    >>> r = after_answer(Rhythm(interval_s=300), Limits(), new=3, now_ms=0)
    >>> r.interval_s, after_answer(r, Limits(), new=0, now_ms=1).interval_s
    (180.0, 225.0)
    """
    interval_s = rhythm.interval_s or limits.first_s
    gap_s, last_new_ms = rhythm.gap_s, rhythm.last_new_ms
    if new:
        if last_new_ms:
            seen_s = max(0.0, (now_ms - last_new_ms) / 1000)
            gap_s = seen_s if not gap_s else gap_s + _GAP_WEIGHT * (seen_s - gap_s)
        last_new_ms = now_ms
        interval_s *= _FASTER
    else:
        interval_s *= _SLOWER
        if gap_s:
            interval_s = min(interval_s, max(gap_s * _SHARE_OF_GAP, limits.fewest_s))
    lowest_s = max(limits.fewest_s, min(asked_s, limits.most_s))
    interval_s = min(max(interval_s, lowest_s), limits.most_s)
    return replace(rhythm, interval_s=interval_s, gap_s=gap_s, failures=0, last_new_ms=last_new_ms)


def after_failure(rhythm: Rhythm) -> Rhythm:
    """After a poll that failed: the interval stays, the wait grows by `due_s`."""
    return replace(rhythm, failures=rhythm.failures + 1)


def wait_s(rhythm: Rhythm, limits: Limits, *, chance: float, retry_after_s: float = 0.0) -> float:
    """Seconds until the next poll.

    chance         0..1, drawn by the caller: a tenth of the interval, half of a backoff is left
                   to it, so that sources do not march in step
    retry_after_s  as the server said; kept up to a day

    >>> wait_s(Rhythm(interval_s=300), Limits(), chance=0.5)
    300.0
    >>> wait_s(Rhythm(interval_s=300, failures=3), Limits(), chance=1.0)
    480.0
    """
    if rhythm.failures:
        doubled = _ERROR_BASE_S * 2.0 ** min(rhythm.failures, 16)
        backoff_s = min(max(doubled, limits.fewest_s), limits.after_errors_s)
        waited_s = backoff_s * (0.5 + 0.5 * chance)
    else:
        waited_s = (rhythm.interval_s or limits.first_s) * (0.95 + 0.1 * chance)
    return max(waited_s, min(retry_after_s, 86_400.0))


def retry_after_s(value: str, now: datetime) -> float:
    """Seconds of a Retry-After header: a number or a date; 0 for anything else.

    >>> from datetime import UTC
    >>> now = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    >>> retry_after_s("120", now), retry_after_s("Mon, 02 Mar 2026 08:01:00 GMT", now)
    (120.0, 60.0)
    """
    text = value.strip()
    if text.isdigit():
        return float(min(int(text), 10**9))
    try:
        when = parsedate_to_datetime(text)
        return max(0.0, (when - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def max_age_s(cache_control: str) -> float:
    """Seconds of `max-age` in a Cache-Control header; 0 without, or where caching is forbidden.

    >>> max_age_s("public, max-age=600"), max_age_s("no-cache, max-age=600")
    (600.0, 0.0)
    """
    words = [word.strip().lower() for word in cache_control.split(",")]
    if "no-cache" in words or "no-store" in words:
        return 0.0
    for word in words:
        name, _, number = word.partition("=")
        if name == "max-age" and number.strip('" ').isdigit():
            return float(min(int(number.strip('" ')), 10**9))
    return 0.0
