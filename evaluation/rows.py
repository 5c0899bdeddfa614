"""Labelled rows in JSONL files, plain or compressed: what they must look like, and as values.

TextRow     {"text": str, "label": str} or {"text": str, "labels": [str]}; optional "lang"
TagRow      {"tokens": [str], "tags": [str]}, IOB1, IOB2 or BIOES; optional "document", "lang"
TargetRow   {"text": str, "start": int, "end": int, "label": str}
SummaryRow  {"sentences": [str]} or {"text": str}, with "reference": str
ScoreRow    {"text": str, "score": number}; optional "lang"
SpanRow     {"text": str, "spans": [int]}: the indexes of the marked characters
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from evaluation import treebank
from models import sentences
from schemas.errors import SetupError
from schemas.packed import numbered_lines

OUTSIDE = "O"
_TAG = re.compile(r"([BIESLU])-(.+)")
_BEGINS = frozenset("BSU")
_ENDS = frozenset("ESLU")


class WrongRowError(SetupError):
    """A row cannot be used; the message names file, line and reason."""


@dataclass(frozen=True)
class TextRow:
    """A text with its classes.

    lang  code of the language as the row spells it; None if it does not say
    """

    text: str
    labels: tuple[str, ...]
    lang: str | None = None


@dataclass(frozen=True)
class TagRow:
    """A tokenised sentence with one IOB2 tag a token; sentences of a document share its number."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    document: int = 0
    lang: str | None = None


@dataclass(frozen=True)
class TargetRow:
    """A text and the sentiment towards what stands at the characters `start` to `end`."""

    text: str
    start: int
    end: int
    label: str


@dataclass(frozen=True)
class SummaryRow:
    """The sentences of a text and a summary that a person wrote, one sentence a line."""

    sentences: tuple[str, ...]
    reference: str


@dataclass(frozen=True)
class ScoreRow:
    """A text and how much of something it has."""

    text: str
    score: float
    lang: str | None = None


@dataclass(frozen=True)
class SpanRow:
    """A text and the indexes of its marked characters, ascending."""

    text: str
    spans: tuple[int, ...]


Row = TextRow | TagRow | TargetRow | SummaryRow | ScoreRow | SpanRow
AnyRow = TypeVar("AnyRow", bound=Row)


def read(
    path: str, kind: type[AnyRow], checked: Callable[[AnyRow], AnyRow] | None = None
) -> Iterator[AnyRow]:
    """The rows of a file (`-`: standard input); blank lines are skipped.

    checked  may change a row, or raise ValueError to refuse it
    Raises WrongRowError at the first row that cannot be used, SetupError for the file itself.
    """
    build = _BUILDERS[kind]
    number = 0
    for line, content in numbered_lines(path):
        try:
            row = build(_object(content))
            row = checked(row) if checked else row
        except ValueError as fault:
            raise WrongRowError(f"{path}, line {line}: {fault}") from None
        number += 1
        yield row
    if number == 0:
        raise SetupError(f"{path} has no rows")


def parse(content: str, kind: type[AnyRow]) -> AnyRow:
    """The row in one line of JSON.

    >>> parse('{"tokens": ["De", "Gaulle"], "tags": ["B-PER", "E-PER"]}', TagRow).tags
    ('B-PER', 'I-PER')

    Raises WrongRowError.
    """
    try:
        row: AnyRow = _BUILDERS[kind](_object(content))
    except _Fault as fault:
        raise WrongRowError(str(fault)) from None
    return row


def to_json(row: Row) -> str:
    """A row as one line of JSON that `parse` reads.

    >>> to_json(TextRow("Rain ends play", ("Sports",)))
    '{"text": "Rain ends play", "label": "Sports"}'
    """
    fields = {name: value for name, value in asdict(row).items() if value is not None}
    if isinstance(row, TextRow) and len(row.labels) == 1:
        fields = {"text": row.text, "label": row.labels[0]} | (
            {"lang": row.lang} if row.lang else {}
        )
    return json.dumps(fields, ensure_ascii=False)


