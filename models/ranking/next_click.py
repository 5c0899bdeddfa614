"""What a session reads next, by counts alone: what is popular, where, and what is read together.

Counts decay exponentially and are updated with every click, so that they are never older than the
last one. `NextClick.features` is what a ranking learns from; nothing in it needs a text, nor the
click that is to be foretold: of the place the last click's is known, not the next one's.

Sequential rules, item-kNN and V-SkNN are as in Ludewig and Jannach, "Evaluation of session-based
recommendation algorithms" (2018), with decayed counts.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

HALF_LIVES_MS = (5 * MINUTE_MS, 30 * MINUTE_MS, 3 * HOUR_MS, DAY_MS)
PLACE_HALF_LIFE = 2
"""Of HALF_LIVES_MS, for the clicks of a place."""

RECENT_MS, LASTING_MS = 2 * HOUR_MS, DAY_MS
"""Half-lives of pairs."""

REBASE_MS = DAY_MS
"""How often sums are brought back to the present: they grow by 2 each 5 minutes."""

FORGOTTEN = 0.02
"""Decayed count below which a pair is dropped."""

SESSION_KEPT_MS = 3 * DAY_MS
SESSION_LOOKED_AT = 10
NEIGHBOUR_ARTICLES = 5
"""Articles of a session by which its neighbours are found, the last ones."""

NEIGHBOURS = 100
SESSIONS_OF_ARTICLE = 300
READS_KEPT = 50
EARLIER_READS = 3
"""Of a reader's earlier sessions, by what is read together."""

PLACE_PRIOR = 5.0
"""Clicks of a place that stand for what all places read."""

PAIR_PRIOR = 0.05
FLOOR = 0.05
"""Added to counts before their logarithm."""


class Click(NamedTuple):
    """A click in a session.

    article, session, reader   small numbers that the caller gives; reader -1: not known
    place                      what is known of where it came from: device, region, referrer;
                               the same number of values in every click
    """

    article: int
    session: int
    reader: int
    at_ms: int
    place: tuple[int, ...] = ()


COUNTS = ("clicks_5m", "clicks_30m", "clicks_3h", "clicks_1d")
FOLLOWED = ("followed_5m", "followed_30m", "followed_3h", "followed_1d")
NAMES = (
    *COUNTS,
    *FOLLOWED,
    "followed_share",
    "age",
    "next_recent",
    "next_recent_share",
    "next_lasting",
    "next_lasting_share",
    "next_lift",
    "together",
    "item_knn",
    "earlier_together",
    "read_before",
    "sessions_knn",
    "session_length",
    "last_clicks",
    "last_age",
    "hour",
)
"""Of the columns before those of the place.

clicks_*          log of clicks in any place in a session, decayed
followed_*        log of clicks that followed another in a session
followed_share    log of how many of an article's clicks followed another
age               log of hours since the first click
next_*            how often it was clicked right after the session's last article, decayed within
                  hours (recent) or days (lasting); as a share; and over its share of all clicks
together          clicks in one session with the session's articles, the last one counting most
item_knn          the same by cosine
earlier_together  together with what the reader read in earlier sessions
read_before       whether the reader did
sessions_knn      V-SkNN: weight of similar sessions with it
session_length, last_clicks, last_age, hour   of the session, the same for all candidates
"""


