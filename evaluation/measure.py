"""A head, its rows and what answers for it, to figures."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from time import perf_counter
from typing import Any, cast

import numpy as np

from evaluation import baselines
from evaluation.heads import Head, Task
from evaluation.metrics import (
    ROUGE_KEYS,
    Booleans,
    Calibration,
    Floats,
    Measured,
    Metric,
    auroc,
    calibration_error,
    char_f1,
    class_metrics,
    entity_metrics,
    grouped_mean,
    mean_of,
    measure,
    point,
    rouge,
    spearman,
)
from evaluation.rows import (
    OUTSIDE,
    Row,
    ScoreRow,
    SpanRow,
    SummaryRow,
    TagRow,
    TargetRow,
    TextRow,
    sentences_of,
)
from models.language_codes import short
from models.predictor import (
    ClassPredictor,
    Predictor,
    ScorePredictor,
    SpanPredictor,
    SummaryPredictor,
    TargetPredictor,
)
from models.tag_predictors import TagPredictor, spelled
from schemas.errors import SetupError

Progress = Callable[[int], None]
"""Told how many rows are answered."""

AUROC_LABELS = 100
"""More labels than this have no AUROC: the languages, of which one probability is known."""

_IN_NO_LANGUAGE = "are in languages that no model of the head knows"

_ROWS_AT_ONCE = 256
_DECIDED = 0.5


@dataclass(frozen=True)
class Evaluation:
    """What was measured; figures are fractions, 0..1 (Spearman's and differences: -1..1).

    baselines       name to its metrics
    unanswered      rows that no model of the head answers
    why_unanswered  why, and what becomes of them
    remarks         what a reader of the figures should know
    """

    head: str
    data: str
    rows: int
    metrics: Mapping[str, Measured]
    baselines: Mapping[str, Mapping[str, float]]
    calibration: Calibration | None
    docs_per_s: float
    unanswered: int = 0
    why_unanswered: str = f"{_IN_NO_LANGUAGE}; they count as wrong"
    remarks: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The keys of `wiredesk evaluate --json`."""
        return {
            "head": self.head,
            "data": self.data,
            "rows": self.rows,
            "metrics": {name: measured.value for name, measured in self.metrics.items()},
            "baselines": {name: dict(metrics) for name, metrics in self.baselines.items()},
            "ece": self.calibration.error if self.calibration else None,
            "docs_per_s": self.docs_per_s,
        }


def checker(head: Head, predictor: Predictor) -> Callable[[Any], Any]:
    """What makes a row's labels and language those of the model, or raises ValueError."""

    def check(row: Row) -> Row:
        lang = getattr(row, "lang", None)
        if lang is not None:
            short(lang)
        if isinstance(row, TextRow):
            known = cast(ClassPredictor, predictor).labels
            return replace(row, labels=tuple(head.spelled(label, known) for label in row.labels))
        if isinstance(row, TargetRow):
            known = cast(TargetPredictor, predictor).labels
            return replace(row, label=head.spelled(row.label, known))
        return row

    return check


def evaluate(
    head: Head,
    data: str,
    rows: Sequence[Any],
    predictor: Predictor,
    train: Sequence[Any],
    progress: Progress | None = None,
) -> Evaluation:
    """Every figure of a head on checked rows; baselines learn from the checked `train`."""
    if not rows:
        raise SetupError(f"{data} has no rows")
    done = progress or (lambda _: None)
    return replace(_MEASURES[head.task](head, rows, predictor, train, done), data=data)


def _measure_classes(
    head: Head,
    rows: Sequence[TextRow],
    predictor: ClassPredictor,
    train: Sequence[TextRow],
    done: Progress,
) -> Evaluation:
    languages = [_language(row) for row in rows]
    asked: list[str | None] = [None] * len(rows) if head.is_language else languages
    seconds, probabilities = _answers(
        rows,
        lambda part: predictor.predict([rows[i].text for i in part], [asked[i] for i in part]),
        done,
    )
    labels, columns = _columns(predictor.labels, (label for row in rows for label in row.labels))
    expected = np.zeros((len(rows), len(labels)), np.bool_)
    for place, row in enumerate(rows):
        expected[place, [columns[label] for label in row.labels]] = True
    scores = np.zeros(expected.shape)
    scores[:, : probabilities.shape[1]] = np.nan_to_num(probabilities)
    answered = ~np.isnan(probabilities).any(axis=1)
    given = _decided(scores, answered, predictor)
    metrics = _of_languages(expected, given, languages)
    if len(labels) <= AUROC_LABELS and answered.all():
        metrics["auroc"] = auroc(expected, scores)
    found: dict[str, Booleans] = {}
    if head.is_language:
        found["fasttext"] = _one_hot(
            baselines.fasttext_language([row.text for row in rows]), columns, len(labels)
        )
    elif train:
        several = predictor.multi_label or any(len(row.labels) != 1 for row in train)
        found["tfidf"] = baselines.tfidf_classes(train, rows, labels, several=several)
    return Evaluation(
        head.name,
        "",
        len(rows),
        measure(metrics, len(rows)),
        {
            name: point(_of_languages(expected, g, languages), len(rows))
            for name, g in found.items()
        },
        _calibration(expected[answered], scores[answered], predictor.multi_label),
        len(rows) / seconds,
        unanswered=int((~answered).sum()),
    )


def _of_languages(
    expected: Booleans, given: Booleans, languages: Sequence[str | None]
) -> dict[str, Metric]:
    """The metrics of classes, and of rows in several languages the mean of their macro F1."""
    metrics = class_metrics(expected, given)
    if len(set(languages)) > 1:
        metrics["macro_f1_mean_of_languages"] = grouped_mean(
            lambda part: class_metrics(expected[part], given[part])["macro_f1"],
            [language or "" for language in languages],
        )
    return metrics


def _measure_targets(
    head: Head,
    rows: Sequence[TargetRow],
    predictor: TargetPredictor,
    train: Sequence[TargetRow],
    done: Progress,
) -> Evaluation:
    seconds, probabilities = _answers(
        rows,
        lambda part: predictor.predict([(rows[i].text, rows[i].start, rows[i].end) for i in part]),
        done,
    )
    labels, columns = _columns(predictor.labels, (row.label for row in rows))
    expected = _one_hot([row.label for row in rows], columns, len(labels))
    answered = ~np.isnan(probabilities).any(axis=1)
    scores = np.nan_to_num(probabilities.astype(np.float64))
    given = np.eye(len(labels), dtype=np.bool_)[scores.argmax(axis=1)] & answered[:, None]
    metrics = class_metrics(expected, given) | {"auroc": auroc(expected, scores)}
    found: dict[str, list[str]] = {}
    if train:
        found["majority"] = [baselines.majority([row.label for row in train])] * len(rows)
        found["tfidf"] = baselines.tfidf_targets(train, rows)
    return Evaluation(
        head.name,
        "",
        len(rows),
        measure(metrics, len(rows)),
        {
            name: point(class_metrics(expected, _one_hot(g, columns, len(labels))), len(rows))
            for name, g in found.items()
        },
        _calibration(expected[answered], scores[answered], several=False),
        len(rows) / seconds,
        unanswered=int((~answered).sum()),
        why_unanswered="name a target in which the model reads no token; they count as wrong",
    )


def _measure_entities(
    head: Head,
    rows: Sequence[TagRow],
    predictor: TagPredictor,
    train: Sequence[TagRow],
    done: Progress,
) -> Evaluation:
    """Sentences are asked together with those of their document; types are those of the rows, or
    of the rows to learn from where these have none.
    """
    of_rows = _types(rows)
    types = of_rows or _types(train)
    documents = [
        [place for place, _ in group]
        for _, group in groupby(enumerate(rows), key=lambda pair: pair[1].document)
    ]
    marked = len(documents) > 1
    batches = _filled(documents) if marked else _batches(len(rows))
    given: list[list[str]] = []
    seconds = 0.0
    for part in batches:
        started = perf_counter()
        given += predictor.predict(
            [rows[i].tokens for i in part],
            [rows[i].document for i in part] if marked else None,
            [_language(rows[i]) for i in part],
            types,
        )
        seconds += perf_counter() - started
        done(len(given))
    expected = [row.tags for row in rows]
    unanswered = cut = 0
    for row, tags in zip(rows, given, strict=True):
        unread = len(row.tokens) - len(tags)
        if unread < 0:
            raise ValueError(f"{head.name} gave {len(tags)} tags for {len(row.tokens)} tokens")
        unanswered += not tags
        cut += bool(tags) and unread > 0
        tags += [OUTSIDE] * unread
    never = of_rows - {spelled(kind, types) for kind in predictor.types}
    remarks = []
    if cut:
        remarks.append(
            f"{cut:,} rows are longer than the model reads; the rest of them has no names"
        )
    if never:
        remarks.append(f"types that the model never answers with: {', '.join(sorted(never))}")
    found = {}
    if train:
        tagger = baselines.gazetteer([_respelled(row, types) for row in train])
        tagged = [tagger(row.tokens) for row in rows]
        found["gazetteer"] = point(entity_metrics(expected, tagged), len(rows))
    return Evaluation(
        head.name,
        "",
        len(rows),
        measure(entity_metrics(expected, given), len(rows)),
        found,
        None,
        len(rows) / seconds,
        unanswered=unanswered,
        remarks=tuple(remarks),
    )


def _measure_summaries(
    head: Head,
    rows: Sequence[SummaryRow],
    predictor: SummaryPredictor,
    train: Sequence[SummaryRow],  # noqa: ARG001  # LEAD-3 has nothing to learn
    done: Progress,
) -> Evaluation:
    chosen: list[list[int]] = []
    seconds = 0.0
    for part in _batches(len(rows)):
        started = perf_counter()
        chosen += predictor.choose([rows[i].sentences for i in part])
        seconds += perf_counter() - started
        done(len(chosen))
    references = [_lines(row.reference) for row in rows]
    summaries = [
        "\n".join(row.sentences[i] for i in numbers)
        for row, numbers in zip(rows, chosen, strict=True)
    ]
    leads = ["\n".join(row.sentences[: baselines.LEAD]) for row in rows]
    ours, lead = rouge(references, summaries), rouge(references, leads)
    metrics = {key: mean_of(ours[key]) for key in ROUGE_KEYS} | {
        f"{key}_over_lead3": mean_of(ours[key] - lead[key]) for key in ROUGE_KEYS
    }
    return Evaluation(
        head.name,
        "",
        len(rows),
        measure(metrics, len(rows)),
        {"lead3": point({key: mean_of(lead[key]) for key in ROUGE_KEYS}, len(rows))},
        None,
        len(rows) / seconds,
    )


def _measure_scores(
    head: Head,
    rows: Sequence[ScoreRow],
    predictor: ScorePredictor,
    train: Sequence[ScoreRow],
    done: Progress,
) -> Evaluation:
    languages = [_language(row) for row in rows]
    seconds, scores = _answers(
        rows,
        lambda part: predictor.predict([rows[i].text for i in part], [languages[i] for i in part]),
        done,
    )
    answered = ~np.isnan(scores)
    expected = np.array([row.score for row in rows])[answered]
    metrics: dict[str, Metric] = {}
    found = {}
    if answered.any():
        metrics["spearman"] = spearman(expected, scores[answered].astype(np.float64))
    if answered.any() and train:
        texts = [row.text for row, known in zip(rows, answered, strict=True) if known]
        guessed = baselines.tfidf_scores([(row.text, row.score) for row in train], texts)
        found["tfidf"] = point({"spearman": spearman(expected, guessed)}, len(expected))
    return Evaluation(
        head.name,
        "",
        len(rows),
        measure(metrics, len(expected)) if metrics else {},
        found,
        None,
        len(rows) / seconds,
        unanswered=int((~answered).sum()),
        why_unanswered=f"{_IN_NO_LANGUAGE}; they are left out",
    )


def _measure_spans(
    head: Head,
    rows: Sequence[SpanRow],
    predictor: SpanPredictor,
    train: Sequence[SpanRow],
    done: Progress,
) -> Evaluation:
    """Mean over the texts of the F1 of their characters (SemEval-2021 task 5)."""
    given: list[set[int]] = []
    seconds = 0.0
    for part in _batches(len(rows)):
        started = perf_counter()
        found = predictor.predict([rows[i].text for i in part])
        seconds += perf_counter() - started
        given += [{i for span in spans for i in range(*span)} for spans in found]
        done(len(given))
    metrics = {"char_f1": mean_of([char_f1(r.spans, g) for r, g in zip(rows, given, strict=True)])}
    guessed = {}
    if train:
        mark = baselines.marked_words(train)
        f1 = mean_of([char_f1(row.spans, mark(row.text)) for row in rows])
        guessed["lexicon"] = point({"char_f1": f1}, len(rows))
    return Evaluation(
        head.name, "", len(rows), measure(metrics, len(rows)), guessed, None, len(rows) / seconds
    )


_MEASURES: dict[Task, Callable[[Head, Any, Any, Any, Progress], Evaluation]] = {
    Task.CLASSES: _measure_classes,
    Task.ENTITIES: _measure_entities,
    Task.TARGETS: _measure_targets,
    Task.SUMMARIES: _measure_summaries,
    Task.SCORES: _measure_scores,
    Task.SPANS: _measure_spans,
}


def _answers(
    rows: Sequence[Row], ask: Callable[[range], Any], done: Progress
) -> tuple[float, Floats]:
    """Seconds of the model's own time, and its answers put together."""
    parts, seconds = [], 0.0
    for part in _batches(len(rows)):
        started = perf_counter()
        parts.append(ask(part))
        seconds += perf_counter() - started
        done(part.stop)
    return seconds, np.concatenate(parts)


def _batches(count: int) -> Iterator[range]:
    for start in range(0, count, _ROWS_AT_ONCE):
        yield range(start, min(count, start + _ROWS_AT_ONCE))


def _filled(documents: Iterable[list[int]]) -> Iterator[list[int]]:
    """Whole documents, until a batch is full."""
    batch: list[int] = []
    for document in documents:
        batch += document
        if len(batch) >= _ROWS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _decided(scores: Floats, answered: Booleans, predictor: ClassPredictor) -> Booleans:
    """The labels that the model decides for, bool (rows, labels)."""
    given = np.zeros(scores.shape, np.bool_)
    if predictor.multi_label:
        known = len(predictor.labels)
        thresholds = np.full(known, _DECIDED, np.float32)
        if predictor.thresholds is not None:
            thresholds = predictor.thresholds
        given[:, :known] = scores[:, :known].astype(np.float32) >= thresholds
    else:
        given[np.arange(len(scores)), scores.argmax(axis=1)] = True
    return given & answered[:, None]


def _calibration(expected: Booleans, scores: Floats, several: bool) -> Calibration:
    """Of the most probable label, or of every label of every row where there may be several."""
    if several:
        return calibration_error(scores.ravel(), expected.ravel().astype(np.float64))
    best = scores.argmax(axis=1)
    places = np.arange(len(scores))
    return calibration_error(scores[places, best], expected[places, best].astype(np.float64))


def _columns(known: Sequence[str], met: Iterable[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Labels of the model, then those that only the rows have, and the column of each."""
    labels = tuple(dict.fromkeys((*known, *met)))
    return labels, {label: column for column, label in enumerate(labels)}


def _one_hot(labels: Sequence[str], columns: Mapping[str, int], width: int) -> Booleans:
    """bool (rows, width); a label without a column gives an empty row."""
    hot = np.zeros((len(labels), width), np.bool_)
    for place, label in enumerate(labels):
        if label in columns:
            hot[place, columns[label]] = True
    return hot


def _language(row: TextRow | TagRow | ScoreRow) -> str | None:
    return short(row.lang) if row.lang else None


def _types(rows: Iterable[TagRow]) -> set[str]:
    return {tag.partition("-")[2] for row in rows for tag in row.tags} - {""}


def _respelled(row: TagRow, types: Collection[str]) -> TagRow:
    """The row with its types as `types` spell them; one that none of them means keeps its name."""
    parts = [tag.partition("-") for tag in row.tags]
    tags = tuple(f"{mark}{dash}{spelled(kind, types) or kind}" for mark, dash, kind in parts)
    return replace(row, tags=tags)


def _lines(reference: str) -> str:
    """A reference with a sentence a line; lines it has are kept."""
    return reference if "\n" in reference.strip() else "\n".join(sentences_of(reference))