def iob2(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags in IOB1, IOB2, BIOES or BILOU as IOB2.

    As the official CoNLL script reads them: an entity also begins where the type changes or
    where one has just ended.

    >>> iob2(["I-PER", "I-PER", "B-PER", "O", "S-LOC", "B-ORG", "E-ORG"])
    ('B-PER', 'I-PER', 'B-PER', 'O', 'B-LOC', 'B-ORG', 'I-ORG')

    Raises ValueError.
    """
    normal = []
    open_type: str | None = None
    for tag in tags:
        if tag == OUTSIDE:
            open_type = None
            normal.append(tag)
            continue
        match = _TAG.fullmatch(tag)
        if match is None:
            raise ValueError(f"tag {tag!r}; expected O, or B-, I-, E-, S- and a type")
        prefix, entity_type = match.groups()
        begins = prefix in _BEGINS or entity_type != open_type
        normal.append(f"{'B' if begins else 'I'}-{entity_type}")
        open_type = None if prefix in _ENDS else entity_type
    return tuple(normal)


def sentences_of(text: str) -> tuple[str, ...]:
    """The sentences of a text, as the jobs cut it; of tokens with blanks between, as CoreNLP."""
    if treebank.tokenised(text):
        return tuple(treebank.split(text))
    return tuple(text[start:end] for start, end in sentences.split(text))


def unicode_text(name: str, value: Any) -> str:
    """A string of a row that can be written again. Raises ValueError."""
    if not isinstance(value, str):
        raise _Fault(f"{name} is {_named(value)}; expected a string")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _Fault(f"{name} is not valid Unicode (UTF-8)") from error
    return value


class _Fault(ValueError):
    """Why a row cannot be used."""


def _object(content: str) -> Mapping[str, Any]:
    try:
        columns = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _Fault(f"not JSON: {error}") from error
    if not isinstance(columns, dict):
        raise _Fault(f"a JSON {type(columns).__name__}; expected an object")
    return columns


def _text_row(columns: Mapping[str, Any]) -> TextRow:
    if ("label" in columns) == ("labels" in columns):
        raise _Fault("expected either label or labels")
    labels = _strings(columns, "labels") if "labels" in columns else (_label(columns),)
    if len(set(labels)) < len(labels):
        raise _Fault(f"labels {list(labels)} has one of them twice")
    return TextRow(_text(columns, "text"), labels, _lang(columns))


def _tag_row(columns: Mapping[str, Any]) -> TagRow:
    tokens, tags = _strings(columns, "tokens"), _strings(columns, "tags")
    if not tokens:
        raise _Fault("there are no tokens")
    if len(tokens) != len(tags):
        raise _Fault(f"{len(tokens)} tokens and {len(tags)} tags; expected as many")
    if not all(tokens):
        raise _Fault(f"token {tokens.index('') + 1} is empty")
    try:
        normal = iob2(tags)
    except ValueError as error:
        raise _Fault(str(error)) from error
    document = _whole(columns, "document") if "document" in columns else 0
    return TagRow(tokens, normal, document, _lang(columns))


def _target_row(columns: Mapping[str, Any]) -> TargetRow:
    text = _text(columns, "text")
    start, end = _whole(columns, "start"), _whole(columns, "end")
    if not 0 <= start < end <= len(text):
        raise _Fault(f"span {start} to {end}; expected one inside the text's {len(text)}")
    return TargetRow(text, start, end, _label(columns))


def _summary_row(columns: Mapping[str, Any]) -> SummaryRow:
    if ("sentences" in columns) == ("text" in columns):
        raise _Fault("expected either sentences or text")
    if "sentences" in columns:
        found = _strings(columns, "sentences")
    else:
        found = sentences_of(_text(columns, "text"))
    if not any(sentence.strip() for sentence in found):
        raise _Fault("there is no sentence")
    return SummaryRow(found, _text(columns, "reference"))


def _score_row(columns: Mapping[str, Any]) -> ScoreRow:
    score = columns.get("score")
    if not isinstance(score, int | float) or isinstance(score, bool):
        raise _Fault(f"score is {score!r}; expected a number")
    try:
        number = float(score)
    except OverflowError as error:
        raise _Fault(f"score has {len(str(abs(score)))} digits; expected a number") from error
    if not math.isfinite(number):
        raise _Fault(f"score is {score!r}; expected a number")
    return ScoreRow(_text(columns, "text"), number, _lang(columns))


def _span_row(columns: Mapping[str, Any]) -> SpanRow:
    text, found = _text(columns, "text"), columns.get("spans")
    if not isinstance(found, list) or any(type(index) is not int for index in found):
        raise _Fault(f"spans is {_named(found)}; expected a list of whole numbers")
    outside = [index for index in found if not 0 <= index < len(text)]
    if outside:
        raise _Fault(f"index {outside[0]} in spans; expected one inside the text's {len(text)}")
    return SpanRow(text, tuple(sorted(set(found))))


_BUILDERS: dict[type, Callable[[Mapping[str, Any]], Any]] = {
    TextRow: _text_row,
    TagRow: _tag_row,
    TargetRow: _target_row,
    SummaryRow: _summary_row,
    ScoreRow: _score_row,
    SpanRow: _span_row,
}


def _text(columns: Mapping[str, Any], name: str) -> str:
    if name not in columns:
        raise _Fault(f"there is no {name}")
    return unicode_text(name, columns[name])


def _label(columns: Mapping[str, Any]) -> str:
    """A class; a whole number is read as its digits, for some sets number their classes."""
    label = columns.get("label")
    if isinstance(label, int) and not isinstance(label, bool):
        return str(label)
    return _text(columns, "label")


def _lang(columns: Mapping[str, Any]) -> str | None:
    return None if columns.get("lang") is None else _text(columns, "lang")


def _strings(columns: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = columns.get(name)
    if not isinstance(found, list):
        raise _Fault(f"{name} is {_named(found)}; expected a list of strings")
    return tuple(unicode_text(f"{name}[{index}]", value) for index, value in enumerate(found))


def _whole(columns: Mapping[str, Any], name: str) -> int:
    found = columns.get(name)
    if not isinstance(found, int) or isinstance(found, bool):
        raise _Fault(f"{name} is {found!r}; expected a whole number")
    return found


def _named(value: Any) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"
