"""Articles into stories: the clustering of the job, and the ways it has to beat.

Rows are enriched as the job `enrich` does it and placed in event time through the `Neighbourhood`
that the job `breaking` keeps for a language, or by the job itself (`Job`); gold stories only score.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evaluation.clusters import Agreement, agreement, bcubed
from evaluation.enriching import enriched
from evaluation.story_baselines import ways
from evaluation.story_rows import Row, read
from models.stories import clustering as decisions
from models.stories import fit
from models.stories.cluster import StoryArticle
from models.stories.clustering import Clustering
from models.stories.neighbourhood import Neighbourhood, News, Tidying
from models.stories.received import Received, received, story_article
from schemas.enriched_article import EnrichedArticle
from schemas.story import StoryArticle as Placed

Progress = Callable[[str], None]

OFTEN = Tidying()
"""How often stories are tidied: as the job does unless its settings say otherwise."""

WITHOUT_DENSITY = Tidying(density_every=2**31)
"""HDBSCAN never proposes."""

END = "endofrows"
"""Id and title of an article that belongs to no story: it only lets time pass."""

PARTS = 2
"""Parts of the stories in a cross-validation."""

OURS = "Wiredesk"


class Without(NamedTuple):
    """A kind of evidence, by what is left out to do without it.

    likenesses  get no weight
    article     what an article lacks
    density     whether HDBSCAN proposes, which is no likeness
    """

    likenesses: tuple[str, ...] = ()
    article: Callable[[EnrichedArticle], EnrichedArticle] = lambda article: article
    density: bool = True


def _nameless(article: EnrichedArticle) -> EnrichedArticle:
    return article.model_copy(update={"entities": None})


def _placeless(article: EnrichedArticle) -> EnrichedArticle:
    """Its places are names like any other: nothing vetoes."""
    named = [name.model_copy(update={"type": "other"}) for name in article.entities or ()]
    return article.model_copy(update={"entities": named})


NOTHING = Without()

EVIDENCE = {
    "vectors": Without(("mean_vector", "centre_vector")),
    "words and names": Without(("mean_terms", "centre_terms")),
    "names": Without(article=_nameless),
    "the veto of places": Without(article=_placeless),
    "sizes": Without(("smaller", "larger")),
    "time": Without(("apart",)),
    "HDBSCAN's proposals": Without(density=False),
}
"""What decides, kind by kind."""


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
    documents_per_s   placing and tidying, without the models
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


def evaluate(
    path: str,
    job: Job | None = None,
    *,
    language: str = "en",
    evidence: bool = False,
    progress: Progress = lambda _: None,
) -> Report:
    """Place the articles of a file. Raises WrongRowError, SetupError.

    A file without any body is judged by the decisions for headlines.
    job       places the articles whose figures are reported
    language  of all rows: stories are of one, and what detects it is measured elsewhere
    evidence  whether decisions are learned without each kind of evidence, too
    """
    rows, articles = read_enriched(path, language, progress)
    headlines = not any(row.body for row in rows)
    file = decisions.HEADLINES if headlines else decisions.SHIPPED
    placed = None
    if job is not None:
        progress("the job places the articles")
        placed = job(articles, file)
    gold = [row.story for row in rows]
    clustering = decisions.read(file)
    return report(
        gold,
        articles,
        clustering,
        placed,
        by_stakes=headlines,
        evidence=evidence,
        progress=progress,
    )


def read_enriched(
    path: str, language: str, progress: Progress = lambda _: None
) -> tuple[list[Row], list[EnrichedArticle]]:
    """The rows of a file in order of time, and as the job reads them."""
    rows = sorted(read(path), key=lambda row: row.published_ms)
    return rows, enriched([row.article for row in rows], language, progress)


def report(
    gold: Sequence[str],
    articles: Sequence[EnrichedArticle],
    clustering: Clustering,
    placed: Placements | None = None,
    *,
    by_stakes: bool = False,
    evidence: bool = False,
    progress: Progress = lambda _: None,
) -> Report:
    """Our stories and every baseline's, articles in order of time; the job's if it was run.

    by_stakes  whether what is cross-validated learns so, see `fit.learned`
    """
    progress("placing by the shipped decisions")
    started = perf_counter()
    found = place_all(articles, clustering)
    taken = perf_counter() - started
    by_job = None
    if placed is not None:
        replayed, found = found, stories_of(articles, placed)
        by_job = compared(gold, replayed, found)
    progress("placing by the baselines")
    baselines = {name: way.best(gold) for name, way in ways(clustered(articles)).items()}
    asked = EVIDENCE if evidence and _parts(gold) else {}
    return Report(
        rows=len(gold),
        gold=len(set(gold)),
        ours=agreement(gold, found),
        documents_per_s=len(gold) / taken,
        baselines=baselines,
        crossed=crossed(gold, articles, clustering, progress, by_stakes=by_stakes),
        without={
            name: learned_elsewhere(
                gold, articles, clustering, kind, _told(progress, name), by_stakes=by_stakes
            )
            for name, kind in asked.items()
        },
        by_job=by_job,
    )


def compared(gold: Sequence[str], replayed: Sequence[str], found: Sequence[str]) -> Comparison:
    """The stories that the job found beside those of the replay."""
    lost = agreement(gold, replayed).bcubed.f1 - agreement(gold, found).bcubed.f1
    differ = sum(one != other for one, other in zip(found, replayed, strict=True))
    return Comparison(differ, round(lost, 5))


def crossed(
    gold: Sequence[str],
    articles: Sequence[EnrichedArticle],
    clustering: Clustering,
    progress: Progress = lambda _: None,
    *,
    by_stakes: bool = False,
) -> dict[str, tuple[float, ...]]:
    """BCubed F1 of every way on each part of the stories, learned or tuned on the other parts.

    All articles are placed, and those of the part are scored: alone it would be easier, for half of
    the stories have half of the look-alikes.
    """
    parts = _parts(gold)
    ours = learned_elsewhere(gold, articles, clustering, progress=progress, by_stakes=by_stakes)
    found = {OURS: ours}
    everything = ways(clustered(articles))
    for number, asked in enumerate(parts, start=1):
        progress(f"tuning the baselines for part {number} of {PARTS}")
        known = [place for place, here in enumerate(asked) if not here]
        known_gold = [gold[place] for place in known]
        for name, way in ways(clustered(articles[place] for place in known)).items():
            setting, _ = way.best(known_gold)
            f1 = bcubed(gold, everything[name].stories(setting), asked).f1
            found[name] = (*found.get(name, ()), f1)
    return found if parts else {}


def learned_elsewhere(
    gold: Sequence[str],
    articles: Sequence[EnrichedArticle],
    clustering: Clustering,
    without: Without = NOTHING,
    progress: Progress = lambda _: None,
    *,
    by_stakes: bool = False,
) -> tuple[float, ...]:
    """BCubed F1 on each part of the stories by decisions that were learned from the other parts.

    clustering  says from which probabilities on they count
    without     evidence that is left out
    by_stakes   whether examples count by what is at stake, as they do for headlines
    """
    given = [without.article(article) for article in articles]
    tidying = OFTEN if without.density else WITHOUT_DENSITY
    found = []
    for number, asked in enumerate(_parts(gold), start=1):
        progress(f"learning for part {number} of {PARTS}")
        known = [place for place, here in enumerate(asked) if not here]
        ours = fit.learned(
            clustered(given[place] for place in known),
            [gold[place] for place in known],
            join_at=clustering.join_at,
            merge_at=clustering.merge_at,
            by_stakes=by_stakes,
            ignored=without.likenesses,
        )
        progress(f"placing for part {number} of {PARTS}")
        found.append(bcubed(gold, place_all(given, ours, tidying), asked).f1)
    return tuple(found)


def place_all(
    articles: Sequence[EnrichedArticle], clustering: Clustering, tidying: Tidying = OFTEN
) -> list[str]:
    """The story of each article at the end, merges and splits included."""
    neighbourhood = Neighbourhood(clustering, tidying)
    answers = [neighbourhood.place(each) for each in _received([*articles, end_of(articles)])]
    return stories_of(
        articles,
        Placements(
            [placed for answer in answers for placed in answer.placed],
            [news for answer in answers for news in answer.news],
        ),
    )


def end_of(articles: Sequence[EnrichedArticle]) -> EnrichedArticle:
    """What comes after the last article: at the next pass that merges, splits and asks HDBSCAN.

    A running job comes to it by itself when no article comes.
    """
    last = max(articles, key=lambda article: article.published_ms)
    passes_ms = OFTEN.every_ms * OFTEN.density_every
    end_ms = (last.published_ms // passes_ms + 1) * passes_ms
    return EnrichedArticle(
        article_id=END,
        url="",
        source=END,
        title=END,
        published_ms=end_ms,
        ingested_ms=end_ms,
        enriched_ms=end_ms,
        content_hash=END,
        language=last.language,
        model_versions={},
    )


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


def clustered(articles: Iterable[EnrichedArticle]) -> list[StoryArticle]:
    """Articles as the clustering reads them."""
    return [story_article(article, told=b"") for article in _received(articles)]


def _received(articles: Iterable[EnrichedArticle]) -> list[Received]:
    return [received(article, ahead_ms=0) for article in articles]


def _followed(story: str, merged: Mapping[str, str]) -> str:
    while story in merged:
        story = merged[story]
    return story


def _parts(gold: Sequence[str]) -> list[npt.NDArray[np.bool_]]:
    """The articles of each part of the stories, none where the stories are too few for parts.

    A part is arbitrary, and the same everywhere.
    """
    drawn = [int.from_bytes(hashlib.sha256(s.encode()).digest()[:4], "big") % PARTS for s in gold]
    parts = [np.array(drawn) == part for part in range(PARTS)]
    return parts if all(part.any() for part in parts) else []


def _told(progress: Progress, name: str) -> Progress:
    return lambda what: progress(f"without {name}: {what}")


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