class NextClick:
    """Counts of a stream of clicks in order of time. Not for use by several threads at once."""

    def __init__(self, places: int = 0, *, articles: int = 1024) -> None:
        self._base_ms = 0
        self._seen = False
        half_lives = len(HALF_LIVES_MS)
        self._clicks: Array = np.zeros((articles, half_lives))
        self._followed: Array = np.zeros((articles, half_lives))
        self._left: Array = np.zeros((articles, 2))
        self._total: Array = np.zeros(half_lives)
        self._first_ms = np.full(articles, -1, np.int64)
        self._places: list[dict[int, Array]] = [{} for _ in range(places)]
        self._place_totals: list[dict[int, float]] = [{} for _ in range(places)]
        self._next_recent: dict[int, dict[int, float]] = {}
        self._next_lasting: dict[int, dict[int, float]] = {}
        self._together: dict[int, dict[int, float]] = {}
        self._sessions: dict[int, list[int]] = {}
        self._touched_ms: dict[int, int] = {}
        self._last_place: dict[int, tuple[int, ...]] = {}
        self._sessions_of: dict[int, deque[int]] = {}
        self._reads: dict[int, deque[int]] = {}

    def names(self) -> tuple[str, ...]:
        """Columns of `features`."""
        return NAMES + tuple(f"place_{number}" for number in range(len(self._places)))

    def session(self, session: int) -> Sequence[int]:
        """Articles that a session has clicked, in order, each once."""
        return self._sessions.get(session, ())

    def learn(self, click: Click) -> None:
        """Count a click. A second click on an article in a session counts as a click alone."""
        self._rebase(click.at_ms)
        article, worth = click.article, self._worth(click.at_ms)
        self._grow(article)
        self._clicks[article] += worth
        self._total += worth
        if self._first_ms[article] < 0:
            self._first_ms[article] = click.at_ms
        for counts, totals, value in zip(
            self._places, self._place_totals, click.place, strict=True
        ):
            if value not in counts:
                counts[value] = np.zeros(len(self._clicks))
            counts[value][article] += worth[PLACE_HALF_LIFE]
            totals[value] = totals.get(value, 0.0) + float(worth[PLACE_HALF_LIFE])
        self._last_place[click.session] = click.place
        self._touched_ms[click.session] = click.at_ms
        items = self._sessions.setdefault(click.session, [])
        if article in items:
            return
        if items:
            self._learn_pairs(items[-SESSION_LOOKED_AT:], article, worth, click.at_ms)
        items.append(article)
        holders = self._sessions_of.setdefault(article, deque(maxlen=SESSIONS_OF_ARTICLE))
        holders.append(click.session)
        if click.reader >= 0:
            self._reads.setdefault(click.reader, deque(maxlen=READS_KEPT)).append(article)

    def features(self, session: int, reader: int, now_ms: int, candidates: Sequence[int]) -> Array:
        """float64 (candidates, names) of a session that has clicked before. Raises ValueError."""
        items = self._sessions.get(session)
        if not items:
            raise ValueError(f"session {session} has not clicked yet")
        self._grow(max(candidates))
        places = np.array(candidates, np.int64)
        aged = self._aged(now_ms)
        last = items[-1]
        clicks, followed = self._clicks[places] * aged, self._followed[places] * aged
        total = max(float((self._total * aged)[PLACE_HALF_LIFE]), FLOOR)
        share = (clicks[:, PLACE_HALF_LIFE] + FLOOR) / total
        recent_age, lasting_age = self._pairs_aged(now_ms).tolist()
        recent = _of(self._next_recent.get(last), candidates) * recent_age
        lasting = _of(self._next_lasting.get(last), candidates) * lasting_age
        left = self._left[last] * (recent_age, lasting_age)
        together, cosine = self._read_together(items, candidates, aged, lasting_age)
        read = self._reads.get(reader, ())
        known = set(items)
        earlier = [item for item in read if item not in known][-EARLIER_READS:]
        with_earlier = sum(
            (_of(self._together.get(item), candidates) * lasting_age for item in earlier),
            np.zeros(len(candidates)),
        )
        of_session = (
            float(len(items)),
            float(np.log(self._clicks[last] @ aged / len(aged) + FLOOR)),
            float(self._age(np.array([last]), now_ms)[0]),
            now_ms / HOUR_MS % 24,
        )
        columns = [
            *np.log(clicks + FLOOR).T,
            *np.log(followed + FLOOR).T,
            np.log((followed[:, 2] + 0.5) / (clicks[:, 2] + 1)),
            self._age(places, now_ms),
            recent,
            recent / (left[0] + 1),
            lasting,
            lasting / (left[1] + 1),
            np.log((lasting + PAIR_PRIOR * share) / ((left[1] + PAIR_PRIOR) * share)),
            together,
            cosine / np.sqrt(clicks[:, 3] + 1),
            with_earlier,
            np.isin(places, list(read)).astype(np.float64),
            self._neighbours(items, candidates),
            *(np.full(len(candidates), value) for value in of_session),
            *self._of_places(session, places, share, aged[PLACE_HALF_LIFE]),
        ]
        return np.stack(columns, axis=1)

    def _learn_pairs(self, items: Sequence[int], article: int, worth: Array, at_ms: int) -> None:
        recent, lasting = (1 / self._pairs_aged(at_ms)).tolist()
        last = items[-1]
        self._followed[article] += worth
        self._left[last] += (recent, lasting)
        for pairs, weight in ((self._next_recent, recent), (self._next_lasting, lasting)):
            row = pairs.setdefault(last, {})
            row[article] = row.get(article, 0.0) + weight
        for item in items:
            for one, other in ((item, article), (article, item)):
                row = self._together.setdefault(one, {})
                row[other] = row.get(other, 0.0) + lasting

    def _read_together(
        self, items: Sequence[int], candidates: Sequence[int], aged: Array, lasting_age: float
    ) -> tuple[Array, Array]:
        together, cosine = np.zeros((2, len(candidates)))
        for back, item in enumerate(reversed(items[-SESSION_LOOKED_AT:]), start=1):
            weight = _of(self._together.get(item), candidates) * lasting_age / back
            together += weight
            cosine += weight / np.sqrt(max(self._clicks[item, 3] * aged[3], 1.0))
        return together, cosine

    def _neighbours(self, items: Sequence[int], candidates: Sequence[int]) -> Array:
        """V-SkNN: sessions that share late articles weigh more, the NEIGHBOURS heaviest count."""
        weights: dict[int, float] = {}
        for place, item in enumerate(items[-NEIGHBOUR_ARTICLES:], start=1):
            share = place / min(len(items), NEIGHBOUR_ARTICLES)
            for session in self._sessions_of.get(item, ()):
                weights[session] = weights.get(session, 0.0) + share
        nearest = sorted(weights, key=lambda session: (-weights[session], -session))[:NEIGHBOURS]
        found: dict[int, float] = {}
        for session in nearest:
            for item in self._sessions.get(session, ()):
                found[item] = found.get(item, 0.0) + weights[session]
        return _of(found, candidates)

    def _of_places(self, session: int, articles: Whole, share: Array, age: float) -> list[Array]:
        """Log of how much more an article is clicked where the last click came from."""
        lifts = []
        place = self._last_place[session]
        for counts, totals, value in zip(self._places, self._place_totals, place, strict=True):
            clicks = counts[value][articles] * age
            expected = totals[value] * age * share
            lifts.append(np.log((clicks + PLACE_PRIOR * share) / (expected + PLACE_PRIOR * share)))
        return lifts

    def _age(self, articles: Whole, now_ms: int) -> Array:
        """Log of hours since the first click; an article without one is new."""
        first = self._first_ms[articles]
        hours = np.where(first < 0, 0, now_ms - first) / HOUR_MS
        logs: Array = np.log(np.maximum(hours, 0) + 0.02)
        return logs

    def _worth(self, at_ms: int) -> Array:
        """What a click at a time adds to the sums: 1 at their base."""
        return 1 / self._aged(at_ms)

    def _aged(self, now_ms: int) -> Array:
        """What brings the sums to the present."""
        return _halved(now_ms - self._base_ms, HALF_LIVES_MS)

    def _pairs_aged(self, now_ms: int) -> Array:
        return _halved(now_ms - self._base_ms, (RECENT_MS, LASTING_MS))

    def _rebase(self, now_ms: int) -> None:
        """Bring the sums to a new base before they overflow, and forget what is long ago."""
        if not self._seen:
            self._base_ms, self._seen = now_ms, True
        if now_ms - self._base_ms < REBASE_MS:
            return
        aged, pairs_aged = self._aged(now_ms), self._pairs_aged(now_ms)
        self._clicks *= aged
        self._followed *= aged
        self._total *= aged
        self._left *= pairs_aged
        for counts, totals in zip(self._places, self._place_totals, strict=True):
            for value in counts:
                counts[value] *= aged[PLACE_HALF_LIFE]
                totals[value] *= float(aged[PLACE_HALF_LIFE])
        recent, lasting = pairs_aged.tolist()
        self._next_recent = _faded(self._next_recent, recent)
        self._next_lasting = _faded(self._next_lasting, lasting)
        self._together = _faded(self._together, lasting)
        old = [s for s, at_ms in self._touched_ms.items() if at_ms < now_ms - SESSION_KEPT_MS]
        for session in old:
            del self._touched_ms[session], self._sessions[session], self._last_place[session]
        self._base_ms = now_ms

    def _grow(self, article: int) -> None:
        known = len(self._clicks)
        if article < known:
            return
        more = max(article + 1, 2 * known) - known
        self._clicks, self._followed, self._left = (
            np.concatenate([counts, np.zeros((more, counts.shape[1]))])
            for counts in (self._clicks, self._followed, self._left)
        )
        self._first_ms = np.concatenate([self._first_ms, np.full(more, -1, np.int64)])
        for counts in self._places:
            for value in counts:
                counts[value] = np.concatenate([counts[value], np.zeros(more)])


def _halved(lived_ms: int, half_lives_ms: Sequence[int]) -> Array:
    """What is left of 1 after a time, for each half-life."""
    left: Array = np.exp2(-lived_ms / np.array(half_lives_ms, np.float64))
    return left


def _of(row: dict[int, float] | None, candidates: Sequence[int]) -> Array:
    """The row's values of candidates, 0 where it has none."""
    if not row:
        return np.zeros(len(candidates))
    return np.array([row.get(candidate, 0.0) for candidate in candidates])


def _faded(pairs: dict[int, dict[int, float]], factor: float) -> dict[int, dict[int, float]]:
    faded = {}
    for one, row in pairs.items():
        kept = {o: faint for o, count in row.items() if (faint := count * factor) >= FORGOTTEN}
        if kept:
            faded[one] = kept
    return faded
