"""Articles into stories: the clustering of the job, and the ways it has to beat.

Rows are placed in event time through the `Neighbourhood` that the job keeps for a language, or by
the job itself (`Job`); gold stories only score.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.clusters import Agreement, agreement, bcubed
from evaluation.rows import WrongRowError
from models.manifest import SHIPPED
from models.manifest import read as read_manifest
from models.opening import open_encoder
from models.stories import cluster, density, fit
from models.stories.cluster import Clustering, StoryArticle
from models.stories.neighbourhood import Neighbourhood, News, Tidying
from models.stories.received import Received, received, story_article
from models.stories.terms import TermWeights, Vocabulary, terms
from schemas.enriched_article import UNDETERMINED, EnrichedArticle, Language
from schemas.errors import InferenceError, SetupError
from schemas.packed import numbered_lines
from schemas.story import StoryArticle as Placed

Vectors = npt.NDArray[np.float32]

EMBEDDING = "embedding"
"""The task whose route names the encoder."""

BATCH = 16
TEXT_FIELDS = ("id", "title", "source", "story")
TERM_LEVELS = tuple(np.round(np.arange(0.05, 0.55, 0.05), 2))
VECTOR_LEVELS = tuple(np.round(np.arange(0.30, 0.80, 0.05), 2))
CLUSTER_SIZES = (2, 3, 5, 8, 12, 20)


OFTEN = Tidying()
"""How often stories are tidied: as the job does unless its settings say otherwise."""

END = "endofrows"
"""Id and title of an article that belongs to no story: it only lets time pass."""

PARTS = 2
"""Parts of the stories in a cross-validation."""

OURS = "Wiredesk"

EVIDENCE = {
    "vectors": ("mean_vector", "centre_vector"),
    "words": ("mean_terms", "centre_terms"),
    "sizes": ("smaller", "larger"),
    "time": ("apart",),
}
"""Kinds of evidence, and the likenesses that tell of each."""


class Row(NamedTuple):
    """An article with its gold story."""

    id: str
    title: str
    body: str
    source: str
    published_ms: int
    story: str


class Placements(NamedTuple):
    """Where articles went, and what became of stories since.

    news  merges and splits; other news may be among them
    """

    placed: Sequence[Placed]
    news: Sequence[News]


Job = Callable[[Sequence[EnrichedArticle], Path], Placements]
"""Runs the job `breaking` over articles, with the decisions of a file."""


class Comparison(NamedTuple):
    """The job's stories beside the replay's.

    differ          articles in a story of another id
    bcubed_f1_lost  by which the replay's BCubed F1 is higher
    """

    differ: int
    bcubed_f1_lost: float


@dataclass(frozen=True)
class Report:
    """Everything that is printed.

    ours              by the shipped decisions
    baselines         each at the setting with the best BCubed F1 on these rows
    documents_per_s   placing and tidying, without the encoder
    crossed           BCubed F1 of each way on each part of the stories, tuned or learned on the
                      other parts; all rows are placed
    without           the same of ours, learned without a kind of evidence; empty: it was not asked
    by_job            how the job's stories, which `ours` is of then, differ; None: it was not run
    """

    rows: int
    gold: int
    ours: Agreement
    documents_per_s: float
    baselines: dict[str, tuple[float, Agreement]]
    crossed: dict[str, tuple[float, ...]]
    without: dict[str, tuple[float, ...]]
    by_job: Comparison | None = None

    @property
    def over_baseline(self) -> float:
        """BCubed F1 above the best baseline's."""
        return self.ours.bcubed.f1 - max(a.bcubed.f1 for _, a in self.baselines.values())

    def to_json(self) -> dict[str, Any]:
        """As `--json` writes it."""
        return {
            "rows": self.rows,
            "gold_stories": self.gold,
            "metrics": {
                **_figures(self.ours),
                "bcubed_f1_over_baseline": round(self.over_baseline, 5),
                "documents_per_s": round(self.documents_per_s, 1),
            },
            "baselines": {
                name: {"setting": setting, "metrics": _figures(found)}
                for name, (setting, found) in self.baselines.items()
            },
            "cross_validated": _by_part(self.crossed),
            **({"without": _by_part(self.without)} if self.without else {}),
            **({"through_flink": self.by_job._asdict()} if self.by_job else {}),
        }


