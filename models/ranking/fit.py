"""Rankings from logged choices: LambdaRank by LightGBM, and a linear one beside it.

Needs LightGBM and scikit-learn, which serving does not: it reads what this gives.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.breaking.forest import LEAF, Forest
from schemas.errors import missing_extra

Rows = npt.NDArray[np.floating[Any]]
Array = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Sizes = npt.NDArray[np.int64]

SEED = 7


class Growth(NamedTuple):
    """How trees grow."""

    trees: int = 200
    leaves: int = 31
    rate: float = 0.08
    fewest_in_leaf: int = 100
    features_a_tree: float = 0.6


class FittedTrees(NamedTuple):
    """A forest, and the share of each feature in the gain of its splits, the largest first."""

    forest: Forest
    gains: dict[str, float]


def fit_trees(
    rows: Rows,
    clicked: Booleans,
    sizes: Sizes,
    names: Sequence[str],
    growth: Growth | None = None,
) -> FittedTrees:
    """LambdaRank (Burges, 2010) on slates, one after another.

    rows     (articles, names)
    clicked  bool (articles,)
    sizes    articles of each slate
    Raises SetupError where LightGBM is not installed.
    """
    lightgbm = _library("lightgbm")
    growth = growth or Growth()
    booster = lightgbm.train(
        {
            "objective": "lambdarank",
            "num_leaves": growth.leaves,
            "learning_rate": growth.rate,
            "min_data_in_leaf": growth.fewest_in_leaf,
            "feature_fraction": growth.features_a_tree,
            "lambdarank_truncation_level": 20,
            "deterministic": True,
            "force_row_wise": True,
            "seed": SEED,
            "num_threads": 1,
            "verbose": -1,
        },
        lightgbm.Dataset(
            np.asarray(rows, np.float32), clicked.astype(np.int8), group=sizes.tolist()
        ),
        num_boost_round=growth.trees,
    )
    gains = booster.feature_importance("gain")
    order = np.argsort(-gains, kind="stable")
    total = max(float(gains.sum()), 1e-12)
    return FittedTrees(
        exported(booster.dump_model(), names),
        {names[column]: float(gains[column]) / total for column in order},
    )


def fit_linear(
    rows: Rows, clicked: Booleans, sizes: Sizes, names: Sequence[str], *, l2: float = 1.0
) -> dict[str, float]:
    """Weights by logistic regression on rows less the mean of their slate.

    A slate's mean says nothing about which of its articles is clicked. Raises SetupError.
    """
    slates = np.repeat(np.arange(len(sizes)), sizes)
    means = np.stack([np.bincount(slates, column) for column in rows.T]).T / sizes[:, None]
    centred = rows - means[slates]
    spread = np.maximum(centred.std(axis=0), 1e-9)
    model = _library("sklearn.linear_model").LogisticRegression(
        C=1 / l2, max_iter=1000, class_weight="balanced"
    )
    model.fit(centred / spread, clicked)
    weights = np.ravel(model.coef_) / spread
    return dict(zip(names, weights.tolist(), strict=True))


def exported(model: Mapping[str, Any], names: Sequence[str]) -> Forest:
    """LightGBM's trees as plain arrays; the tests hold their scores against its own."""
    nodes: list[tuple[int, float, int, int, float]] = []
    roots = [_add(tree["tree_structure"], nodes) for tree in model["tree_info"]]
    feature, threshold, left, right, value = zip(*nodes, strict=True)
    return Forest(tuple(names), 0.0, tuple(roots), feature, threshold, left, right, value)


def _add(node: Mapping[str, Any], nodes: list[tuple[int, float, int, int, float]]) -> int:
    """Append a node, then what is below it; its place."""
    place = len(nodes)
    if "leaf_value" in node:
        nodes.append((LEAF, 0.0, 0, 0, float(node["leaf_value"])))
        return place
    if node["decision_type"] != "<=":
        raise ValueError(f"a split by {node['decision_type']!r}; expected numbers")
    nodes.append((LEAF, 0.0, 0, 0, 0.0))
    left, right = _add(node["left_child"], nodes), _add(node["right_child"], nodes)
    column, threshold = int(node["split_feature"]), float(node["threshold"])
    nodes[place] = (column, threshold, left, right, float(node["internal_value"]))
    return place


def _library(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise missing_extra(error, "evaluation") from error
