"""Which of the articles shown a reader clicks: a learned ranking beside what it has to beat.

Readers are split 4 to 1; rankings learn from the four parts and are reported on readers they never
saw. What an article's clicks say is learned from other readers than the one that is ranked for,
also among the readers that are learned from. Candidates are shuffled: their order in a file may
tell which one was clicked.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.rows import WrongRowError
from evaluation.stories import embed
from models.ranking.article import FeedArticle
from models.ranking.features import Features, features
from models.ranking.fit import Growth, fit_linear, fit_trees
from models.ranking.reader import Context, Reader
from schemas.errors import SetupError
from schemas.packed import opened, unpacked

Array = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Scores = Sequence[Array]
"""Scores of the candidates of each impression."""

PARTS = 5
"""Readers are split into so many parts; one of them is reported."""

FOLDS = 4
"""Of the readers that are learned from."""

SEED = 7
RESAMPLES = 1000
RATE_PRIOR = 60.0
"""Impressions that stand for the mean click rate."""

LEARNED_MOST = 60_000
"""Impressions that are learned from."""

RIDGE = 100.0
WORDS_RIDGE = 30.0
"""All three chosen by cross-validation over the readers that are learned from."""

ABSTRACT_CHARACTERS = 200
FEWEST_TITLES = 3
"""A word of fewer titles tells nothing."""

COMMON_SOURCE = 20
"""Articles of a source from which on it is looked at."""

TEXT_CHARACTERS = 400
"""Of title and abstract, that are read for the vector."""

RECENT = 10
"""Articles of a history that are looked at one by one, the last ones."""

LENGTHS = (0, 1, 4, 8)
"""Least clicks in the history, of each group that is reported."""

PERSONAL = ("long", "recent", "sources", "entities")
"""Features of models.ranking that a history gives without times."""

COMMON = (
    "click_rate",
    "appeal_vector",
    "appeal_words",
    "appeal_letters",
    "age",
    "crowd",
    "names",
    "title",
    "known",
)
"""Features that are the same for all readers.

click_rate     log-odds of the article's clicks among other readers, shrunk
appeal_*       click rate foretold from its vector, source and length, from its words, or from the
               letters of its title
