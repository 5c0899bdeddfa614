"""Which of the articles shown a reader clicks: a learned ranking beside what it has to beat.

Readers are split 4 to 1; rankings learn from the four parts and are reported on readers they never
saw. What an article's clicks say is learned from other readers than the one that is ranked for,
also among the readers that are learned from. Candidates are shuffled: their order in a file may
tell which one was clicked.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evaluation import feed_rows, mind
from evaluation.embedding import embed
from evaluation.feed_attention import Graphs
from evaluation.feed_corpus import (
    ATTENTION,
    COMMON,
    CROWD,
    PERSONAL,
    Array,
    Corpus,
    Crowd,
    Vectors,
    read_of,
)
from evaluation.feed_report import Measure, Report, Scores, auc, difference
from evaluation.feed_rows import Booleans, Impression, Places, Rows
from models.ranking.attention import Attention
from models.ranking.fit import Growth, fit_linear, fit_trees
from schemas.errors import SettingError, SetupError

PARTS = 5
"""Readers are split into so many parts; one of them is reported."""

FOLDS = 4
"""Of the readers that are learned from."""

SEED = 7

LEARNED_MOST = 60_000
"""Impressions that are learned from."""

EVERYTHING = (*COMMON, *PERSONAL)
"""What is known of a candidate without attention."""

TEXT_CHARACTERS = 400
"""Of title and abstract, that are read for the vector."""


class Split(NamedTuple):
    """Impressions by what they are for, candidates shuffled.

    learned  rankings learn from them
    asked    of readers that nothing is learned from: they are reported
    held     of readers that are learned from, the last one of each
    """

    learned: list[Impression]
    asked: list[Impression]
    held: list[Impression]


def evaluate(
    rows: Rows, graphs: Graphs | None = None, progress: Callable[[str], None] = lambda _: None
) -> Report:
    """Embed the articles, learn and report. Raises SetupError."""
    progress(f"reading {len(rows.articles):,} articles")
    return report(rows, embedded(rows), graphs, progress)


def rows_of(articles: str | None, impressions: str | None, mind_dir: Path | None) -> Rows:
    """Of two files, or of MIND's folder. Raises SettingError, WrongRowError, SetupError."""
    if mind_dir is not None and articles is None and impressions is None:
        return mind.read(mind_dir)
    if mind_dir is None and articles is not None and impressions is not None:
        return feed_rows.read(articles, impressions)
    raise SettingError("expected --articles and --impressions, or --mind alone")


def embedded(rows: Rows) -> Vectors:
    """The articles' vectors, float32 (articles, width) of length 1."""
    return embed(
        [
            f"{article.title}\n{abstract}"[:TEXT_CHARACTERS]
            for article, abstract in zip(rows.articles, rows.abstracts, strict=True)
        ]
    )


def split(rows: Rows) -> Split:
    """The same each time. Raises SetupError."""
    shown = [shuffled(row, number) for number, row in enumerate(rows.impressions)]
    reported = rows.reported or [part_of(row.user) == 0 for row in shown]
    known = _at_most([r for r, later in zip(shown, reported, strict=True) if not later])
    asked = [r for r, later in zip(shown, reported, strict=True) if later and r.decides]
    if not asked or not any(row.decides for row in known):
        raise SetupError(
            f"{len(known)} impressions to learn from and {len(asked)} to report; expected both, "
            "with clicked and unclicked candidates"
        )
    seen = _kept_apart(known)
    return Split(
        learned=[row for row, apart in zip(known, seen, strict=True) if not apart],
        asked=asked,
        held=[row for row, apart in zip(known, seen, strict=True) if apart and row.decides],
    )


