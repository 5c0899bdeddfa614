"""A ranking of one's own from logged feeds: python -m training.fit_ranking FEEDS --out FILE.

FEEDS is JSONL, one feed a line: {"user", "items": [{"features": {name: value}, "clicked",
"propensity"?}]}, the features as the feed logged them when it served. Linear and LambdaRank are
fitted on four readers of five; the one that orders the fifth reader's feeds better is kept, with
its figures beside the ranking that serves today.
"""

import json
from collections.abc import Iterator, Mapping
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
from models.ranking.rankers import Linear, Ranker, Slate, Trees
from schemas.errors import SetupError
from schemas.packed import opened, unpacked


class Served(NamedTuple):
    """A feed as it was served, and what was clicked: (items, NAMES), bool (items,)."""

    user: str
    rows: np.ndarray
    clicked: np.ndarray


class Fitted(NamedTuple):
    """The better ranking, and the AUC of each on readers that were not learned from."""

    ranker: Linear | Trees
    aucs: dict[str, float]


def fit(feeds: list[Served], version: str, today: Ranker) -> Fitted:
    """Raises SetupError where there are no feeds to learn from or to compare on."""
    known = [feed for feed in feeds if part_of(feed.user) > 0]
    asked = [feed for feed in feeds if part_of(feed.user) == 0]
    if not known or not asked:
        raise SetupError(
            f"{len(known)} feeds to learn from and {len(asked)} to compare on; expected some of "
            "both, with clicked and unclicked items"
        )
    rows = np.concatenate([feed.rows for feed in known])
    clicked = np.concatenate([feed.clicked for feed in known])
    sizes = np.array([len(feed.rows) for feed in known])
    found: dict[str, Linear | Trees] = {
        "linear": Linear(version, fit_linear(rows, clicked, sizes, NAMES)),
        "trees": Trees(version, fit_trees(rows, clicked, sizes, NAMES).forest),
    }
    aucs = {name: _mean_auc(ranker, asked) for name, ranker in found.items()}
    champion = found[max(aucs, key=lambda name: aucs[name])]
    return Fitted(champion, aucs | {f"today ({today.version})": _mean_auc(today, asked)})


def read(path: str) -> Iterator[Served]:
    """Feeds with clicked and unclicked items. Raises WrongRowError."""
    raw, _ = opened(path)
    with unpacked(path, raw) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                served = _served(json.loads(line))
            except (ValueError, KeyError, TypeError, RecursionError) as fault:
                raise WrongRowError(f"{path}, line {number}: {fault!r}") from None
            if served.clicked.any() and not served.clicked.all():
                yield served


def _served(row: Mapping[str, Any]) -> Served:
    items = row["items"]
    rows = [[float(item["features"][name]) for name in NAMES] for item in items]
    return Served(
        str(row["user"]),
        np.array(rows, np.float64).reshape(-1, len(NAMES)),
        np.array([bool(item["clicked"]) for item in items]),
    )


def _mean_auc(ranker: Ranker, feeds: list[Served]) -> float:
    nothing = np.zeros((0, 0), np.float32)
    return float(
        np.mean(
            [
                auc(
                    ranker.scores(Slate(f.rows, np.zeros((len(f.rows), 0), np.float32), nothing)),
                    f.clicked,
                )
                for f in feeds
            ]
        )
    )


def main(
    feeds: Annotated[str, typer.Argument(help="JSONL, one feed a line; - for standard input.")],
    out: Annotated[Path, typer.Option(help="Where the ranking is written, as JSON.")],
    version: Annotated[str, typer.Option(help="What feeds log as their ranking.")],
    today: Annotated[Path, typer.Option(help="The ranking that serves now.")] = rankers.PRIOR,
) -> None:
    """Fit both kinds, keep the better one, say how good each is."""
    fitted = fit(list(read(feeds)), version, rankers.read(today))
    rankers.write(fitted.ranker, out)
    for name, value in fitted.aucs.items():
        typer.echo(f"{name}: AUC {value:.4f}")
    typer.echo(f"{out}: {type(fitted.ranker).__name__.lower()} {version}")


if __name__ == "__main__":
    typer.run(main)
