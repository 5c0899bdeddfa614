"""Whom the toxicity of comments wrongs, and what disguised spelling costs it.

python -m evaluation.comment_checks fairness --data-dir DIR
python -m evaluation.comment_checks dialect --data-dir DIR
python -m evaluation.comment_checks spelling --data-dir DIR

fairness  HateCheck's cases that are not hateful, by the group they speak of: the share called
          toxic, on the templates that only name or praise a group, and on all; beside them the
          share of hateful cases that is found. Markdown, for the model's card.
dialect   comments that nobody called an attack: the share called toxic with features of African
          American English and without, as they are found, and put into the same comments by rules
spelling  figures on the carved test rows of Jigsaw as they are, and with half of their longer
          words disguised in one way after the other
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast

import numpy as np
import typer
from numpy.typing import NDArray

from evaluation.comment_sets import CLEAN, TOXIC, Case, hatecheck_cases
from evaluation.dialect import MARKERS, markers, rewritten
from evaluation.disguise import DISGUISES, disguised
from evaluation.metrics import auroc, class_metrics, point
from evaluation.rows import TextRow
from evaluation.sets import SETS, load
from models.manifest import SHIPPED, read
from models.predictor import ClassPredictor, open_predictor
from schemas.errors import SetupError

HEAD = "toxicity/comments"
NAMING = ("ident_neutral_nh", "ident_pos_nh")
"""Functionalities of HateCheck whose cases name or praise a group."""


UNLEARNED = (
    ("tweeteval-offensive", ("train", "validation", "test"), "not-offensive"),
    ("goemotions-calm", ("validation", "test"), CLEAN),
)
"""Data set, splits and label of clean comments that no head of the jobs learned from."""

DECIDED = 0.5
"""Probability from which a comment counts as toxic."""


class Check(StrEnum):
    """What can be looked at."""

    FAIRNESS = "fairness"
    DIALECT = "dialect"
    SPELLING = "spelling"


def fairness(cases: Sequence[Case], flagged: NDArray[np.bool_]) -> Iterator[str]:
    """Lines of a Markdown table, a group a line, the largest difference last."""
    yield "| Group | named or praised: flagged | not hateful: flagged | hateful: flagged |"
    yield "|---|---|---|---|"
    of_group: dict[str, list[int]] = defaultdict(list)
    for i, case in enumerate(cases):
        of_group[case.group].append(i)
    named_rates = []
    for group, places in sorted(of_group.items()):
        naming = [i for i in places if cases[i].functionality in NAMING]
        harmless = [i for i in places if not cases[i].hateful]
        hateful = [i for i in places if cases[i].hateful]
        if naming:
            named_rates.append(flagged[naming].mean())
        shares = (_share(flagged, part) for part in (naming, harmless, hateful))
        yield f"| {group or 'no group'} | {' | '.join(shares)} |"
    gap = 100 * (max(named_rates) - min(named_rates))
    yield f"\nLargest difference between groups that are named or praised: {gap:.1f} points."


def dialect(predictor: ClassPredictor, texts: Sequence[str]) -> Iterator[str]:
    """Lines of a Markdown table: clean comments called toxic, by the dialect's features."""
    yield "| Clean comments | called toxic | mean probability |"
    yield "|---|---|---|"
    scores = _toxic(predictor, texts)
    shown = [markers(text) for text in texts]
    groups = {"with no feature": [i for i, names in enumerate(shown) if not names]}
    groups["with a feature"] = [i for i, names in enumerate(shown) if names]
    for marker in MARKERS:
        groups[marker.name] = [i for i, names in enumerate(shown) if marker.name in names]
    for name, places in groups.items():
        if places:
            yield f"| {name} | {_share(scores >= DECIDED, places)} | {scores[places].mean():.3f} |"
    plain = [i for i, text in enumerate(texts) if not shown[i] and rewritten(text) != text]
    changed = _toxic(predictor, [rewritten(texts[i]) for i in plain])
    everywhere = range(len(plain))
    for name, found in (("that rules can rewrite", scores[plain]), ("rewritten", changed)):
        yield f"| {name} | {_share(found >= DECIDED, everywhere)} | {found.mean():.3f} |"
    gained = np.sum((changed >= DECIDED) & (scores[plain] < DECIDED))
    lost = np.sum((changed < DECIDED) & (scores[plain] >= DECIDED))
    yield f"\nRewriting made {gained} comments toxic and {lost} clean."


