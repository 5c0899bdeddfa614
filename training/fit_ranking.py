"""A ranking of one's own from logged feeds: python -m training.fit_ranking FEEDS --out FILE.

FEEDS is JSONL, one feed a line: {"user", "items": [{"features": {name: value}, "clicked",
"propensity"?}]}, the features as the feed logged them when it served. Linear and LambdaRank are
fitted on four readers of five; the one that orders the fifth reader's feeds better is kept, with
its figures beside the ranking that serves today.

With --vectors, JSONL {"id", "vector": [number]} of articles, attention over what was read (NRMS) is
a third kind. Feeds then say "id" of each item, and "history": ids, the newest first. An article
without a vector is as unlike as like everything. Needs PyTorch.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer

from evaluation.feed import part_of
from evaluation.feed_report import auc
from evaluation.rows import WrongRowError
from models.ranking import rankers
from models.ranking.features import NAMES
from models.ranking.fit import fit_linear, fit_trees
from models.ranking.rankers import Linear, Neural, Ranker, Slate, Trees, graph_beside
from schemas.errors import SetupError
from schemas.packed import numbered_lines

HOLDOUT = 4
"""The part of the readers that tells the network when to stop."""

Vectors = Mapping[str, np.ndarray]
"""float32 (width,) by article id."""


class Served(NamedTuple):
    """A feed as it was served, and what was clicked: bool (items,)."""

    user: str
    slate: Slate
    clicked: np.ndarray


class Fitted(NamedTuple):
    """The better ranking, and the AUC of each on readers that were not learned from."""

    ranker: Linear | Trees | Neural
    aucs: dict[str, float]


def fit(feeds: list[Served], version: str, today: Ranker, *, graph: Path | None = None) -> Fitted:
    """Raises SetupError where there are no feeds to learn from or to compare on.

    graph  where attention is written, which then is one of the kinds; the feeds bring vectors
    """
    known = [feed for feed in feeds if part_of(feed.user) > 0]
    asked = [feed for feed in feeds if part_of(feed.user) == 0]
    if not known or not asked:
        raise SetupError(
            f"{len(known)} feeds to learn from and {len(asked)} to compare on; expected some of "
            "both, with clicked and unclicked items"
        )
    rows = np.concatenate([feed.slate.rows for feed in known])
    clicked = np.concatenate([feed.clicked for feed in known])
    sizes = np.array([len(feed.clicked) for feed in known])
    found: dict[str, Linear | Trees | Neural] = {
        "linear": Linear(version, fit_linear(rows, clicked, sizes, NAMES)),
        "trees": Trees(version, fit_trees(rows, clicked, sizes, NAMES).forest),
    }
    if graph is not None:
        found["nrms"] = _attentive(known, version, graph)
    aucs = {name: _mean_auc(ranker, asked) for name, ranker in found.items()}
    champion = found[max(aucs, key=lambda name: aucs[name])]
    return Fitted(champion, aucs | {f"today ({today.version})": _mean_auc(today, asked)})


def _attentive(known: Sequence[Served], version: str, graph: Path) -> Neural:
    from training import nrms

    learned = [nrms.Choice(f.slate, f.clicked) for f in known if part_of(f.user) != HOLDOUT]
    held = [nrms.Choice(f.slate, f.clicked) for f in known if part_of(f.user) == HOLDOUT]
    if not learned or not held:
        raise SetupError(
            f"{len(learned)} feeds for attention to learn from and {len(held)} to stop by; "
            "expected some of both"
        )
    fitted = nrms.fit(learned, held, NAMES)
    width = learned[0].slate.vectors.shape[1]
    return Neural(version, fitted.weights, nrms.export(fitted.network, width, graph))


def read_vectors(path: str) -> dict[str, np.ndarray]:
    """Vectors by article id. Raises WrongRowError."""
    found: dict[str, np.ndarray] = {}
    width = None
    for number, line in numbered_lines(path):
        try:
            row = json.loads(line)
            vector = np.array(row["vector"], np.float32)
            width = width or len(vector)
            if vector.shape != (width,) or not np.isfinite(vector).all():
                raise ValueError(f"{vector.shape} numbers; expected {width}, all finite")
            found[str(row["id"])] = vector
        except (ValueError, KeyError, TypeError, RecursionError) as fault:
            raise WrongRowError(f"{path}, line {number}: {fault!r}") from None
    if not found:
        raise WrongRowError(f"{path} has no vectors")
    return found


def read(path: str, vectors: Vectors | None = None) -> Iterator[Served]:
    """Feeds with clicked and unclicked items. Raises WrongRowError.

    vectors  of the articles; None: of none
    """
    for number, line in numbered_lines(path):
        try:
            served = _served(json.loads(line), vectors)
        except (ValueError, KeyError, TypeError, RecursionError) as fault:
            raise WrongRowError(f"{path}, line {number}: {fault!r}") from None
        if served.clicked.any() and not served.clicked.all():
            yield served


def _served(row: Mapping[str, Any], vectors: Vectors | None) -> Served:
    items = row["items"]
    rows = [[float(item["features"][name]) for name in NAMES] for item in items]
    shown, history = np.zeros((len(items), 0), np.float32), np.zeros((0, 0), np.float32)
    if vectors is not None:
        shown = _stacked([item["id"] for item in items], vectors)
        history = _stacked([each for each in row["history"] if each in vectors], vectors)
    return Served(
        str(row["user"]),
        Slate(np.array(rows, np.float64).reshape(-1, len(NAMES)), shown, history),
        np.array([bool(item["clicked"]) for item in items]),
    )


def _stacked(ids: Sequence[str], vectors: Vectors) -> np.ndarray:
    """float32 (ids, width); zeros for an article without a vector."""
    nothing = np.zeros_like(next(iter(vectors.values())))
    return np.array([vectors.get(each, nothing) for each in ids]).reshape(-1, len(nothing))


def _mean_auc(ranker: Ranker, feeds: list[Served]) -> float:
    return float(np.mean([auc(ranker.scores(f.slate), f.clicked) for f in feeds]))


def main(
    feeds: Annotated[str, typer.Argument(help="JSONL, one feed a line; - for standard input.")],
    out: Annotated[Path, typer.Option(help="Where the ranking is written, as JSON.")],
    version: Annotated[str, typer.Option(help="What feeds log as their ranking.")],
    today: Annotated[Path, typer.Option(help="The ranking that serves now.")] = rankers.PRIOR,
    vectors: Annotated[
        str | None, typer.Option(metavar="FILE", help='JSONL {"id", "vector"}: learn NRMS, too.')
    ] = None,
) -> None:
    """Fit every kind, keep the best one, say how good each is."""
    known = None if vectors is None else read_vectors(vectors)
    graph = None if known is None else graph_beside(out)
    fitted = fit(list(read(feeds, known)), version, rankers.read(today), graph=graph)
    rankers.write(fitted.ranker, out)
    if graph is not None and not isinstance(fitted.ranker, Neural):
        graph.unlink()
    for name, value in fitted.aucs.items():
        typer.echo(f"{name}: AUC {value:.4f}")
    typer.echo(f"{out}: {type(fitted.ranker).__name__.lower()} {version}")


if __name__ == "__main__":
    typer.run(main)
