"""Decisions about stories, learned from articles whose stories are known.

Stories with gold are replayed, first with decisions that leave pure fragments, then with what was
learned from those, so that its own mistakes are among the examples (Ross et al., 2011). Each
candidate that comes up is an example, labelled by the gold of most of its articles. Examples count
as often as they come up, or by their `stakes`: most are pairs of small stories, where a wrong
answer costs little.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.stories.cluster import Stories, StoryArticle
from models.stories.clustering import Clustering
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
    articles: Sequence[StoryArticle],
    gold: Sequence[str],
    *,
    join_at: float,
    merge_at: float,
    by_stakes: bool = False,
    ignored: Collection[str] = (),
) -> Clustering:
    """Decisions learned from labelled articles in order of time, to count from a probability on.

    by_stakes  whether examples count by what is at stake, not all the same
    ignored    likenesses that get no weight
    """
    how = partial(learn, by_stakes=by_stakes, ignored=ignored)
    strict = examples(articles, gold, STRICT)
    joins, merges = map(how, strict)
    own = examples(articles, gold, Clustering(joins, merges, join_at=join_at, merge_at=merge_at))
    joins, merges = (how(_together(*pair)) for pair in zip(strict, own, strict=True))
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


def stakes(alike: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How much each example counts: the harmonic mean of the sizes of the two stories.

    That is what a wrong merge costs in BCubed precision.
    """
    smaller, larger = (np.exp(alike[:, Likeness._fields.index(n)]) for n in ("smaller", "larger"))
    counts: npt.NDArray[np.float64] = 2 * smaller * larger / (smaller + larger)
    return counts


def learn(known: Examples, *, by_stakes: bool = False, ignored: Collection[str] = ()) -> Weights:
    """Ridge logistic regression by Newton's method; see `learned`."""
    counts = stakes(known.alike) if by_stakes else np.ones(len(known.alike))
    apart = 0.0 if "apart" in ignored else APART
    given = apart * known.alike[:, Likeness._fields.index("apart")]
    fields = [name for name in Likeness._fields if name not in {"apart", *ignored}]
    rows = known.alike[:, [Likeness._fields.index(name) for name in fields]]
    design = np.column_stack([rows, np.ones(len(rows))])
    weights = np.zeros(design.shape[1])
    ridge = RIDGE * np.eye(len(weights))
    ridge[-1, -1] = 1e-6
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights + given, -30, 30)))
        slope = design.T @ (counts * (chance - known.same)) + ridge @ weights
        curve = (design * (counts * chance * (1 - chance))[:, None]).T @ design + ridge
        weights -= np.linalg.solve(curve, slope)
    found = dict(zip([*fields, "constant"], map(float, weights), strict=True))
    return Weights(**dict.fromkeys(Weights._fields, 0.0) | found | {"apart": apart})


def _together(one: Examples, other: Examples) -> Examples:
    return Examples(*(np.concatenate(pair) for pair in zip(one, other, strict=True)))


def _arrays(found: Sequence[tuple[Likeness, bool]]) -> Examples:
    return Examples(np.array([a for a, _ in found]), np.array([same for _, same in found]))