age            log of days behind the newest candidate; 0 where times are unknown
crowd          mean cosine to the other candidates
names          entities of the title
title          log of the title's characters
known          clicks in the reader's history, shrunk: lets trees ask how much is known
"""

CROWD = COMMON[:4]

METRICS = ("auc", "mrr", "ndcg5", "ndcg10")


class Impression(NamedTuple):
    """What a reader was shown: places of articles, and which were clicked."""

    user: str
    history: Places
    shown: Places
    clicked: Booleans


class Rows(NamedTuple):
    """Articles and impressions of a file.

    reported  which impressions a published split reports; None: readers are split by their hash
    """

    articles: tuple[FeedArticle, ...]
    abstracts: tuple[str, ...]
    impressions: tuple[Impression, ...]
    reported: tuple[bool, ...] | None = None


@dataclass(frozen=True)
class Ranking:
    """Figures of a ranking on the reported readers.

    values      means over impressions of METRICS
    by_length   AUC by least clicks in the history
    variety     1 - mean cosine between the first five
    coverage    share of the shown articles that stand first somewhere
    novelty     mean -log2 of the share of readers who had read what stands first
    """

    values: dict[str, float]
    by_length: dict[int, float]
    variety: float
    coverage: float
    novelty: float


@dataclass(frozen=True)
class Report:
    """Everything that is printed.

    impersonal     the linear ranking without the reader's history
    champion       by readers that are learned from, before the reported ones are looked at
    interval       95 % of the champion's AUC less the best baseline's
    personal       AUC of the linear ranking less that of the same without the reader's history,
                   with its 95 % interval
    seen           AUC on impressions of readers that are learned from, kept apart for this
    by_length_of   impressions of each length
    """

    readers: int
    impressions: int
    champion: str
    rankings: dict[str, Ranking]
    impersonal: Ranking
    baselines: dict[str, Ranking]
    interval: tuple[float, float]
    personal: tuple[float, float, float]
    seen: float
    by_length_of: dict[int, int]

    @property
    def ours(self) -> Ranking:
        """The champion."""
        return self.rankings[self.champion]

    @property
    def best_baseline(self) -> str:
        """By AUC."""
        return max(self.baselines, key=lambda name: self.baselines[name].values["auc"])

    def statements(self) -> list[str]:
        """What the figures say, in sentences."""
        low, high = self.interval
        gain, least, most = self.personal
        helps = "help" if least > 0 else "do harm" if most < 0 else "do not help"
        gap = self.ours.values["auc"] - self.seen
        return [
            f"AUC {self._over_baseline:+.3f} over {self.best_baseline}, the best baseline "
            f"(95 %: {low:+.3f} to {high:+.3f})",
            f"personal features {helps} here: AUC {gain:+.3f} in the linear ranking "
            f"(95 %: {least:+.3f} to {most:+.3f})",
            f"readers that were learned from: AUC {self.seen:.3f} on impressions kept apart; "
            f"unseen readers {gap:+.3f}",
        ]

    def as_json(self) -> dict[str, Any]:
        """As `--json` writes it."""
        return {
            "readers": self.readers,
            "impressions": self.impressions,
            "champion": self.champion,
            "metrics": _rounded(self.ours.values),
            "metrics_of": {name: _rounded(r.values) for name, r in self.rankings.items()},
            "baselines": {name: _rounded(r.values) for name, r in self.baselines.items()},
            "auc_over_best_baseline": [round(v, 5) for v in (self._over_baseline, *self.interval)],
            "auc_of_personal_features": [round(v, 5) for v in self.personal],
            "auc_of_seen_readers": round(self.seen, 5),
            "beyond": {
                name: {"variety": r.variety, "coverage": r.coverage, "novelty": r.novelty}
                for name, r in ({"champion": self.ours} | self.baselines).items()
            },
            "auc_by_history": {str(n): round(v, 5) for n, v in self.ours.by_length.items()},
            "statements": self.statements(),
        }

    @property
    def _over_baseline(self) -> float:
        return self.ours.values["auc"] - self.baselines[self.best_baseline].values["auc"]


def evaluate(rows: Rows, progress: Callable[[str], None] = lambda _: None) -> Report:
    """Embed the articles, learn and report. Raises SetupError."""
    progress(f"reading {len(rows.articles):,} articles")
    texts = [
        f"{article.title}\n{abstract}"[:TEXT_CHARACTERS]
        for article, abstract in zip(rows.articles, rows.abstracts, strict=True)
    ]
    return report(rows, embed(texts), progress)


def report(
    rows: Rows, vectors: Vectors, progress: Callable[[str], None] = lambda _: None
) -> Report:
    """Of articles with their vectors, float32 (articles, width) of length 1. Raises SetupError."""
    shown = [shuffled(row, number) for number, row in enumerate(rows.impressions)]
    reported = rows.reported or [part_of(row.user) == 0 for row in shown]
    known = _at_most([r for r, later in zip(shown, reported, strict=True) if not later])
    asked = [r for r, later in zip(shown, reported, strict=True) if later and _decides(r)]
    if not asked or not any(map(_decides, known)):
        raise SetupError(
            f"{len(known)} impressions to learn from and {len(asked)} to report; expected both, "
            "with clicked and unclicked candidates"
        )
    seen = _kept_apart(known)
    learned = [row for row, apart in zip(known, seen, strict=True) if not apart]
    held = [row for row, apart in zip(known, seen, strict=True) if apart and _decides(row)]
    corpus = Corpus(rows, vectors)
    progress("what all readers click")
    train = _slates(corpus, learned, _out_of_fold(corpus, learned))
    crowd = corpus.crowd(learned)
    tests = {
        name: _slates(corpus, r, [crowd] * len(r)) for name, r in (("asked", asked), ("held", held))
    }
    progress("ranking")
    everything = (*COMMON, *PERSONAL)
    champion = _champion(train, [fold_of(row.user) for row in learned], learned)
    scores = {name: _scored(name, everything, train, learned, tests["asked"]) for name in KINDS}
    impersonal = _scored("linear", COMMON, train, learned, tests["asked"])
    held_scores = _scored(champion, everything, train, learned, tests["held"])
    simple = _baselines(corpus, asked, crowd)
    measure = _Measure(corpus, asked)
    baselines = {name: measure.ranking(found) for name, found in simple.items()}
    best = max(baselines, key=lambda name: baselines[name].values["auc"])
    aucs = measure.aucs(scores[champion])
    _, low, high = _difference(aucs, measure.aucs(simple[best]))
    return Report(
        readers=len({row.user for row in asked}),
        impressions=len(asked),
        champion=champion,
        rankings={name: measure.ranking(found) for name, found in scores.items()},
        impersonal=measure.ranking(impersonal),
        baselines=baselines,
        interval=(low, high),
        personal=_difference(measure.aucs(scores["linear"]), measure.aucs(impersonal)),
        seen=float(np.mean(_Measure(corpus, held).aucs(held_scores))) if held else math.nan,
        by_length_of=measure.lengths(),
    )


class Crowd(NamedTuple):
    """What other readers' clicks say of each article, float64 (articles,) each."""

    click_rate: Array
    appeal_vector: Array
    appeal_words: Array
    appeal_letters: Array


