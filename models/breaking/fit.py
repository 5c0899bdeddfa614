"""A scorer from replayed stories: gradient boosting, calibrated on days it had not seen.

The jobs do not load this: they read what it gives.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from models.breaking import calibration
from models.breaking.evidence import Evidence
from models.breaking.features import NAMES, features
from models.breaking.forest import LEAF, Forest
from models.breaking.outcome import Outcome
from models.breaking.scorer import Scorer
from schemas.errors import SetupError

Array = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

GROWTH = 0.05
FOLDS = 4
TREES = 150
LEAVES = 15
LEARNING_RATE = 0.05
FEWEST_IN_LEAF = 50
L2 = 5.0
FEATURES_A_SPLIT = 0.5
SEED = 7
HASTE = 0.3
"""Chosen by cross-validation over the days of `globo_clicks` before 2017-10-09."""

RISING = (
    "reach",
    "pace_5",
    "pace_10",
    "pace_20",
    "pace_40",
    "pace_80",
    "time_left",
    "projected_5",
    "projected_20",
    "projected_80",
)
FALLING = ("shortfall",)
"""More of these never lowers, or raises, the score: what chance put into small counts is smoothed,
and an editor never sees a score fall because one more source came.
"""


class Moments(NamedTuple):
    """Moments of stories to learn from, one row each.

    evidence  float64 (moments, fields of Evidence)
    broke     bool (moments,), whether the story broke in the end
    block     int (moments,), stretch of time in which the story was born: folds keep them apart
    outcome   what breaking means here; a scorer may learn several
    worth     of a moment, below 1 where other sets tell of the same stories
    calibrates  whether probabilities are to be right for this outcome; else it only ranks
    """

    evidence: Array
    broke: Booleans
    block: npt.NDArray[np.intp]
    outcome: Outcome
    worth: float = 1.0
    calibrates: bool = True


class Fitted(NamedTuple):
    """A scorer, and what each moment got from scorers that had not seen its block.

    unseen  float64 (moments,), calibrated; the sets one after the other
    """

    scorer: Scorer
    unseen: Array


def fit(
    sets: Sequence[Moments], outcome: Outcome, version: str, *, ignored: Collection[str] = ()
) -> Fitted:
    """A scorer of every set of moments, for an outcome.

    ignored  features that say nothing in these moments
    Raises SetupError where stories that broke, and ones that did not, are not in two blocks.
    """
    rows = np.concatenate([features(moments.evidence, moments.outcome) for moments in sets])
    rows[:, [NAMES.index(name) for name in ignored]] = 0.0  # a constant is never split
    steps, weights = _steps(np.concatenate([moments.evidence for moments in sets]))
    weights *= np.repeat([moments.worth for moments in sets], [len(m.broke) for m in sets])
    broke = np.concatenate([moments.broke for moments in sets])
    folds = _folds(broke, np.concatenate([moments.block for moments in sets]))
    unseen = np.empty(len(rows))
    for fold in range(folds.max() + 1):
        known = steps & (folds != fold)
        model = boost(rows[known], broke[known], weights[known])
        unseen[folds == fold] = model.scores(rows[folds == fold])
    told = steps & np.repeat([m.calibrates for m in sets], [len(m.broke) for m in sets])
    calibrator = calibration.fit(unseen[told], broke[told].astype(np.float64), weights[told])
    forest = boost(rows[steps], broke[steps], weights[steps])
    scorer = Scorer(version, outcome, forest, calibrator, haste=HASTE)
    return Fitted(scorer, calibration.probabilities(calibrator, unseen)[:, 0])


def _steps(evidence: Array) -> tuple[Booleans, Array]:
    """Moments to learn from, and what each is worth: each doubling of sources is an observation.

    Of the moments of a story that differ little, the first of each GROWTH in sources stays.
    """
    sources = evidence[:, Evidence._fields.index("sources")]
    return is_step(sources), np.maximum(1 / sources, GROWTH) / np.log(2)


def is_step(sources: Array) -> Booleans:
    """Whether a number of sources is the first of its GROWTH.

    >>> is_step(np.array([1.0, 2.0, 20.0, 99.0, 100.0])).tolist()
    [True, True, True, True, False]
    """
    before, now = np.floor(np.log([np.maximum(sources - 1, 0.5), sources]) / np.log1p(GROWTH))
    steps: Booleans = now > before
    return steps


def boost(rows: Array, broke: Booleans, weights: Array) -> Forest:
    """Gradient-boosted trees on features, float64 (moments, NAMES)."""
    classifier = HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        learning_rate=LEARNING_RATE,
        min_samples_leaf=FEWEST_IN_LEAF,
        l2_regularization=L2,
        max_features=FEATURES_A_SPLIT,
        monotonic_cst=[(name in RISING) - (name in FALLING) for name in NAMES],
        early_stopping=False,
        random_state=SEED,
    ).fit(rows, broke, sample_weight=weights / weights.mean())
    return _exported(classifier)


def _exported(classifier: Any) -> Forest:
    """The classifier's trees; the tests hold their scores against its own."""
    trees = [iteration[0].nodes for iteration in classifier._predictors]
    starts = np.cumsum([0, *map(len, trees)])
    nodes = np.concatenate(trees)
    offset = np.repeat(starts[:-1], list(map(len, trees)))
    leaf = nodes["is_leaf"].astype(bool)
    value = np.where(leaf, nodes["value"], 0.0)
    left, right = (np.where(leaf, 0, nodes[side] + offset) for side in ("left", "right"))
    for node in np.flatnonzero(~leaf)[::-1]:  # children come after their parent
        below = [left[node], right[node]]
        value[node] = np.average(value[below], weights=nodes["count"][below])
    return Forest(
        names=NAMES,
        base=float(np.ravel(classifier._baseline_prediction)[0]),
        roots=tuple(starts[:-1].tolist()),
        feature=tuple(np.where(leaf, LEAF, nodes["feature_idx"]).tolist()),
        threshold=tuple(np.where(leaf, 0.0, nodes["num_threshold"]).tolist()),
        left=tuple(left.tolist()),
        right=tuple(right.tolist()),
        value=tuple(value.tolist()),
    )


def _folds(broke: Booleans, block: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Blocks of time in FOLDS neighbouring groups, or as many as there are blocks."""
    blocks, place = np.unique(block, return_inverse=True)
    count = min(FOLDS, len(blocks))
    folds: npt.NDArray[np.intp] = place * count // max(1, len(blocks))
    for fold in range(max(1, count)):
        rest = broke[folds != fold]
        if not rest.any() or rest.all():
            raise SetupError(
                f"of {len(broke)} moments to learn from, in {len(blocks)} blocks of time, "
                f"{int(broke.sum())} belong to stories that break; "
                "expected both kinds in at least two blocks"
            )
    return folds