def report(
    rows: Rows,
    vectors: Vectors,
    graphs: Graphs | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Of articles with their vectors, float32 (articles, width) of length 1. Raises SetupError.

    graphs  attention that was learned from these rows: one ranking more
    """
    learned, asked, held = split(rows)
    if graphs is not None:
        graphs.require(learned)
    corpus = Corpus(rows, vectors)
    progress("what all readers click")
    crowd = corpus.crowd(learned)
    train = _slates(corpus, learned, out_of_fold(corpus, learned))
    tests = {
        name: _slates(corpus, r, [crowd] * len(r)) for name, r in (("asked", asked), ("held", held))
    }
    kinds = KINDS
    if graphs is not None:
        progress("attending to what was read")
        kinds = {**KINDS, "nrms": (_linear, (*EVERYTHING, ATTENTION))}
        folds = [fold_of(row.user) for row in learned]
        train = train.beside(corpus, learned, [graphs.without[fold] for fold in folds])
        tests = {
            name: tests[name].beside(corpus, r, [graphs.of_all] * len(r))
            for name, r in (("asked", asked), ("held", held))
        }
    progress("ranking")
    champion = _champion(kinds, train, learned)
    scores = {name: _scored(kind, train, learned, tests["asked"]) for name, kind in kinds.items()}
    impersonal = _scored((_linear, COMMON), train, learned, tests["asked"])
    held_scores = _scored(kinds[champion], train, learned, tests["held"])
    simple = _baselines(corpus, asked, crowd)
    measure = Measure(corpus, asked)
    baselines = {name: measure.ranking(found) for name, found in simple.items()}
    best = max(baselines, key=lambda name: baselines[name].values["auc"])
    aucs = measure.aucs(scores[champion])
    _, low, high = difference(aucs, measure.aucs(simple[best]))
    return Report(
        readers=len({row.user for row in asked}),
        impressions=len(asked),
        champion=champion,
        rankings={name: measure.ranking(found) for name, found in scores.items()},
        impersonal=measure.ranking(impersonal),
        baselines=baselines,
        interval=(low, high),
        personal=difference(measure.aucs(scores["linear"]), measure.aucs(impersonal)),
        seen=float(np.mean(Measure(corpus, held).aucs(held_scores))) if held else math.nan,
        by_length_of=measure.lengths(),
    )


def part_of(user: str) -> int:
    """Which of PARTS a reader belongs to; part 0 is reported."""
    return _hashed(user) % PARTS


def fold_of(user: str) -> int:
    """Which of FOLDS a reader that is learned from belongs to."""
    return _hashed(user) // PARTS % FOLDS


def shuffled(row: Impression, number: int) -> Impression:
    """Candidates in an order that tells nothing, the same each time."""
    order = np.random.default_rng([SEED, number]).permutation(len(row.shown))
    return row._replace(shown=row.shown[order], clicked=row.clicked[order])


def _baselines(corpus: Corpus, asked: Sequence[Impression], crowd: Crowd) -> dict[str, Scores]:
    chance = np.random.default_rng(SEED)
    published = np.array([article.published_ms for article in corpus.articles], np.float64)
    return {
        "random": [chance.random(len(row.shown)) for row in asked],
        "popularity": [crowd.click_rate[row.shown] for row in asked],
        "recency": [published[row.shown] for row in asked],
        "vector average": [
            (corpus.vectors[row.shown] @ corpus.vectors[row.history].sum(axis=0)).astype(np.float64)
            for row in asked
        ],
    }


class _Slates(NamedTuple):
    """Impressions one below the other; `names` are the columns of `rows`."""

    rows: Array
    names: Sequence[str]
    clicked: Booleans
    sizes: Places

    def kept(self, keep: Booleans, names: Sequence[str]) -> "_Slates":
        """Of some impressions, some columns."""
        row = np.repeat(keep, self.sizes)
        columns = [self.names.index(name) for name in names]
        return _Slates(self.rows[row][:, columns], names, self.clicked[row], self.sizes[keep])

    def beside(
        self, corpus: Corpus, impressions: Sequence[Impression], graphs: Sequence[Attention]
    ) -> "_Slates":
        """With what a graph says of each impression as one more column."""
        said = [
            graph.affinities(corpus.vectors[row.shown], corpus.vectors[read_of(row)])
            for row, graph in zip(impressions, graphs, strict=True)
        ]
        rows = np.concatenate([self.rows, np.concatenate(said)[:, None]], axis=1)
        return self._replace(rows=rows, names=(*self.names, ATTENTION))


def _slates(corpus: Corpus, impressions: Sequence[Impression], crowds: Sequence[Crowd]) -> _Slates:
    return _Slates(
        np.concatenate([corpus.slate(r, c) for r, c in zip(impressions, crowds, strict=True)]),
        EVERYTHING,
        np.concatenate([row.clicked for row in impressions]),
        np.array([len(row.shown) for row in impressions], np.int64),
    )


def out_of_fold(corpus: Corpus, learned: Sequence[Impression]) -> list[Crowd]:
    """For each impression, what the readers of the other folds click."""
    folds = [fold_of(row.user) for row in learned]
    crowds = {
        fold: corpus.crowd([r for r, f in zip(learned, folds, strict=True) if f != fold])
        for fold in set(folds)
    }
    return [crowds[fold] for fold in folds]


def _linear(train: _Slates, test: _Slates) -> Array:
    weights = fit_linear(train.rows, train.clicked, train.sizes, train.names)
    scores: Array = test.rows @ np.array([weights[name] for name in train.names])
    return scores


def _trees(train: _Slates, test: _Slates) -> Array:
    growth = Growth(trees=60, leaves=7, rate=0.05, fewest_in_leaf=400)
    fitted = fit_trees(train.rows, train.clicked, train.sizes, train.names, growth)
    return fitted.forest.margins(test.rows)


def _crowd(train: _Slates, test: _Slates) -> Array:
    """What the crowd clicks, evenly weighted: its columns by their spread, nothing learned."""
    scores: Array = (test.rows / train.rows.std(axis=0)).sum(axis=1)
    return scores


_Kind = tuple[Callable[[_Slates, _Slates], Array], Sequence[str]]
"""How scores of the second come from the first, and from which columns."""

KINDS: Mapping[str, _Kind] = {
    "crowd": (_crowd, CROWD),
    "linear": (_linear, EVERYTHING),
    "trees": (_trees, EVERYTHING),
}


def _scored(kind: _Kind, train: _Slates, learned: Sequence[Impression], test: _Slates) -> Scores:
    """Scores of the impressions of `test`, learned from those of `train` that decide."""
    fitted, names = kind
    decides = np.array([row.decides for row in learned])
    found = fitted(train.kept(decides, names), test.kept(np.ones(len(test.sizes), bool), names))
    return np.split(found, np.cumsum(test.sizes)[:-1])


def _champion(kinds: Mapping[str, _Kind], train: _Slates, learned: Sequence[Impression]) -> str:
    """The kind with the best AUC on folds it was not fitted on."""
    fold = np.array([fold_of(row.user) for row in learned])
    decides = np.array([row.decides for row in learned])
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for left_out in np.unique(fold):
        for name, (fitted, names) in kinds.items():
            known = train.kept(decides & (fold != left_out), names)
            test = train.kept(decides & (fold == left_out), names)
            ends = np.cumsum(test.sizes)[:-1]
            scores = np.split(fitted(known, test), ends)
            found[name] += map(auc, scores, np.split(test.clicked, ends))
    return max(found, key=lambda name: float(np.mean(found[name])))


def _kept_apart(known: Sequence[Impression]) -> list[bool]:
    """The last impression of each reader that has several."""
    last = {row.user: place for place, row in enumerate(known)}
    first = {row.user: place for place, row in reversed(list(enumerate(known)))}
    return [last[r.user] == place != first[r.user] for place, r in enumerate(known)]


def _at_most(known: list[Impression]) -> list[Impression]:
    """LEARNED_MOST of them, drawn."""
    if len(known) <= LEARNED_MOST:
        return known
    drawn = np.random.default_rng(SEED).choice(len(known), LEARNED_MOST, replace=False)
    return [known[place] for place in np.sort(drawn)]


def _hashed(user: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{SEED}/{user}".encode()).digest()[:8], "big")