def evaluate(path: str, job: Job | None = None, *, evidence: bool = False) -> Report:
    """Place the articles of a file. Raises WrongRowError, SetupError.

    A file without any body is judged by the decisions for headlines.
    job       places the articles whose figures are reported
    evidence  whether decisions are learned without each kind of evidence, too
    """
    rows, articles = embedded(path)
    decisions = cluster.SHIPPED if any(row.body for row in rows) else cluster.HEADLINES
    placed = job(articles, decisions) if job else None
    return report(rows, articles, cluster.read(decisions), placed, evidence=evidence)


def embedded(path: str) -> tuple[list[Row], list[EnrichedArticle]]:
    """The rows of a file in order of time, and as the job reads them."""
    rows = sorted(read(path), key=lambda row: row.published_ms)
    return rows, articles_of(rows, embed([_text(row) for row in rows]))


def report(
    rows: Sequence[Row],
    articles: Sequence[EnrichedArticle],
    clustering: Clustering,
    placed: Placements | None = None,
    *,
    evidence: bool = False,
) -> Report:
    """Our stories and every baseline's, rows in order of time; ours by the job if it was run."""
    gold = [row.story for row in rows]
    started = perf_counter()
    found = place_all(articles, clustering)
    taken = perf_counter() - started
    by_job = None
    if placed is not None:
        replayed, found = found, stories_of(articles, placed)
        by_job = compared(gold, replayed, found)
    return Report(
        rows=len(rows),
        gold=len(set(gold)),
        ours=agreement(gold, found),
        documents_per_s=len(rows) / taken,
        baselines={name: _best(way, gold) for name, way in _baselines(rows, articles).items()},
        crossed=crossed(rows, articles, clustering),
        without={
            name: learned_elsewhere(rows, articles, clustering, ignored)
            for name, ignored in (EVIDENCE if evidence and _parts(gold) else {}).items()
        },
        by_job=by_job,
    )


def compared(gold: Sequence[str], replayed: Sequence[str], found: Sequence[str]) -> Comparison:
    """The stories that the job found beside those of the replay."""
    lost = agreement(gold, replayed).bcubed.f1 - agreement(gold, found).bcubed.f1
    differ = sum(one != other for one, other in zip(found, replayed, strict=True))
    return Comparison(differ, round(lost, 5))


def crossed(
    rows: Sequence[Row], articles: Sequence[EnrichedArticle], clustering: Clustering
) -> dict[str, tuple[float, ...]]:
    """BCubed F1 of every way on each part of the stories, learned or tuned on the other parts.

    All rows are placed, and those of the part are scored: alone it would be easier, for half of
    the stories have half of the look-alikes.
    """
    gold = [row.story for row in rows]
    parts = _parts(gold)
    found = {OURS: learned_elsewhere(rows, articles, clustering)} if parts else {}
    everything = _baselines(rows, articles)
    for asked in parts:
        known = [(r, a) for r, a, here in zip(rows, articles, asked, strict=True) if not here]
        known_gold = [row.story for row, _ in known]
        for name, way in _baselines(*zip(*known, strict=True)).items():
            setting, _ = _best(way, known_gold)
            f1 = bcubed(gold, everything[name].stories(setting), asked).f1
            found[name] = (*found.get(name, ()), f1)
    return found


def learned_elsewhere(
    rows: Sequence[Row],
    articles: Sequence[EnrichedArticle],
    clustering: Clustering,
    ignored: Collection[str] = (),
) -> tuple[float, ...]:
    """BCubed F1 on each part of the stories by decisions that were learned from the other parts.

    clustering  says from which probabilities on they count
    ignored     likenesses that decide nothing
    """
    gold = [row.story for row in rows]
    found = []
    for asked in _parts(gold):
        known = [place for place, here in enumerate(asked) if not here]
        ours = fit.learned(
            clustered(articles[place] for place in known),
            [gold[place] for place in known],
            join_at=clustering.join_at,
            merge_at=clustering.merge_at,
            ignored=ignored,
        )
        found.append(bcubed(gold, place_all(articles, ours), asked).f1)
    return tuple(found)


def place_all(
    articles: Iterable[EnrichedArticle], clustering: Clustering, tidying: Tidying = OFTEN
) -> list[str]:
    """The story of each article at the end, merges and splits included."""
    articles = list(articles)
    neighbourhood = Neighbourhood(clustering, tidying)
    answers = [
        neighbourhood.place(each) for each in _received([*articles, end_of(articles, tidying)])
    ]
    return stories_of(
        articles,
        Placements(
            [placed for answer in answers for placed in answer.placed],
            [news for answer in answers for news in answer.news],
        ),
    )


