"""Events of a reader, one after the other: what is known of them then, and what is told of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from models.profiles.facts import ArticleFacts
from models.profiles.profile import Profile
from models.profiles.signals import ERASE, FORGETTING, Signal
from models.profiles.update import Fate, ProfileRules, update

Event = tuple[Signal, ArticleFacts | None]
"""What happened, and its article; None where it needs none, or nobody knows it."""

_MARGIN_MS = 60 * 60 * 1000
"""Producers' clocks differ: an erased reader's late events are refused for so much longer."""


class Erasure(NamedTuple):
    """Where a reader's newest erasure stood in its topic, and until when that matters."""

    partition: int
    offset: int
    until_ms: int


class Click(NamedTuple):
    """A reader's first click on an article, as lists count it; it does not name the reader.

    read_before  the article that was read before it in the same visit
    at_ms        when it arrived
    came_to      the story that the reader comes to with it, for the first time
    """

    language: str
    article_id: str
    read_before: str | None
    at_ms: int
    came_to: str | None


@dataclass(frozen=True)
class FoldRules:
    """How events become profiles.

    wait_ms   an event may wait so long for its article
    fresh_ms  a click that arrives later counts in no list
    """

    profile: ProfileRules
    wait_ms: int
    fresh_ms: int


@dataclass
class Folded:
    """A reader after some events.

    stored     whether a profile may lie outside that has not been ended yet
    tombstone  a profile ended among them, and that must be told before `profile` is
    changed    `profile` or `erasure` is another than before
    counted    `profile` is to be told
    fates      how many events became what
    without_article  events that were about an article nobody knows
    """

    profile: Profile | None
    erasure: Erasure | None
    stored: bool
    tombstone: bool = False
    changed: bool = False
    counted: bool = False
    clicks: list[Click] = field(default_factory=list)
    fates: dict[Fate, int] = field(default_factory=dict)
    without_article: int = 0

    def note(self, fate: Fate) -> None:
        """One event more became this."""
        self.fates[fate] = self.fates.get(fate, 0) + 1


def fold(
    profile: Profile | None,
    erasure: Erasure | None,
    events: Iterable[Event],
    rules: FoldRules,
    *,
    stored: bool,
) -> Folded:
    """Count a reader's events in their order; `profile` itself is changed.

    stored  whether there was a profile, be it one that can no longer be opened
    """
    done = Folded(profile, erasure, stored=stored)
    for found, known in events:
        if found.kind in FORGETTING:
            _forget(done, found, rules)
        elif _was_sent_before(found, done.erasure):
            done.note(Fate.BEFORE_ERASURE)
        else:
            _count(done, found, known, rules)
    return done


def _forget(done: Folded, found: Signal, rules: FoldRules) -> None:
    """Nothing is left but where the erasure stood. Every `erase` is answered by a tombstone, and so
    is the end of a profile of these very events: after a failure it may have been told before.
    """
    asked = found.kind == ERASE
    done.note(Fate.ERASED if asked else Fate.WITHDRAWN)
    done.tombstone = done.tombstone or asked or done.stored or done.profile is not None
    done.profile, done.stored = None, False
    done.counted, done.changed = False, True
    until_ms = found.arrived_ms + rules.wait_ms + _MARGIN_MS
    done.erasure = Erasure(found.partition, found.offset, until_ms)


def _count(done: Folded, found: Signal, known: ArticleFacts | None, rules: FoldRules) -> None:
    result = update(done.profile, found, known, rules.profile)
    done.note(result.fate)
    done.without_article += known is None and found.needs_article
    if result.changed:
        done.profile, done.changed = result.profile, True
    if result.fate is Fate.COUNTED:
        done.counted = True
        fresh = found.arrived_ms - found.at_ms <= rules.fresh_ms
        if result.first_read and known is not None and found.article_id is not None and fresh:
            done.clicks.append(
                Click(
                    known.language,
                    found.article_id,
                    result.read_before,
                    found.arrived_ms,
                    result.came_to,
                )
            )


def _was_sent_before(found: Signal, erasure: Erasure | None) -> bool:
    """Whether an event lay before the erasure in the topic, and came later: it waited."""
    return (
        erasure is not None
        and found.partition == erasure.partition
        and found.offset < erasure.offset
    )
