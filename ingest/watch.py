"""Watching sources: what they usually do, and signals when they stop doing it. Pure functions.

| Signal | When |
|---|---|
| `silent_source` | nothing new for four times its mean gap, and at least six hours |
| `flooding_source` | one poll brings ten times its usual number, and at least fifty |
| `future_dates` | a fifth of its latest items lay ahead of the clock |
| `language_change` | most of its latest items have another language than most before |
| `extraction_failures` | half of its latest pages gave no text |
| `template_change` | the pages' texts are suddenly a fifth as long, or five times |
| `failing_source` | ten polls in a row failed |

A signal is raised once, and again after it was over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

RECENT = 20
"""Items by which the latest are judged."""

_WEIGHT = 0.1
_SILENT_GAPS = 4.0
_SILENT_AT_LEAST_MS = 6 * 3600 * 1000
_FLOOD_FACTOR, _FLOOD_AT_LEAST = 10.0, 50
_FUTURE_SHARE = 0.2
_FAILED_SHARE = 0.5
_LENGTH_FACTOR = 5.0
_FAILURES = 10


class Kind(StrEnum):
    """What is wrong with a source."""

    SILENT = "silent_source"
    FLOODING = "flooding_source"
    FUTURE_DATES = "future_dates"
    LANGUAGE_CHANGE = "language_change"
    EXTRACTION_FAILURES = "extraction_failures"
    TEMPLATE_CHANGE = "template_change"
    FAILING = "failing_source"


@dataclass(frozen=True)
class Signal:
    """Something to look at: what was observed, and what would have been expected."""

    kind: Kind
    source: str
    observed: float
    expected: float
    detail: str


@dataclass(frozen=True)
class Watched:
    """What is known of a source; the sequences hold its latest items, newest last.

    usual_new     mean number of items of a poll that brought any
    usual_words   mean words of a page's text
    gap_ms        mean time between two polls that brought something
    raised        kinds that hold at present
    """

    polls: int = 0
    usual_new: float = 0.0
    usual_words: float = 0.0
    gap_ms: float = 0.0
    last_new_ms: int = 0
    failures: int = 0
    future: Sequence[bool] = ()
    failed: Sequence[bool] = ()
    words: Sequence[int] = ()
    languages: Sequence[str] = ()
    usual_language: str = ""
    raised: Sequence[str] = field(default_factory=tuple)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Watched":
        """What was kept as JSON."""
        return cls(**kept)


@dataclass(frozen=True)
class Item:
    """One item as it was handled.

    future  its time lay ahead of the clock
    words   of its page's text; None when no page was read, 0 when there was no text in it
    """

    future: bool = False
    words: int | None = None
    language: str = ""


def after_poll(watched: Watched, *, new: int, now_ms: int) -> Watched:
    """A poll that was answered and brought `new` items."""
    if not new:
        return replace(watched, polls=watched.polls + 1, failures=0)
    gap_ms = watched.gap_ms
    if watched.last_new_ms:
        gap_ms = _mean(gap_ms, float(now_ms - watched.last_new_ms))
    first = watched.last_new_ms == 0  # all that the source holds: says nothing about a poll
    return replace(
        watched,
        polls=watched.polls + 1,
        usual_new=watched.usual_new if first else _mean(watched.usual_new, float(new)),
        gap_ms=gap_ms,
        last_new_ms=now_ms,
        failures=0,
    )


def after_failure(watched: Watched) -> Watched:
    """A poll that failed."""
    return replace(watched, failures=watched.failures + 1)


def after_item(watched: Watched, item: Item) -> Watched:
    """An item that was handled."""
    words, usual_words, failed = watched.words, watched.usual_words, watched.failed
    if item.words is not None:
        failed = _latest(failed, item.words == 0)
        if item.words:
            if len(words) == RECENT:
                usual_words = _mean(usual_words, float(words[0]))
            words = _latest(words, item.words)
    languages, usual_language = watched.languages, watched.usual_language
    if item.language:
        languages = _latest(languages, item.language.partition("-")[0].lower())
        if not usual_language and len(languages) >= RECENT // 2:
            usual_language = _most_common(languages)
    return replace(
        watched,
        future=_latest(watched.future, item.future),
        failed=failed,
        words=words,
        usual_words=usual_words,
        languages=languages,
        usual_language=usual_language,
    )


def signals(
    source: str, before: Watched, watched: Watched, *, new: int, now_ms: int
) -> tuple[Watched, list[Signal]]:
    """What is wrong now and was not before; the first holds what has been raised."""
    found = {s.kind: s for s in _wrong(source, before, watched, new, now_ms)}
    fresh = [signal for kind, signal in found.items() if kind not in watched.raised]
    language = watched.usual_language
    if Kind.LANGUAGE_CHANGE in found:
        language = _most_common(watched.languages)  # from now on this is the usual one
    raised = tuple(str(kind) for kind in found)
    return replace(watched, raised=raised, usual_language=language), fresh


def _wrong(source: str, before: Watched, watched: Watched, new: int, now_ms: int) -> list[Signal]:
    found = []

    def raise_(kind: Kind, observed: float, expected: float, detail: str) -> None:
        found.append(Signal(kind, source, round(observed, 3), round(expected, 3), detail))

    quiet_ms = now_ms - watched.last_new_ms
    patience_ms = max(watched.gap_ms * _SILENT_GAPS, _SILENT_AT_LEAST_MS)
    if watched.gap_ms and not new and quiet_ms > patience_ms:
        hours, usual = quiet_ms / 3.6e6, watched.gap_ms / 3.6e6
        raise_(
            Kind.SILENT, hours, usual, f"nothing new for {hours:.1f} h; usually every {usual:.1f} h"
        )
    usual_new = before.usual_new
    if usual_new and new >= max(_FLOOD_AT_LEAST, _FLOOD_FACTOR * usual_new):
        raise_(Kind.FLOODING, new, usual_new, f"{new} items at once; usually {usual_new:.0f}")
    ahead = _share(watched.future)
    if len(watched.future) >= RECENT // 2 and ahead >= _FUTURE_SHARE:
        raise_(
            Kind.FUTURE_DATES,
            ahead,
            0.0,
            f"{ahead:.0%} of the latest items are dated in the future",
        )
    lost = _share(watched.failed)
    if len(watched.failed) >= RECENT // 2 and lost >= _FAILED_SHARE:
        raise_(Kind.EXTRACTION_FAILURES, lost, 0.0, f"{lost:.0%} of the latest pages gave no text")
    if watched.usual_words and len(watched.words) == RECENT:
        mean = sum(watched.words) / RECENT
        factor = max(mean, 1.0) / watched.usual_words
        if factor >= _LENGTH_FACTOR or factor <= 1 / _LENGTH_FACTOR:
            raise_(
                Kind.TEMPLATE_CHANGE,
                mean,
                watched.usual_words,
                f"pages have {mean:.0f} words; usually {watched.usual_words:.0f}",
            )
    if watched.usual_language and len(watched.languages) >= RECENT // 2:
        most = _most_common(watched.languages)
        share = sum(one == most for one in watched.languages) / len(watched.languages)
        if most != watched.usual_language and share > 0.5:
            raise_(Kind.LANGUAGE_CHANGE, share, 0.0, f"now {most}, before {watched.usual_language}")
    if watched.failures >= _FAILURES:
        raise_(Kind.FAILING, watched.failures, 0.0, f"{watched.failures} polls in a row failed")
    return found


def _mean(mean: float, value: float) -> float:
    return value if not mean else mean + _WEIGHT * (value - mean)


def _latest(items: Sequence[Any], item: Any) -> tuple[Any, ...]:
    return (*items, item)[-RECENT:]


def _share(items: Sequence[bool]) -> float:
    return sum(items) / len(items) if items else 0.0


def _most_common(items: Sequence[str]) -> str:
    return max(sorted(set(items)), key=items.count)
