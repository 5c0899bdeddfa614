"""What a session clicks next, replayed in time: a learned ranking beside what it has to beat.

The next click of a session is ranked against NEGATIVES articles drawn from the clicks of the hour
before, in proportion to clicks. Everything learns from the past alone: counts from the clicks
before, the ranking from the next clicks before the reported days.

A next click on an article that nobody clicked within the hour could be told from its negatives by
that alone. The ranking does not learn from such clicks; they are reported with the others.
"""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.rows import WrongRowError
from models.ranking.fit import fit_trees
from models.ranking.next_click import HOUR_MS, NAMES, Click, NextClick
from schemas.errors import SetupError
from schemas.packed import opened, unpacked

Array = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

NEGATIVES = 50
WINDOW_MS = HOUR_MS
WARM_UP_MS = 36 * HOUR_MS
"""Of the first clicks no next click is learned: counts are still young."""

DRAWS_AT_ONCE = 100
MOST_DRAWS = 20
"""Rounds of draws; an hour with fewer than NEGATIVES articles gives no question."""

SEED = 7

BASELINES = {
    "recent popularity": "clicks_5m",
    "co-occurrence": "together",
    "sequential rules": "next_lasting",
    "item-kNN": "item_knn",
    "V-SkNN": "sessions_knn",
}
"""Each by its column; ties are broken by recent popularity."""

GLOBO = {
    "session": "session_id",
    "article": "click_article_id",
    "at_ms": "click_timestamp",
    "reader": "user_id",
}
GLOBO_PLACE = (
    "click_environment",
    "click_deviceGroup",
    "click_os",
    "click_country",
    "click_region",
    "click_referrer_type",
)
"""Columns of the published set (Moreira et al., 2018)."""


class Question(NamedTuple):
    """A next click among its negatives.

    rows   float32 (1 + NEGATIVES, features); row 0 is the article that was clicked
    plain  whether the article was clicked within the window before, as its negatives were
    """

    at_ms: int
    rows: Floats
    plain: bool


class Figures(NamedTuple):
    """Share of next clicks among the first 5 and 10, and mean reciprocal rank within 10."""

    hr5: float
    hr10: float
    mrr10: float

    def as_json(self) -> dict[str, float]:
        """Rounded."""
        return {name: round(value, 5) for name, value in self._asdict().items()}


@dataclass(frozen=True)
class Report:
    """Everything that is printed.

    next_clicks  of the reported days, of which `asked` were drawn
    hidden       share of the asked ones whose article nobody had clicked within the hour
    width        half the 95 % interval of hr10
    """

    clicks: int
    learned: int
    next_clicks: int
    asked: int
    hidden: float
    ours: Figures
    width: float
    baselines: dict[str, Figures]
    gains: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """As `--json` writes it."""
        return {
            "clicks": self.clicks,
            "learned": self.learned,
            "next_clicks": self.next_clicks,
            "asked": self.asked,
            "hidden": round(self.hidden, 5),
            "metrics": self.ours.as_json(),
            "hr10_half_interval": round(self.width, 5),
            "baselines": {name: found.as_json() for name, found in self.baselines.items()},
            "gains": {name: round(gain, 4) for name, gain in self.gains.items()},
        }


