"""What orders a feed: a weighted sum, trees, or attention beside a sum, behind one interface."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from models.breaking import forest
from models.breaking.forest import Forest
from models.ranking.attention import Attention, digest
from models.ranking.features import NAMES
from schemas.errors import ModelFileError

Array = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]

PRIOR = Path(__file__).with_name("prior.json")
"""The ranking of a newsroom that has no logged feeds yet: weights set by hand, not learned."""


class Slate(NamedTuple):
    """Articles to order for one reader.

    rows     float64 (articles, NAMES)
    vectors  float32 (articles, width); zeros where an article has none
    history  float32 (read, width): vectors of what the reader read, the newest first
    """

    rows: Array
    vectors: Vectors
    history: Vectors


class Ranker(Protocol):
    """Scores of articles for a reader: only their order and their differences mean something."""

    @property
    def version(self) -> str:
        """What a feed logs as its ranking."""
        ...

    def scores(self, slate: Slate) -> Array:
        """float64 (articles,)."""
        ...

    def contributions(self, row: Array) -> dict[str, float]:
        """What each feature adds to an article's score, float64 (NAMES,) in."""
        ...


@dataclass(frozen=True)
class Linear:
    """A weighted sum of features.

    With the logarithms of clicks and age among them, a new reader's score is the logarithm of
    popularity to a power times age to a power.
    """

    version: str
    weights: Mapping[str, float]

    def scores(self, slate: Slate) -> Array:
        """float64 (articles,)."""
        scores: Array = slate.rows @ np.array([self.weights[name] for name in NAMES])
        return scores

    def contributions(self, row: Array) -> dict[str, float]:
        """Weight times value."""
        return {n: self.weights[n] * float(v) for n, v in zip(NAMES, row, strict=True)}


@dataclass(frozen=True)
class Trees:
    """Gradient-boosted trees: LambdaRank (Burges, 2010) as LightGBM fits it, without LightGBM."""

    version: str
    forest: Forest

    def scores(self, slate: Slate) -> Array:
        """float64 (articles,)."""
        return self.forest.margins(slate.rows)

    def contributions(self, row: Array) -> dict[str, float]:
        """Change of the mean value at the splits of each feature."""
        return self.forest.contributions(row)


@dataclass(frozen=True)
class Neural:
    """A weighted sum of features, and attention over what was read (NRMS, as ONNX).

    What attention adds is part of no feature.
    """

    version: str
    weights: Mapping[str, float]
    attention: Attention

    def scores(self, slate: Slate) -> Array:
        """float64 (articles,)."""
        sums = Linear(self.version, self.weights).scores(slate)
        return sums + self.attention.affinities(slate.vectors, slate.history)

    def contributions(self, row: Array) -> dict[str, float]:
        """Weight times value."""
        return Linear(self.version, self.weights).contributions(row)


def read(path: Path = PRIOR) -> Ranker:
    """A ranking as `write` kept it. Raises ModelFileError."""
    try:
        state = json.loads(path.read_text("utf-8"))
        kind, version = state["kind"], str(state["version"])
    except OSError as error:
        raise ModelFileError(f"the ranking {path} cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path} is no ranking: {error!r}") from error
    if kind == "linear":
        return Linear(version, _weights(path, state.get("weights")))
    if kind == "trees":
        trees = forest.from_state(state.get("forest") or {})
        _check_names(path, trees.names)
        return Trees(version, trees)
    if kind == "nrms":
        attention = _attention(path, state.get("graph"))
        return Neural(version, _weights(path, state.get("weights")), attention)
    raise ModelFileError(f"{path} holds a ranking of kind {kind!r}; expected linear, trees or nrms")


def write(ranker: Linear | Trees | Neural, path: Path) -> None:
    """Keep a ranking as JSON; a graph lies beside it, with the suffix .onnx."""
    state: dict[str, Any] = {"version": ranker.version}
    if isinstance(ranker, Linear):
        state |= {"kind": "linear", "weights": dict(ranker.weights)}
    elif isinstance(ranker, Neural):
        graph = ranker.attention.graph
        if graph != graph_beside(path):
            graph_beside(path).write_bytes(graph.read_bytes())
        state |= {"kind": "nrms", "weights": dict(ranker.weights), "graph": digest(graph)}
    else:
        state |= {"kind": "trees", "forest": ranker.forest.to_state()}
    path.write_text(json.dumps(state, indent=1) + "\n", "utf-8")


def graph_beside(path: Path) -> Path:
    """Where the graph of a ranking of kind nrms lies."""
    return path.with_suffix(".onnx")


def _attention(path: Path, expected: Any) -> Attention:
    graph = graph_beside(path)
    try:
        found = digest(graph)
    except OSError as error:
        raise ModelFileError(f"the graph of {path} cannot be read: {error}") from error
    if found != expected:
        raise ModelFileError(f"{graph} has sha256 {found}; {path} expects {expected}")
    return Attention(graph)


def _weights(path: Path, found: Any) -> dict[str, float]:
    if not isinstance(found, dict):
        raise ModelFileError(f"{path} has no weights")
    _check_names(path, sorted(found), sorted(NAMES))
    return {name: float(found[name]) for name in NAMES}


def _check_names(path: Path, found: Sequence[str], expected: Sequence[str] = NAMES) -> None:
    if tuple(found) != tuple(expected):
        raise ModelFileError(f"{path} ranks by {list(found)}; expected {list(expected)}")
