"""Learn when articles join stories and stories merge: python -m training.fit_stories --help.

Stories with gold are replayed with decisions that leave pure fragments. Each candidate that comes
up is an example, labelled by the gold of most of its articles. How far two stories lie apart in
time is not learned: `uci_news_aggregator_head` holds each of its stories within half an hour, which
no real stream does.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from models.stories.cluster import SHIPPED, Clustering, Stories, StoryArticle, write
from models.stories.decide import Likeness, Weights, likeness
from training.encode import embed, open_session, open_tokenizer, token_ids

STRICT = Clustering(join=Weights(15, 15, 0, 0, 0, 0, -7.5), merge=Weights(15, 15, 0, 0, 0, 0, -5.5))
"""Few errors, many fragments: means of both likenesses from 0.25 and 0.18 on."""

APART = -0.3
"""Log-odds for each e-fold of hours between two stories."""

TIDY_EVERY = 500
RIDGE = 1.0
STEPS = 30


class Examples(NamedTuple):
    """Likenesses, float64 (examples, fields), and whether both are one story, bool (examples,)."""

    alike: np.ndarray
    same: np.ndarray


def examples(articles: Sequence[StoryArticle], gold: Sequence[str]) -> tuple[Examples, Examples]:
    """Examples of joining and of merging, articles in order of time."""
    stories = Stories(STRICT)
    inside: dict[str, Counter[str]] = {}
    joins: list[tuple[Likeness, bool]] = []
    merges: list[tuple[Likeness, bool]] = []

    def truth(story: str) -> str:
        return inside[story].most_common(1)[0][0]

    for place, (article, its_gold) in enumerate(zip(articles, gold, strict=True), start=1):
        placed = stories.place(article)
        joins += [(alike, truth(story) == its_gold) for story, alike in placed.considered]
        inside.setdefault(placed.story_id, Counter())[its_gold] += 1
        if place % TIDY_EVERY and place < len(articles):
            continue
        for one in stories.active.values():
            merges += [
                (likeness(one, other), truth(one.story_id) == truth(other.story_id))
                for other in stories.candidates(one)
            ]
        for change in stories.tidy(with_density=False):
            if change.kind == "merged":
                inside[change.new] += inside[change.old]
    return _arrays(joins), _arrays(merges)


def learn(known: Examples) -> Weights:
    """Ridge logistic regression by Newton's method, both kinds of example weighing the same."""
    time = Likeness._fields.index("apart")
    rows = np.delete(known.alike, time, axis=1)
    design = np.column_stack([rows, np.ones(len(rows))])
    given = APART * known.alike[:, time]
    share = known.same.mean()
    balance = np.where(known.same, 0.5 / share, 0.5 / (1 - share))
    weights = np.zeros(design.shape[1])
    ridge = RIDGE * np.eye(len(weights))
    ridge[-1, -1] = 1e-6
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights + given, -30, 30)))
        slope = design.T @ (balance * (chance - known.same)) + ridge @ weights
        curve = (design * (balance * chance * (1 - chance))[:, None]).T @ design + ridge
        weights -= np.linalg.solve(curve, slope)
    learned = np.insert(weights, time, APART)
    return Weights(*map(float, learned))


def _arrays(found: Sequence[tuple[Likeness, bool]]) -> Examples:
    return Examples(np.array([a for a, _ in found]), np.array([same for _, same in found]))


def read(file: Path, model: Path) -> tuple[list[StoryArticle], list[str]]:
    """Articles with their vectors, and the gold story of each, in order of time.

    file   rows as `wiredesk evaluate stories` reads them
    model  encoder whose tokenizer lies beside it
    """
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
    rows.sort(key=lambda row: row["published_ms"])
    texts = ["\n".join(filter(None, (row["title"], row.get("body")))) for row in rows]
    vectors = embed(open_session(model, threads=1), token_ids(open_tokenizer(model), texts))
    articles = [
        StoryArticle(row["id"], row["title"], row["source"], row["published_ms"], vector)
        for row, vector in zip(rows, vectors, strict=True)
    ]
    return articles, [row["story"] for row in rows]


def main(
    file: Annotated[Path, typer.Argument(help="Rows of `wiredesk evaluate stories`, JSONL.")],
    model: Annotated[Path, typer.Option(help="The encoder's int8 graph.")],
    out: Annotated[Path, typer.Option(help="Where the decisions are kept.")] = SHIPPED,
    join_at: Annotated[float, typer.Option(help="Probability to join from.")] = 0.5,
    merge_at: Annotated[float, typer.Option(help="Probability to merge from.")] = 0.5,
) -> None:
    """Learn from every row of a file and keep the decisions."""
    joins, merges = examples(*read(file, model))
    write(Clustering(learn(joins), learn(merges), join_at=join_at, merge_at=merge_at), out)


if __name__ == "__main__":
    typer.run(main)
