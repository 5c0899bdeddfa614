"""From a head's configuration and the data sets to its task."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from evaluation.comment_sets import annotated
from evaluation.metrics import entity_scores
from evaluation.rows import Row, TagRow, TargetRow, TextRow
from evaluation.sets import SETS, load
from models.romanise import romanise
from training import oracle, topic_labels
from training.configuration import HeadConfig, Source
from training.examples import (
    UNKNOWN,
    Example,
    Reader,
    class_examples,
    mark_examples,
    span_examples,
    summary_examples,
    target_examples,
)
from training.tasks import ClassTask, MarkTask, SentenceTask, SpanTask, TargetTask, Task

COARSE = ("person", "organisation", "place", "other")
"""The coarse types of entities in articles."""

SENTIMENTS = ("negative", "neutral", "positive")
ANNOTATED = "civil-kinds"
"""The set of which the share of annotators is known."""
VALIDATION_ROWS = 4000
"""Of each source; more do not change which epoch is the best."""


def assemble(config: HeadConfig, reader: Reader, data: Path, *, limit: int | None = None) -> Task:
    """The task of a head with its examples; at most `limit` rows of each set, for a trial."""
    return _BUILDERS[config.kind](config, reader, data, limit)


def _class_task(config: HeadConfig, reader: Reader, data: Path, limit: int | None) -> Task:
    train, validation = _rows(config, data, limit)
    labels = config.labels or tuple(sorted({label for row in train for label in row.labels}))
    if config.kind == "labels":
        target = partial(_several, labels=labels)
    else:
        target = partial(_one, labels=labels, renamed=config.renamed)
    return ClassTask(
        head=config.head,
        output=output_name(config),
        labels=labels,
        multi_label=config.kind == "labels",
        train=class_examples(reader, train, target),
        validation=class_examples(reader, validation, target),
        metric=METRICS[config.metric],
        smoothing=config.smoothing,
    )


def _share_task(config: HeadConfig, reader: Reader, data: Path, limit: int | None) -> Task:
    """Labels with the share of annotators who gave them; validated on what most of them gave.

    A set whose rows have no such labels teaches that none of them is there.
    """
    _, validation = _rows(config, data, limit)
    examples = []
    for source in config.train:
        if source.name == ANNOTATED:
            folder = SETS[ANNOTATED].folder
            for comment in annotated(data / folder, "train"):
                shares = np.array([comment.shares[label] for label in config.labels])
                examples.append(reader.example(comment.text, shares))
        else:
            nothing = np.zeros(len(config.labels))
            rows = _of_source(source, "train", data, limit)
            examples += [reader.example(row.text, nothing) for row in rows]
    return ClassTask(
        head=config.head,
        output=output_name(config),
        labels=config.labels,
        multi_label=True,
        train=examples[:limit],
        validation=class_examples(reader, validation, partial(_several, labels=config.labels)),
        metric=METRICS[config.metric],
    )


def _mark_task(config: HeadConfig, reader: Reader, data: Path, limit: int | None) -> Task:
    train, validation = _rows(config, data, limit)
    return MarkTask(
        head=config.head,
        train=mark_examples(reader, train),
        validation=mark_examples(reader, validation),
        output=output_name(config),
    )


def _topic_task(config: HeadConfig, reader: Reader, data: Path, limit: int | None) -> Task:
    """IPTC concepts from the labels of several sets, by the reviewed mapping."""
    examples: dict[str, list[Example]] = {"train": [], "validation": []}
    for source in config.train:
        for split, found in examples.items():
            for row in topic_labels.rows(source.name, split, data)[:limit]:
                target = topic_labels.targets(source.name, row.labels[0])
                if (target != UNKNOWN).any():
                    found.append(reader.example(row.text, target))
    return ClassTask(
        head=config.head,
        output=output_name(config),
        labels=topic_labels.supervised(),
        multi_label=True,
        metric=METRICS[config.metric],
        **examples,
    )


def _span_task(config: HeadConfig, reader: Reader, data: Path, limit: int | None) -> Task:
    train, validation = _rows(config, data, limit)
    coarse_of = config.coarse | config.fine
    coarse = dict.fromkeys(coarse_of.values())
    labels = ("O", *(f"{mark}-{kind}" for kind in coarse for mark in "BI"))
    fine = tuple(config.fine)
    build = partial(
        span_examples,
        reader,
        labels=labels,
        fine_types=fine,
        coarse_of=coarse_of,
    )
    return SpanTask(
        head=config.head,
        labels=labels,
        fine_types=fine,
        train=build(rows=train, together=config.together),
        validation=build(
            rows=validation, together=None if config.together == "anything" else config.together
        ),
        metric=lambda gold, found: entity_scores(gold, found)["entity_f1"],
    )


def _target_task(config: HeadConfig, reader: Reader, data: Path, limit: int | None) -> Task:
    train, validation = _rows(config, data, limit)
    return TargetTask(
        head=config.head,
        labels=SENTIMENTS,
        train=target_examples(reader, train, SENTIMENTS),
        validation=target_examples(reader, validation, SENTIMENTS),
        metric=METRICS[config.metric],
    )


def _sentence_task(config: HeadConfig, reader: Reader, data: Path, limit: int | None) -> Task:
    train, validation = _rows(config, data, limit)
    return SentenceTask(
        head=config.head,
        train=summary_examples(reader, train, oracle.targets),
        validation=summary_examples(reader, validation, oracle.targets),
        metric=oracle.recovered,
    )


_BUILDERS: dict[str, Callable[[HeadConfig, Reader, Path, int | None], Task]] = {
    "classes": _class_task,
    "labels": _class_task,
    "shares": _share_task,
    "marks": _mark_task,
    "topics": _topic_task,
    "spans": _span_task,
    "target": _target_task,
    "sentences": _sentence_task,
}


def output_name(config: HeadConfig) -> str:
    """Graph output of a classifying head.

    >>> output_name(HeadConfig.model_construct(head="topics/iptc"))
    'topics_iptc'
    """
    return config.head.replace("/", "_")


def _rows(config: HeadConfig, data: Path, limit: int | None) -> tuple[list[Row], list[Row]]:
    """Training and validation rows of all sources."""
    decisive = config.validate_on or tuple(source.name for source in config.train)
    train: list[Row] = []
    validation: list[Row] = []
    for source in config.train:
        train += source.repeat * _prepared(config, _of_source(source, "train", data, limit))
        if source.name in decisive:
            most = limit or source.validation or VALIDATION_ROWS
            validation += _prepared(config, _of_source(source, "validation", data, most))
    return train, validation


def _of_source(source: Source, split: str, data: Path, limit: int | None) -> list[Row]:
    """Rows of one source, the same ones on every machine."""
    rows = [
        row
        for row in load(source.name, split, data)
        if (not source.languages or row.lang in source.languages)
        and (not source.outside or row.tags.count("O") >= source.outside)
    ]
    most = min(x for x in (source.limit, limit, len(rows)) if x is not None)
    order = np.random.default_rng(0).permutation(len(rows))[:most]
    return [rows[i] for i in sorted(order)]


def _prepared(config: HeadConfig, rows: list[Row]) -> list[Row]:
    """Rows as the head's kind wants them."""
    if config.kind == "classes":
        rows = _of_texts(rows)
    return [_romanised(row) for row in rows] if config.romanised else rows


