"""Decisions about stories, learned from articles whose stories are known.

Stories with gold are replayed, first with decisions that leave pure fragments, then with what was
learned from those, so that its own mistakes are among the examples (Ross et al., 2011). Each
candidate that comes up is an example, labelled by the gold of most of its articles; examples count
as often as they come up.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.stories.cluster import Clustering, Stories, StoryArticle
from models.stories.decide import Likeness, Weights, likeness

STRICT = Clustering(
    join=Weights(15, 15, 0, 0, 0, 0, 0, -7.5), merge=Weights(15, 15, 0, 0, 0, 0, 0, -5.5)
)
"""Few errors, many fragments: means of both likenesses from 0.25 and 0.18 on."""

APART = -0.3
"""Log-odds for each e-fold of hours between two stories."""

TIDY_EVERY = 500
RIDGE = 1.0
STEPS = 30


class Examples(NamedTuple):
    """Likenesses, float64 (examples, fields), and whether both are one story, bool (examples,)."""

    alike: npt.NDArray[np.float64]
    same: npt.NDArray[np.bool_]


def learned(
    articles: Sequence[StoryArticle], gold: Sequence[str], *, join_at: float, merge_at: float
) -> Clustering:
    """Decisions learned from labelled articles in order of time, to count from a probability on."""
    strict = examples(articles, gold, STRICT)
    first = Clustering(learn(strict[0]), learn(strict[1]), join_at=join_at, merge_at=merge_at)
    own = examples(articles, gold, first)
    joins, merges = (learn(_together(one, other)) for one, other in zip(strict, own, strict=True))
    return Clustering(joins, merges, join_at=join_at, merge_at=merge_at)


def examples(
    articles: Sequence[StoryArticle], gold: Sequence[str], clustering: Clustering
) -> tuple[Examples, Examples]:
    """Examples of joining and of merging, articles in order of time."""
    replayed = Stories(clustering)
    inside: dict[str, Counter[str]] = {}
    joins: list[tuple[Likeness, bool]] = []
    merges: list[tuple[Likeness, bool]] = []

    def truth(story: str) -> str:
        return inside[story].most_common(1)[0][0]

    for place, (article, its_gold) in enumerate(zip(articles, gold, strict=True), start=1):
        placed = replayed.place(article, explain=True)
        joins += [(alike, truth(story) == its_gold) for story, alike in placed.considered]
        inside.setdefault(placed.story_id, Counter())[its_gold] += 1
        if place % TIDY_EVERY and place < len(articles):
            continue
        for one in replayed.active.values():
            merges += [
                (likeness(one, other), truth(one.story_id) == truth(other.story_id))
                for other in replayed.candidates(one)
            ]
        for change in replayed.tidy(with_density=False):
            if change.kind == "merged":
                inside[change.new] += inside[change.old]
    return _arrays(joins), _arrays(merges)


def learn(known: Examples) -> Weights:
    """Ridge logistic regression by Newton's method."""
    time = Likeness._fields.index("apart")
    rows = np.delete(known.alike, time, axis=1)
    design = np.column_stack([rows, np.ones(len(rows))])
    given = APART * known.alike[:, time]
    weights = np.zeros(design.shape[1])
    ridge = RIDGE * np.eye(len(weights))
    ridge[-1, -1] = 1e-6
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights + given, -30, 30)))
        slope = design.T @ (chance - known.same) + ridge @ weights
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + ridge
        weights -= np.linalg.solve(curve, slope)
    return Weights(*map(float, np.insert(weights, time, APART)))


def _together(one: Examples, other: Examples) -> Examples:
    return Examples(*(np.concatenate(pair) for pair in zip(one, other, strict=True)))


def _arrays(found: Sequence[tuple[Likeness, bool]]) -> Examples:
    return Examples(np.array([a for a, _ in found]), np.array([same for _, same in found]))