class Corpus:
    """The articles as rankings read them."""

    def __init__(self, rows: Rows, vectors: Vectors) -> None:
        self.articles = [
            replace(article, vector=vector, vector_version="1")
            for article, vector in zip(rows.articles, vectors, strict=True)
        ]
        self.vectors = vectors
        self._looks = _looks(rows, vectors)
        self._words = _words(rows)
        self._letters = _letters(rows)
        self.readers_of = np.zeros(len(rows.articles))
        self.readers = 0
        for row in {row.user: row for row in rows.impressions}.values():
            self.readers_of[np.unique(row.history)] += 1
            self.readers += 1

    def crowd(self, impressions: Sequence[Impression]) -> Crowd:
        """What these impressions say."""
        shown = np.concatenate([row.shown for row in impressions])
        clicked = np.concatenate([row.clicked for row in impressions]).astype(np.float64)
        expected = np.concatenate(
            [np.full(len(row.shown), row.clicked.mean()) for row in impressions]
        )
        count = len(self.articles)
        times, clicks = np.bincount(shown, minlength=count), np.bincount(shown, clicked, count)
        mean = clicked.mean()
        rate = (clicks + RATE_PRIOR * mean) / (times + RATE_PRIOR)
        surplus = clicked - expected
        return Crowd(
            np.log(rate / (1 - rate)),
            _ridge(self._looks, shown, surplus, RIDGE),
            _ridge(self._words, shown, surplus, WORDS_RIDGE),
            _ridge(self._letters, shown, surplus, WORDS_RIDGE),
        )

    def slate(self, row: Impression, crowd: Crowd) -> Array:
        """Features of the candidates, float64 (shown, COMMON and PERSONAL)."""
        articles = [self.articles[place] for place in row.shown]
        newest_ms = max(article.published_ms for article in articles)
        personal = features(
            self._reader(row),
            Context(newest_ms, ("",)),
            articles,
            [self.articles[place] for place in row.history[: -RECENT - 1 : -1]],
            {},
        )
        own = {name: personal[:, column] for column, name in enumerate(Features._fields)}
        vectors = self.vectors[row.shown]
        others = max(1, len(articles) - 1)
        return np.stack(
            [
                *(said[row.shown] for said in crowd),
                own["age"],
                ((vectors @ vectors.sum(axis=0)) - 1) / others,
                np.array([float(len(article.entities)) for article in articles]),
                np.log([max(1, len(article.title)) for article in articles]),
                own["certainty"],
                *(own[name] for name in PERSONAL),
            ],
            axis=1,
        )

    def _reader(self, row: Impression) -> Reader:
        if not len(row.history):
            return Reader()
        read = [self.articles[place] for place in row.history]
        share = 1 / len(read)
        sources: dict[str, float] = {}
        entities: dict[str, float] = {}
        for article in read:
            sources[article.source] = sources.get(article.source, 0.0) + share
            for key in article.entities:
                entities[key] = entities.get(key, 0.0) + share
        return Reader(
            long=self.vectors[row.history].mean(axis=0),
            vector_version="1",
            clicks=float(len(read)),
            sources=sources,
            entities=entities,
            recent=tuple(article.article_id for article in read[: -RECENT - 1 : -1]),
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


def auc(scores: Array, clicked: Booleans) -> float:
    """Share of pairs in the right order, ties half.

    >>> auc(np.array([3.0, 1.0, 2.0]), np.array([False, True, True]))
    0.0
    """
    pairs = scores[clicked][:, None] - scores[~clicked]
    return float((pairs > 0).mean() + (pairs == 0).mean() / 2)


def measures(scores: Array, clicked: Booleans) -> dict[str, float]:
    """METRICS of an impression with clicked and unclicked candidates, as MIND defines them."""
    gains = clicked[np.argsort(-scores, kind="stable")].astype(np.float64)
    ideal = np.sort(gains)[::-1]
    places = np.arange(1, len(gains) + 1)
    discounts = 1 / np.log2(places + 1)
    return {
        "auc": auc(scores, clicked),
        "mrr": float((gains / places).sum() / gains.sum()),
        **{
            f"ndcg{k}": float((gains * discounts)[:k].sum() / (ideal * discounts)[:k].sum())
            for k in (5, 10)
        },
    }


class _Measure:
    """Figures on the same impressions."""

    def __init__(self, corpus: Corpus, asked: Sequence[Impression]) -> None:
        self._corpus = corpus
        self._asked = asked
        self._group = [max(n for n in LENGTHS if n <= len(row.history)) for row in asked]

    def aucs(self, scores: Scores) -> Array:
        return np.array([auc(s, row.clicked) for s, row in zip(scores, self._asked, strict=True)])

    def lengths(self) -> dict[int, int]:
        return {n: self._group.count(n) for n in LENGTHS if n in self._group}

    def ranking(self, scores: Scores) -> Ranking:
        each = [measures(s, row.clicked) for s, row in zip(scores, self._asked, strict=True)]
        aucs = np.array([found["auc"] for found in each])
        group = np.array(self._group)
        tops = [row.shown[np.argsort(-s, kind="stable")][:3] for s, row in self._pairs(scores)]
        first = [int(top[0]) for top in tops]
        shown = np.unique(np.concatenate([row.shown for row in self._asked]))
        read = (self._corpus.readers_of[first] + 1) / (self._corpus.readers + 1)
        return Ranking(
            values={name: float(np.mean([found[name] for found in each])) for name in METRICS},
            by_length={n: float(aucs[group == n].mean()) for n in self.lengths()},
            variety=float(np.mean([_variety(self._corpus.vectors[top]) for top in tops])),
            coverage=len(set(first)) / len(shown),
            novelty=float(-np.log2(read).mean()),
        )

    def _pairs(self, scores: Scores) -> Iterator[tuple[Array, Impression]]:
        return zip(scores, self._asked, strict=True)


def _variety(vectors: Vectors) -> float:
    """1 less the mean cosine of different rows; 0 for one row."""
    count = len(vectors)
    if count < 2:
        return 0.0
    return float(1 - ((vectors @ vectors.T).sum() - count) / (count * (count - 1)))


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
    rows: Array
    clicked: Booleans
    sizes: Places

    def kept(self, keep: Booleans, columns: Sequence[str]) -> "_Slates":
        """Of some impressions, some columns."""
        names = (*COMMON, *PERSONAL)
        row = np.repeat(keep, self.sizes)
        return _Slates(
            self.rows[row][:, [names.index(name) for name in columns]],
            self.clicked[row],
            self.sizes[keep],
        )


def _slates(corpus: Corpus, impressions: Sequence[Impression], crowds: Sequence[Crowd]) -> _Slates:
    return _Slates(
        np.concatenate([corpus.slate(r, c) for r, c in zip(impressions, crowds, strict=True)]),
        np.concatenate([row.clicked for row in impressions]),
        np.array([len(row.shown) for row in impressions], np.int64),
    )


def _out_of_fold(corpus: Corpus, learned: Sequence[Impression]) -> list[Crowd]:
    """For each impression, what the readers of the other folds click."""
    folds = [fold_of(row.user) for row in learned]
    crowds = {
        fold: corpus.crowd([r for r, f in zip(learned, folds, strict=True) if f != fold])
        for fold in set(folds)
    }
    return [crowds[fold] for fold in folds]


def _linear(train: _Slates, test: _Slates, names: Sequence[str]) -> Array:
    weights = fit_linear(train.rows, train.clicked, train.sizes, names)
    scores: Array = test.rows @ np.array([weights[name] for name in names])
    return scores


def _trees(train: _Slates, test: _Slates, names: Sequence[str]) -> Array:
    growth = Growth(trees=60, leaves=7, rate=0.05, fewest_in_leaf=400)
    fitted = fit_trees(train.rows, train.clicked, train.sizes, names, growth)
    return fitted.forest.margins(test.rows)


def _crowd(train: _Slates, test: _Slates, names: Sequence[str]) -> Array:
    """What the crowd clicks, evenly weighted: its columns by their spread, nothing learned."""
    columns = [names.index(name) for name in CROWD]
    scores: Array = (test.rows[:, columns] / train.rows[:, columns].std(axis=0)).sum(axis=1)
    return scores


KINDS: Mapping[str, Callable[[_Slates, _Slates, Sequence[str]], Array]] = {
    "crowd": _crowd,
    "linear": _linear,
    "trees": _trees,
}


def _scored(
    kind: str,
    columns: Sequence[str],
    train: _Slates,
    learned: Sequence[Impression],
    test: _Slates,
) -> Scores:
    """Scores of the impressions of `test`, learned from those of `train` that decide."""
    decides = np.array([_decides(row) for row in learned])
    found = KINDS[kind](
        train.kept(decides, columns), test.kept(np.ones(len(test.sizes), bool), columns), columns
    )
    return np.split(found, np.cumsum(test.sizes)[:-1])


def _champion(train: _Slates, folds: Sequence[int], learned: Sequence[Impression]) -> str:
    """The kind with the best AUC on folds it was not fitted on."""
    fold = np.array(folds)
    decides = np.array([_decides(row) for row in learned])
    names = (*COMMON, *PERSONAL)
    found: dict[str, list[float]] = {name: [] for name in KINDS}
    for left_out in np.unique(fold):
        known = train.kept(decides & (fold != left_out), names)
        test = train.kept(decides & (fold == left_out), names)
        ends = np.cumsum(test.sizes)[:-1]
        for name, fitted in KINDS.items():
            scores = np.split(fitted(known, test, names), ends)
            found[name] += map(auc, scores, np.split(test.clicked, ends))
    return max(found, key=lambda name: float(np.mean(found[name])))


def _difference(ours: Array, theirs: Array) -> tuple[float, float, float]:
    """Mean difference with its 95 % bootstrap interval over impressions."""
    less = ours - theirs
    chance = np.random.default_rng(SEED)
    means = [less[chance.integers(len(less), size=len(less))].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(less.mean()), float(low), float(high)


def _kept_apart(known: Sequence[Impression]) -> list[bool]:
    """The last impression of each reader that has several."""
    last = {row.user: place for place, row in enumerate(known)}
    first = {row.user: place for place, row in reversed(list(enumerate(known)))}
    return [last[r.user] == place != first[r.user] for place, r in enumerate(known)]


def _looks(rows: Rows, vectors: Vectors) -> Array:
    """What an article looks like before it is read, float64 (articles, columns)."""
    sources = [article.source for article in rows.articles]
    common = [name for name, count in Counter(sources).items() if count >= COMMON_SOURCE]
    numbers = np.array(
        [
            (a.published_ms, len(a.title), len(a.entities), not abstract)
            for a, abstract in zip(rows.articles, rows.abstracts, strict=True)
        ],
        np.float64,
    )
    return np.concatenate(
        [
            3 * (vectors - vectors.mean(axis=0)),
            (numbers - numbers.mean(axis=0)) / np.maximum(numbers.std(axis=0), 1e-9),
            np.array([[float(source == name) for name in common] for source in sources]),
        ],
        axis=1,
    )


def _words(rows: Rows) -> Any:
    """TF-IDF of words and pairs of words, a sparse matrix (articles, words)."""
    texts = [
        f"{article.title} {abstract[:ABSTRACT_CHARACTERS]}"
        for article, abstract in zip(rows.articles, rows.abstracts, strict=True)
    ]
    return _terms(texts, ngram_range=(1, 2))


def _letters(rows: Rows) -> Any:
    """TF-IDF of the titles' runs of three to five letters, a sparse matrix (articles, runs)."""
    titles = [article.title for article in rows.articles]
    return _terms(titles, analyzer="char_wb", ngram_range=(3, 5))


def _terms(texts: Sequence[str], **options: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    fewest = min(FEWEST_TITLES, len(texts))
    return TfidfVectorizer(min_df=fewest, sublinear_tf=True, **options).fit_transform(texts)


def _ridge(matrix: Any, shown: Places, surplus: Array, l2: float) -> Array:
    """Surplus clicks foretold for each article, by ridge regression on all times it was shown."""
    from sklearn.linear_model import Ridge

    times = np.bincount(shown, minlength=matrix.shape[0])
    known = np.flatnonzero(times)
    mean = np.bincount(shown, surplus, matrix.shape[0])[known] / times[known]
    model = Ridge(alpha=l2, fit_intercept=False).fit(matrix[known], mean, times[known])
    foretold: Array = model.predict(matrix)
    return foretold


def _at_most(known: list[Impression]) -> list[Impression]:
    """LEARNED_MOST of them, drawn."""
    if len(known) <= LEARNED_MOST:
        return known
    drawn = np.random.default_rng(SEED).choice(len(known), LEARNED_MOST, replace=False)
    return [known[place] for place in np.sort(drawn)]


def _decides(row: Impression) -> bool:
    """Whether a ranking can be right or wrong about it."""
    return bool(row.clicked.any() and not row.clicked.all())


def _hashed(user: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{SEED}/{user}".encode()).digest()[:8], "big")


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in values.items()}


def read(articles: str, impressions: str) -> Rows:
    """The rows of two JSONL files. Raises WrongRowError, SetupError."""
    found = list(_each(articles, _article))
    places = {article.article_id: place for place, (article, _) in enumerate(found)}
    if len(places) < len(found):
        raise WrongRowError(f"{articles}: {len(found) - len(places)} ids come twice")
    shown = tuple(_each(impressions, lambda row: _impression(row, places)))
    return Rows(tuple(a for a, _ in found), tuple(abstract for _, abstract in found), shown)


def _each(path: str, build: Callable[[Mapping[str, Any]], Any]) -> Iterator[Any]:
    raw, _ = opened(path)
    empty = True
    with unpacked(path, raw) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError(f"a JSON {type(row).__name__}; expected an object")
                yield build(row)
            except (ValueError, RecursionError) as fault:
                raise WrongRowError(f"{path}, line {number}: {fault}") from None
            empty = False
    if empty:
        raise SetupError(f"{path} has no rows")


def _article(row: Mapping[str, Any]) -> tuple[FeedArticle, str]:
    published_ms = row.get("published_ms")
    if published_ms is not None and type(published_ms) is not int:
        raise ValueError(f"published_ms is {published_ms!r}; expected milliseconds since 1970")
    article = FeedArticle(
        article_id=_text(row, "id"),
        title=_text(row, "title"),
        source=str(row.get("source") or ""),
        published_ms=published_ms or 0,
        language="",
        entities={name: name for name in map(_entity, row.get("entities") or ())},
    )
    return article, str(row.get("abstract") or "")


def _entity(found: Any) -> str:
    """The name or id of an entity: text, or an object that has one."""
    if isinstance(found, str):
        return found
    for key in ("wikidata_id", "id", "name", "text"):
        if isinstance(found, dict) and isinstance(found.get(key), str):
            return str(found[key])
    raise ValueError(f"entity {found!r}; expected text, or an object with wikidata_id or name")


def _impression(row: Mapping[str, Any], places: Mapping[str, int]) -> Impression:
    candidates = row.get("candidates")
    if not isinstance(candidates, list) or not candidates:
        raise ValueError(f"candidates is {candidates!r}; expected a list with some")
    history = row.get("history")
    if not isinstance(history, list):
        raise ValueError(f"history is {history!r}; expected a list of article ids")
    ids = [candidate.get("id") if isinstance(candidate, dict) else None for candidate in candidates]
    found = [places.get(str(name)) for name in (*ids, *history)]
    if None in found:
        unknown = (*ids, *history)[found.index(None)]
        raise ValueError(f"article {unknown!r} is not among the articles")
    numbers = np.array(found, np.int64)
    if any(type(c.get("clicked")) not in (bool, int) for c in candidates):
        raise ValueError("a candidate without clicked; expected true or false, 1 or 0")
    return Impression(
        _text(row, "user"),
        numbers[len(ids) :],
        numbers[: len(ids)],
        np.array([bool(candidate["clicked"]) for candidate in candidates]),
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    if not isinstance(row.get(name), str) or not row[name]:
        raise ValueError(f"{name} is {row.get(name)!r}; expected text")
    return str(row[name])
