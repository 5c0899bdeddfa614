"""NRMS for `wiredesk evaluate feed --nrms DIR`: python -m training.fit_attention --out DIR …

Learns from the impressions that the evaluation learns from, and from no other: one graph of all of
them, and one without each fold of their readers. Needs PyTorch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from evaluation import feed
from evaluation.feed_attention import OF_ALL, without, write_learned
from evaluation.feed_corpus import Array, Corpus, Vectors, read_of
from evaluation.feed_rows import Impression, Rows
from models.ranking.rankers import Slate
from schemas.errors import SetupError
from training import nrms
from training.nrms import Choice, Learning


def fit(rows: Rows, vectors: Vectors, folder: Path, learning: Learning | None = None) -> None:
    """Write the graphs. Raises SetupError where a fold has nothing to learn from."""
    learned = feed.split(rows).learned
    corpus = Corpus(rows, vectors)
    crowds = feed.out_of_fold(corpus, learned)
    choices = [
        (feed.fold_of(row.user), _choice(corpus, row, corpus.slate(row, crowd)))
        for row, crowd in zip(learned, crowds, strict=True)
        if row.decides
    ]
    folder.mkdir(parents=True, exist_ok=True)
    for left_out in (None, *range(feed.FOLDS)):
        known = [each for each in choices if each[0] != left_out]
        stop_by = 0 if left_out is None else (left_out + 1) % feed.FOLDS
        fitted = nrms.fit(
            _some([choice for fold, choice in known if fold != stop_by]),
            _some([choice for fold, choice in known if fold == stop_by]),
            feed.EVERYTHING,
            learning,
        )
        name = OF_ALL if left_out is None else without(left_out)
        nrms.export(fitted.network, vectors.shape[1], folder / name)
        typer.echo(f"{name}: loss {fitted.losses[0]:.4f} before, {min(fitted.losses):.4f} after")
    write_learned(folder, learned)


def _choice(corpus: Corpus, row: Impression, features: Array) -> Choice:
    slate = Slate(features, corpus.vectors[row.shown], corpus.vectors[read_of(row)])
    return Choice(slate, row.clicked)


def _some(choices: Sequence[Choice]) -> Sequence[Choice]:
    if not choices:
        raise SetupError(f"one of the {feed.FOLDS} folds has no readers; expected more of them")
    return choices


def main(
    out: Annotated[Path, typer.Option(help="Folder for the graphs.")],
    articles: Annotated[str | None, typer.Option(help="As of `wiredesk evaluate feed`.")] = None,
    impressions: Annotated[str | None, typer.Option(help="As of `wiredesk evaluate feed`.")] = None,
    mind_dir: Annotated[
        Path | None, typer.Option("--mind", help="As of `wiredesk evaluate feed`.")
    ] = None,
) -> None:
    """Learn the graphs, say what each has learned."""
    rows = feed.rows_of(articles, impressions, mind_dir)
    fit(rows, feed.embedded(rows), out)


if __name__ == "__main__":
    typer.run(main)