def evaluate(
    path: str,
    report_from_ms: int,
    *,
    learn: int = 12_000,
    ask: int = 20_000,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Replay a file. Raises WrongRowError, or SetupError where it cannot be learned from.

    learn, ask  next clicks that are drawn from the days before and from the reported ones
    """
    clicks = sorted(read(path), key=lambda click: (click.at_ms, click.session))
    before, after = _next_clicks(clicks, report_from_ms)
    if not before or not after:
        raise SetupError(
            f"{path} has {len(before)} next clicks to learn from before {report_from_ms} ms and "
            f"{len(after)} from then on; expected some of both"
        )
    chance = np.random.default_rng(SEED)
    drawn = {*_drawn(before, learn, chance), *_drawn(after, ask, chance)}
    questions = list(replay(clicks, drawn, chance, progress))
    names = _feature_names(clicks)
    known = [q.rows for q in questions if q.at_ms < report_from_ms and q.plain]
    asked = [q for q in questions if q.at_ms >= report_from_ms]
    if not known or not asked:
        raise SetupError(f"{path} has no hour with {NEGATIVES} articles to draw from")
    fitted = fit_trees(
        np.concatenate(known),
        np.tile(np.arange(1 + NEGATIVES) == 0, len(known)),
        np.full(len(known), 1 + NEGATIVES),
        names,
    )
    rows = np.stack([question.rows for question in asked])
    flat = rows.reshape(-1, rows.shape[2]).astype(np.float64)
    ours = fitted.forest.margins(flat).reshape(rows.shape[:2])
    found = figures(ours)
    popularity = rows[:, :, NAMES.index("clicks_5m")]
    return Report(
        clicks=len(clicks),
        learned=len(known),
        next_clicks=len(after),
        asked=len(asked),
        hidden=1 - float(np.mean([question.plain for question in asked])),
        ours=found,
        width=1.96 * float(np.sqrt(found.hr10 * (1 - found.hr10) / len(asked))),
        baselines={
            name: figures(rows[:, :, NAMES.index(column)] + 1e-6 * popularity)
            for name, column in BASELINES.items()
        },
        gains=fitted.gains,
    )


def replay(
    clicks: Sequence[Click],
    drawn: set[int],
    chance: np.random.Generator,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Question]:
    """Take clicks, in order of time, through the counts; ask at the places in `drawn`.

    A session that comes back after so long that it was forgotten begins anew: no question.
    """
    counts = NextClick(len(clicks[0].place), articles=1 + max(click.article for click in clicks))
    last_ms: dict[int, int] = {}
    begin = 0
    for place, click in enumerate(clicks):
        if place in drawn and counts.session(click.session):
            while clicks[begin].at_ms < click.at_ms - WINDOW_MS:
                begin += 1
            known = {click.article, *counts.session(click.session)}
            negatives = _negatives(clicks, range(begin, place), known, chance)
            if negatives is not None:
                yield Question(
                    click.at_ms,
                    counts.features(
                        click.session, click.reader, click.at_ms, [click.article, *negatives]
                    ).astype(np.float32),
                    plain=last_ms.get(click.article, -WINDOW_MS) >= click.at_ms - WINDOW_MS,
                )
        counts.learn(click)
        last_ms[click.article] = click.at_ms
        if progress and place % 20_000 == 0:
            progress(place, len(clicks))


def figures(scores: npt.NDArray[np.floating[Any]]) -> Figures:
    """Of scores, (questions, candidates) with the clicked article first; ties share their ranks."""
    first = scores[:, :1]
    above = (scores[:, 1:] > first).sum(axis=1) + (scores[:, 1:] == first).sum(axis=1) / 2
    rank = np.floor(above) + 1
    return Figures(
        float((rank <= 5).mean()),
        float((rank <= 10).mean()),
        float(np.where(rank <= 10, 1 / rank, 0.0).mean()),
    )


def read(path: str) -> Iterator[Click]:
    """The clicks of a file (`-`: standard input), in its order: JSONL rows or Globo's own CSV.

    Names become numbers in the order in which they come. Raises WrongRowError.
    """
    raw, _ = opened(path)
    with unpacked(path, raw) as lines:
        first = next(lines, "")
        if not first.strip():
            raise SetupError(f"{path} has no rows")
        if first.lstrip().startswith("{"):
            yield from _json_clicks(path, first, lines)
        else:
            yield from _globo_clicks(path, first, lines)


class _Numbers(dict[Any, int]):
    """A number for each name."""

    def __missing__(self, name: Any) -> int:
        self[name] = number = len(self)
        return number


class _Names:
    """Numbers of articles, sessions, readers, and of the values of each part of the place."""

    def __init__(self, places: int) -> None:
        self.articles, self.sessions, self.readers = _Numbers(), _Numbers(), _Numbers()
        self.places = [_Numbers() for _ in range(places)]
        self._same: dict[tuple[int, ...], tuple[int, ...]] = {}

    def click(
        self, article: str, session: str, reader: str | None, at_ms: int, place: Sequence[str]
    ) -> Click:
        values = tuple(known[value] for known, value in zip(self.places, place, strict=True))
        return Click(
            self.articles[article],
            self.sessions[session],
            -1 if reader is None else self.readers[reader],
            at_ms,
            self._same.setdefault(values, values),
        )


def _json_clicks(path: str, first: str, rest: Iterator[str]) -> Iterator[Click]:
    names: _Names | None = None
    keys: list[str] = []
    for number, line in enumerate(_chained(first, rest), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            place = row.get("place") or {}
            if names is None:
                keys = sorted(place)
                names = _Names(len(keys))
            if sorted(place) != keys:
                raise ValueError(f"place has {sorted(place)}; the first row has {keys}")
            for name in ("session", "article"):
                if not isinstance(row.get(name), str) or not row[name]:
                    raise ValueError(f"{name} is {row.get(name)!r}; expected text")
            if type(row.get("at_ms")) is not int:
                raise ValueError(f"at_ms is {row.get('at_ms')!r}; expected milliseconds since 1970")
            yield names.click(
                row["article"],
                row["session"],
                row.get("reader"),
                row["at_ms"],
                [str(place[key]) for key in keys],
            )
        except (ValueError, AttributeError, RecursionError) as fault:
            raise WrongRowError(f"{path}, line {number}: {fault}") from None


def _globo_clicks(path: str, first: str, rest: Iterator[str]) -> Iterator[Click]:
    header = next(csv.reader([first]))
    missing = [name for name in (*GLOBO.values(), *GLOBO_PLACE) if name not in header]
    if missing:
        raise WrongRowError(f"{path}, line 1: neither JSON nor a CSV header with {missing}")
    columns = {name: header.index(column) for name, column in GLOBO.items()}
    place = [header.index(name) for name in GLOBO_PLACE]
    names = _Names(len(place))
    for number, row in enumerate(csv.reader(rest), start=2):
        try:
            yield names.click(
                row[columns["article"]],
                row[columns["session"]],
                row[columns["reader"]],
                int(row[columns["at_ms"]]),
                [row[column] for column in place],
            )
        except (ValueError, IndexError) as fault:
            raise WrongRowError(f"{path}, line {number}: {fault}") from None


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


def _feature_names(clicks: Sequence[Click]) -> tuple[str, ...]:
    return NextClick(len(clicks[0].place)).names()


def _next_clicks(clicks: Sequence[Click], report_from_ms: int) -> tuple[list[int], list[int]]:
    """Places of clicks on an article new to a session that has clicked before: to learn from, and
    to report."""
    read: dict[int, set[int]] = {}
    before: list[int] = []
    after: list[int] = []
    learn_from_ms = clicks[0].at_ms + WARM_UP_MS if clicks else 0
    for place, click in enumerate(clicks):
        known = read.setdefault(click.session, set())
        if known and click.article not in known:
            if click.at_ms >= report_from_ms:
                after.append(place)
            elif click.at_ms >= learn_from_ms:
                before.append(place)
        known.add(click.article)
    return before, after


def _drawn(places: Sequence[int], count: int, chance: np.random.Generator) -> list[int]:
    if len(places) <= count:
        return list(places)
    drawn: list[int] = chance.choice(np.array(places), count, replace=False).tolist()
    return drawn


def _negatives(
    clicks: Sequence[Click], window: range, known: set[int], chance: np.random.Generator
) -> list[int] | None:
    """NEGATIVES different articles, in proportion to their clicks; None if there are too few."""
    found: dict[int, None] = {}
    for _ in range(MOST_DRAWS if window else 0):
        for place in chance.integers(window.start, window.stop, size=DRAWS_AT_ONCE).tolist():
            article = clicks[place].article
            if article not in known:
                found[article] = None
                if len(found) == NEGATIVES:
                    return list(found)
    return None
