"""Data sets of comments, read as `evaluation.sets` describes."""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluation.identities import sentences
from evaluation.rows import Row, SpanRow, TextRow
from evaluation.set_files import carved, part_of, read_lines, text_of

HATECHECK = {
    "ar": "arabic", "de": "german", "en": "en", "es": "spanish", "fr": "french", "hi": "hindi",
    "it": "italian", "nl": "dutch", "pl": "polish", "pt": "portuguese", "zh": "mandarin",
}  # fmt: skip
"""Language to file; functional tests: nothing is learned from them."""

KINDS = {
    "Insult": "insult",
    "Profane/Obscene": "obscene",
    "Identity based Attack": "identity_attack",
    "Threat": "threat",
}
"""What the annotators of Toxic Spans called a span, and our names."""

POSITIVE = frozenset({
    "admiration", "amusement", "approval", "caring", "desire", "excitement", "gratitude", "joy",
    "love", "optimism", "pride", "relief",
})  # fmt: skip
NEGATIVE = frozenset({
    "anger", "annoyance", "disappointment", "disapproval", "disgust", "embarrassment", "fear",
    "grief", "nervousness", "remorse", "sadness",
})  # fmt: skip
"""The sentiments of GoEmotions' labels (Demszky et al., 2020, figure 2); others are ambiguous."""

HEATED = frozenset({"anger", "annoyance", "disgust"})
"""A comment with none of these labels is very likely no attack on anybody."""

CLEAN, TOXIC = "clean", "toxic"
MOST = 0.5
"""Share of the annotators that decides."""

SPLITS_OF_FILES = {"train": "tsd_train", "validation": "tsd_trial", "test": "tsd_test"}


def toxic_spans(folder: Path, split: str) -> Iterable[Row]:
    """SemEval-2021 task 5: characters that most annotators marked."""
    for row in _csv(folder / f"{SPLITS_OF_FILES[split]}.csv.gz"):
        yield SpanRow(row["text"], tuple(json.loads(row["spans"])))


@dataclass(frozen=True)
class Annotated:
    """A comment with the share of its annotators who marked spans of each kind, 0..1."""

    text: str
    shares: Mapping[str, float]


def annotated(folder: Path, split: str) -> Iterator[Annotated]:
    """Comments of which at least one annotator marked something; those of SemEval's files are in
    the split that they have there, the others by a hash.
    """
    annotators: dict[str, list[str]] = defaultdict(list)
    for row in _csv(folder / "annotations.csv.gz"):
        annotators[row["comment_id"]].append(row["annotation"])
    kinds: dict[str, set[str]] = defaultdict(set)
    for row in _csv(folder / "spans.csv.gz"):
        kinds[row["annotation"]].add(KINDS.get(row["type"], "other"))
    splits = {
        row["text"]: name
        for name, file in SPLITS_OF_FILES.items()
        for row in _csv(folder / f"{file}.csv.gz")
    }
    for row in _csv(folder / "comments.csv.gz"):
        text = row["comment_text"]
        if (splits.get(text) or part_of(text, test=True)) != split:
            continue
        given = annotators[row["comment_id"]]
        marked = [kinds[annotation] for annotation in given if annotation in kinds]
        if marked:
            shares = {k: sum(k in of_one for of_one in marked) / len(given) for k in KINDS.values()}
            yield Annotated(text, shares)


def civil(folder: Path, split: str) -> Iterable[Row]:
    """Those comments; most raters of Civil Comments had called each of them toxic."""
    return (TextRow(comment.text, (TOXIC,)) for comment in annotated(folder, split))


def civil_kinds(folder: Path, split: str) -> Iterable[Row]:
    """The kinds that at least half of a comment's annotators found; none, perhaps."""
    for comment in annotated(folder, split):
        yield TextRow(comment.text, tuple(k for k, s in comment.shares.items() if s >= MOST))


def goemotions(folder: Path, split: str) -> Iterator[TextRow]:
    """Comments with one to five of 28 labels."""
    names = list(read_lines(folder / "labels.txt.gz"))
    file = {"validation": "dev"}.get(split, split)
    for line in read_lines(folder / f"{file}.tsv.gz"):
        text, labels, _ = line.rsplit("\t", 2)
        yield TextRow(text, tuple(names[int(label)] for label in labels.split(",")))


def goemotions_sentiment(folder: Path, split: str) -> Iterable[Row]:
    """Comments whose labels have one sentiment: positive, negative, or neutral alone."""
    for row in goemotions(folder, split):
        found = {_sentiment(label) for label in row.labels}
        if len(found) == 1 and (sentiment := found.pop()):
            yield TextRow(row.text, (sentiment,))


def goemotions_calm(folder: Path, split: str) -> Iterable[TextRow]:
    """Comments of which no label is heated, as `clean`."""
    return (
        TextRow(row.text, (CLEAN,))
        for row in goemotions(folder, split)
        if HEATED.isdisjoint(row.labels)
    )


def nothing_toxic(folder: Path, split: str) -> Iterable[Row]:
    """The same comments, with no character marked."""
    return (SpanRow(row.text, ()) for row in goemotions_calm(folder, split))


def germeval_toxic(folder: Path, split: str) -> Iterable[Row]:
    """Comments on a German news programme: 1 toxic, 0 not."""
    rows = (
        TextRow(row["comment_text"], (row["Sub1_Toxic"],), "de")
        for row in _csv(folder / f"{'test' if split == 'test' else 'train'}.csv.gz")
    )
    return rows if split == "test" else carved(rows, split, text_of)


@dataclass(frozen=True)
class Case:
    """A case of HateCheck; `group` is empty where it speaks of none."""

    text: str
    hateful: bool
    group: str
    functionality: str


def hatecheck_cases(folder: Path, lang: str) -> Iterator[Case]:
    """HateCheck (Röttger et al., 2021) and its other languages (2022)."""
    for row in _csv(folder / f"{HATECHECK[lang]}.csv.gz"):
        hateful = row["label_gold"] == "hateful"
        yield Case(row["test_case"], hateful, row["target_ident"], row["functionality"])


def hatecheck(folder: Path, split: str, lang: str) -> Iterable[Row]:  # noqa: ARG001
    """Its cases, hateful or non-hateful; English ones without a language, as in other sets."""
    told = None if lang == "en" else lang
    for case in hatecheck_cases(folder, lang):
        yield TextRow(case.text, ("hateful" if case.hateful else "non-hateful",), told)


def identities(folder: Path, split: str) -> Iterable[Row]:  # noqa: ARG001
    """Our own sentences about groups of people, whole templates in one split."""
    return (
        TextRow(sentence.text, (TOXIC if sentence.hostile else CLEAN,))
        for sentence in sentences()
        if part_of(sentence.template, test=True) == split
    )


def _sentiment(label: str) -> str | None:
    if label in POSITIVE:
        return "positive"
    if label in NEGATIVE:
        return "negative"
    return "neutral" if label == "neutral" else None


def _csv(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)