def _of_texts(rows: Sequence[Row]) -> list[Row]:
    """A text has the sentiment of its targets where they all have the same."""
    texts = [row for row in rows if isinstance(row, TextRow)]
    of_targets: dict[str, set[str]] = {}
    for row in rows:
        if isinstance(row, TargetRow):
            of_targets.setdefault(row.text, set()).add(row.label)
    return texts + [
        TextRow(text, (*found,)) for text, found in of_targets.items() if len(found) == 1
    ]


def _romanised(row: Row) -> Row:
    if isinstance(row, TagRow):
        return replace(row, tokens=tuple(romanise(token)[0] or "?" for token in row.tokens))
    return replace(row, text=romanise(row.text)[0])


def _one(row: TextRow, labels: Sequence[str], renamed: Mapping[str, str]) -> int:
    label = row.labels[0]
    return labels.index(renamed.get(label, label))


def _several(row: TextRow, labels: Sequence[str]) -> np.ndarray:
    return np.array([label in row.labels for label in labels], np.int64)


def _accuracy(logits: np.ndarray, targets: np.ndarray) -> float:
    return float((logits.argmax(1) == targets).mean())


def _macro_f1(logits: np.ndarray, targets: np.ndarray) -> float:
    return float(f1_score(targets, logits.argmax(1), average="macro"))


def _micro_f1(logits: np.ndarray, targets: np.ndarray) -> float:
    """Of each label on its own, at one half; UNKNOWN counts nowhere."""
    known = targets >= 0
    return float(f1_score(targets[known], logits[known] > 0))


def _average_precision(logits: np.ndarray, targets: np.ndarray) -> float:
    """Mean over the labels, each on its own."""
    return float(average_precision_score(targets, logits, average="macro"))


def _auroc(logits: np.ndarray, targets: np.ndarray) -> float:
    """Of the second of two labels."""
    return float(roc_auc_score(targets, logits[:, 1] - logits[:, 0]))


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": _accuracy,
    "auroc": _auroc,
    "average_precision": _average_precision,
    "macro_f1": _macro_f1,
    "micro_f1": _micro_f1,
}