def spelling(predictor: ClassPredictor, rows: Sequence[TextRow]) -> Iterator[str]:
    """A line a way of spelling: macro F1 and AUROC, in percent, and what was lost."""
    expected = np.array([row.labels[0] == "1" for row in rows])
    texts = [row.text for row in rows]
    plain = _figures(predictor, texts, expected)
    yield "| Spelling | macro F1 | AUROC | lost |"
    yield "|---|---|---|---|"
    yield f"| as written | {plain[0]:.1f} | {plain[1]:.1f} | |"
    for how in DISGUISES:
        changed = [disguised(text, how, seed) for seed, text in enumerate(texts)]
        found = _figures(predictor, changed, expected)
        lost = " / ".join(f"{a - b:.1f}" for a, b in zip(plain, found, strict=True))
        yield f"| {how} | {found[0]:.1f} | {found[1]:.1f} | {lost} |"


def _figures(
    predictor: ClassPredictor, texts: Sequence[str], expected: NDArray[np.bool_]
) -> tuple[float, float]:
    scores = _toxic(predictor, texts)
    both = np.stack([~expected, expected], axis=1)
    given = np.stack([scores < DECIDED, scores >= DECIDED], axis=1)
    metrics = class_metrics(both, given) | {
        "auroc": auroc(both, np.stack([1 - scores, scores], axis=1))
    }
    figures = point(metrics, len(texts))
    return 100 * figures["macro_f1"], 100 * figures["auroc"]


def _toxic(predictor: ClassPredictor, texts: Sequence[str]) -> NDArray[np.float64]:
    found = predictor.predict(texts, ["en"] * len(texts))
    return found[:, predictor.labels.index(TOXIC)].astype(np.float64)


def _clean(data_dir: Path) -> Iterator[str]:
    """Tweets and comments of Reddit that nobody called an attack, and that nothing learned from."""
    for name, splits, label in UNLEARNED:
        for split in splits:
            for row in load(name, split, data_dir):
                if isinstance(row, TextRow) and row.labels[0] == label:
                    yield row.text


def _share(flagged: NDArray[np.bool_], places: Sequence[int]) -> str:
    """Percent of some rows, and how many there are."""
    return f"{100 * flagged[places].mean():.0f} % of {len(places)}" if places else ""


def main(
    check: Annotated[Check, typer.Argument(help="What to look at.")],
    data_dir: Annotated[
        Path, typer.Option(envvar="WIREDESK_DATA_DIR", help="Where the data sets lie.")
    ],
    manifest: Annotated[Path, typer.Option(help="Manifest of the models.")] = SHIPPED,
) -> None:
    """Print one of the tables of models/comments/MODEL_CARD.md."""
    predictor = cast(ClassPredictor, open_predictor(read(manifest), HEAD))
    try:
        if check is Check.FAIRNESS:
            cases = list(hatecheck_cases(data_dir / SETS["hatecheck"].folder, "en"))
            scores = _toxic(predictor, [case.text for case in cases])
            lines = fairness(cases, scores >= DECIDED)
        elif check is Check.DIALECT:
            lines = dialect(predictor, list(_clean(data_dir)))
        else:
            rows = [row for row in load("jigsaw", "test", data_dir) if isinstance(row, TextRow)]
            lines = spelling(predictor, rows)
        for line in lines:
            typer.echo(line)
    except (OSError, SetupError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    typer.run(main)