def end_of(articles: Sequence[EnrichedArticle], tidying: Tidying = OFTEN) -> EnrichedArticle:
    """What comes after the last article: at the next pass that merges, splits and asks HDBSCAN.

    A running job comes to it by itself when no article comes.
    """
    last_ms = max(article.published_ms for article in articles)
    passes_ms = tidying.every_ms * tidying.density_every
    end_ms = (last_ms // passes_ms + 1) * passes_ms
    row = Row(id=END, title=END, body="", source=END, published_ms=end_ms, story=END)
    (end,) = articles_of([row], np.zeros((1, 0), np.float32))
    return end


def stories_of(articles: Iterable[EnrichedArticle], placements: Placements) -> list[str]:
    """The story of each article after all that happened; one that was too late is alone."""
    last = {placed.article_id: placed.story_id for placed in placements.placed}
    part_of: dict[str, str] = {}
    for news in placements.news:
        if news.kind == "merged":
            part_of[news.other] = news.story_id
        elif news.kind == "parted":
            part_of.pop(news.story_id, None)
    return [_followed(last.get(each.article_id, each.article_id), part_of) for each in articles]


def read(path: str) -> Iterator[Row]:
    """The rows of a file (`-`: standard input), in its order. Raises WrongRowError."""
    first_lines: dict[str, int] = {}
    for line, content in numbered_lines(path):
        try:
            row = _row(json.loads(content))
        except (ValueError, RecursionError) as fault:
            raise WrongRowError(f"{path}, line {line}: {fault}") from None
        if row.id in first_lines:
            raise WrongRowError(
                f"{path}, line {line}: id {row.id!r} stands on line {first_lines[row.id]}, too"
            )
        first_lines[row.id] = line
        yield row
    if not first_lines:
        raise SetupError(f"{path} has no rows")


def articles_of(rows: Sequence[Row], vectors: Vectors) -> list[EnrichedArticle]:
    """Rows as the job reads them: by title and vector, as if they came when they were published."""
    return [
        EnrichedArticle(
            article_id=row.id,
            url="",
            source=row.source,
            title=row.title,
            published_ms=row.published_ms,
            ingested_ms=row.published_ms,
            enriched_ms=row.published_ms,
            content_hash=row.id,
            language=Language(code=UNDETERMINED, confidence=0.0),
            embedding=vector.astype("<f2").tobytes(),
            model_versions={},
        )
        for row, vector in zip(rows, vectors, strict=True)
    ]


def clustered(articles: Iterable[EnrichedArticle]) -> list[StoryArticle]:
    """Articles as the clustering reads them."""
    return [story_article(article, told=b"") for article in _received(articles)]


def embed(texts: Sequence[str]) -> Vectors:
    """Vectors of texts by the shipped encoder, float32 (texts, width)."""
    manifest = read_manifest(SHIPPED)
    route = next(r for r in manifest.routes if r.task == EMBEDDING)
    encoder = open_encoder(manifest, route.model, threads=1)
    ids = [encoder.tokenize(text) for text in texts]
    order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
    vectors: list[Any] = [None] * len(ids)
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        answers = encoder.run([ids[place] for place in places])
        for place, answer in zip(places, answers, strict=True):
            if isinstance(answer, InferenceError):
                raise SetupError(f"the encoder fails on row {place + 1}: {answer.detail}")
            vectors[place] = answer[route.output]
    stacked: Vectors = np.stack(vectors).astype(np.float32)
    return stacked


def single_pass_terms(weights: Sequence[TermWeights], level: float) -> list[str]:
    """Join the story with the largest TF-IDF cosine to its centre, from a level on."""
    sums: list[TermWeights] = []
    squares: list[float] = []
    holders: dict[str, set[int]] = {}
    found = []
    for article in weights:
        shared: dict[int, float] = {}
        for word, weight in article.items():
            for story in holders.get(word, ()):
                shared[story] = shared.get(story, 0.0) + weight * sums[story][word]
        best = max(shared, key=lambda s: (shared[s] / squares[s] ** 0.5, -s), default=-1)
        if best < 0 or shared[best] / squares[best] ** 0.5 < level:
            best = len(sums)
            sums.append({})
            squares.append(0.0)
        squares[best] += sum(w * (w + 2 * sums[best].get(t, 0.0)) for t, w in article.items())
        for word, weight in article.items():
            sums[best][word] = sums[best].get(word, 0.0) + weight
            holders.setdefault(word, set()).add(best)
        found.append(str(best))
    return found


def single_pass_vectors(vectors: Vectors, level: float) -> list[str]:
    """Join the story with the largest cosine to its centre, from a level on."""
    centres = np.zeros_like(vectors)
    sums = np.zeros_like(vectors)
    count = 0
    found = []
    for vector in vectors:
        cosines = centres[:count] @ vector
        best = int(cosines.argmax()) if count else -1
        if best < 0 or cosines[best] < level:
            best, count = count, count + 1
        sums[best] += vector
        centres[best] = sums[best] / np.linalg.norm(sums[best])
        found.append(str(best))
    return found


def offline(vectors: Vectors, smallest: int) -> list[str]:
    """HDBSCAN on everything at once; noise is a story each."""
    labels = density.clusters(vectors, smallest=smallest)
    return [str(label) if label >= 0 else f"alone {place}" for place, label in enumerate(labels)]


def _received(articles: Iterable[EnrichedArticle]) -> list[Received]:
    return [received(article, ahead_ms=0) for article in articles]


def _followed(story: str, merged: Mapping[str, str]) -> str:
    while story in merged:
        story = merged[story]
    return story


class Way(NamedTuple):
    """A baseline: its settings, and the stories that it finds at one."""

    settings: Sequence[float]
    stories: Callable[[float], list[str]]


def _baselines(rows: Sequence[Row], articles: Sequence[EnrichedArticle]) -> dict[str, Way]:
    """The ways that ours has to beat."""
    words = _weights(rows)
    vectors = np.stack([article.vector for article in clustered(articles)])
    return {
        "single-pass TF-IDF": Way(TERM_LEVELS, lambda at: single_pass_terms(words, at)),
        "single-pass embedding": Way(VECTOR_LEVELS, lambda at: single_pass_vectors(vectors, at)),
        "offline HDBSCAN": Way(CLUSTER_SIZES, lambda at: offline(vectors, int(at))),
    }


def _best(way: Way, gold: Sequence[str]) -> tuple[float, Agreement]:
    """The setting with the best BCubed F1, with its figures."""
    found = [(float(at), agreement(gold, way.stories(at))) for at in way.settings]
    return max(found, key=lambda pair: pair[1].bcubed.f1)


def _parts(gold: Sequence[str]) -> list[npt.NDArray[np.bool_]]:
    """The rows of each part of the stories, none where the stories are too few for parts.

    A part is arbitrary, and the same everywhere.
    """
    drawn = [int.from_bytes(hashlib.sha256(s.encode()).digest()[:4], "big") % PARTS for s in gold]
    parts = [np.array(drawn) == part for part in range(PARTS)]
    return parts if all(part.any() for part in parts) else []


def _weights(rows: Sequence[Row]) -> list[TermWeights]:
    vocabulary = Vocabulary()
    weights = []
    for row in rows:
        words = terms(row.title)
        vocabulary.learn(words)
        weights.append(vocabulary.weigh(words))
    return weights


def _row(columns: Any) -> Row:
    if not isinstance(columns, dict):
        raise ValueError(f"a JSON {type(columns).__name__}; expected an object")
    for name in TEXT_FIELDS:
        if not isinstance(columns.get(name), str) or not columns[name].strip():
            raise ValueError(f"{name} is {columns.get(name)!r}; expected text")
    body = columns.get("body") or ""
    if not isinstance(body, str):
        raise ValueError(f"body is {body!r}; expected text")
    published_ms = columns.get("published_ms")
    if type(published_ms) is not int:
        raise ValueError(
            f"published_ms is {published_ms!r}; expected milliseconds since 1970, a whole number"
        )
    return Row(
        columns["id"], columns["title"], body, columns["source"], published_ms, columns["story"]
    )


def _text(row: Row) -> str:
    return f"{row.title}\n{row.body}" if row.body else row.title


def _by_part(found: Mapping[str, Sequence[float]]) -> dict[str, dict[str, Any]]:
    return {
        name: {"bcubed_f1": round(fmean(parts), 5), "parts": [round(f1, 5) for f1 in parts]}
        for name, parts in found.items()
    }


def _figures(found: Agreement) -> dict[str, float]:
    return {
        "bcubed_precision": round(found.bcubed.precision, 5),
        "bcubed_recall": round(found.bcubed.recall, 5),
        "bcubed_f1": round(found.bcubed.f1, 5),
        "pairwise_precision": round(found.pairwise.precision, 5),
        "pairwise_recall": round(found.pairwise.recall, 5),
        "pairwise_f1": round(found.pairwise.f1, 5),
        "ami": round(found.ami, 5),
        "stories": found.clusters,
    }
