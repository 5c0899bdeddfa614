"""Learn when articles join stories and stories merge: python -m training.fit_stories --help.

Several sets are mixed into one stream: decisions learned from large stories alone join whatever
shares a subject. What was shipped is made by

    python -m training.fit_stories uci.jsonl ecbplus.jsonl singles.jsonl
    python -m training.fit_stories uci.jsonl titles.jsonl --merge-at 0.5 --by-stakes \\
        --out models/stories/headlines.json

from `uci_news_aggregator_head` (headlines), `ecbplus` (articles) and single HuffPost headlines
(`training.replays`; `singles`, and `singles --titles-only --count 1500`). Headlines learn from
headlines alone: beside articles, whose vectors are closer, they stay apart. Their stories are
large, so examples count by what is at stake; the stories of `ecbplus` are small and lose by it.
`merge_at` of the first file was raised to 0.8 afterwards, that of the second lowered to 0.4, see
docs/BREAKING.md. Both files learned from rows without the names in them, which rows have had since
version 0.7.0. How far two stories lie apart in time is not learned: none of the sets has times to
learn it from.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from evaluation import stories
from models.stories.cluster import StoryArticle
from models.stories.clustering import SHIPPED, write
from models.stories.fit import learned

LANGUAGE = "en"
"""Of the files."""

GAP_MS = 30_000
"""Between two articles of the mixed stream."""


class Labelled(NamedTuple):
    """An article with its vector and its gold story."""

    article: StoryArticle
    story: str


def read(file: Path) -> list[Labelled]:
    """The articles of a file in order of time, as `wiredesk evaluate stories` reads them."""
    rows, articles = stories.read_enriched(str(file), LANGUAGE)
    clustered = stories.clustered(articles)
    return [Labelled(article, row.story) for article, row in zip(clustered, rows, strict=True)]


def mixed(sets: Mapping[str, Sequence[Labelled]]) -> list[Labelled]:
    """One stream in which each set is spread evenly, in its own order; names tell them apart."""
    placed = sorted(
        ((place + 0.5) / len(labelled), name, place)
        for name, labelled in sets.items()
        for place in range(len(labelled))
    )
    stream = []
    for number, (_, name, place) in enumerate(placed):
        article, story = sets[name][place]
        article_id, at_ms = f"{name}/{article.article_id}", number * GAP_MS
        moved = article._replace(article_id=article_id, published_ms=at_ms)
        stream.append(Labelled(moved, f"{name}/{story}"))
    return stream


def main(
    files: Annotated[list[Path], typer.Argument(help="Rows of `wiredesk evaluate stories`.")],
    out: Annotated[Path, typer.Option(help="Where the decisions are kept.")] = SHIPPED,
    join_at: Annotated[float, typer.Option(help="Probability to join from.")] = 0.7,
    merge_at: Annotated[float, typer.Option(help="Probability to merge from.")] = 0.7,
    by_stakes: Annotated[
        bool, typer.Option(help="Let large stories count more: a wrong merge costs more there.")
    ] = False,
) -> None:
    """Learn from every row of some files, mixed into one stream, and keep the decisions."""
    stream = mixed({file.stem: read(file) for file in files})
    articles, gold = [article for article, _ in stream], [story for _, story in stream]
    found = learned(articles, gold, join_at=join_at, merge_at=merge_at, by_stakes=by_stakes)
    write(found, out)


if __name__ == "__main__":
    typer.run(main)
