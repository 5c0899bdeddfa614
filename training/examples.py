"""From labelled rows to what a network reads: tokenised texts with what each of them teaches."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from tokenizers import Encoding, Tokenizer

from evaluation.rows import SpanRow, SummaryRow, TagRow, TargetRow, TextRow
from models.encoder import Tokens, known_words, spans_of
from models.spelling import Respelled, respell
from models.word_shapes import shapes_and_words, word_shapes

UNKNOWN = -100
"""A token or a label that no loss looks at."""


@dataclass(frozen=True)
class Example:
    """A tokenised text and what is to be learned from it; the target's type is its task's own."""

    ids: Sequence[int]
    shapes: np.ndarray
    target: object

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Spans:
    """Labels of a text's words and where their first tokens are.

    words  int64 (words,) token index
    chunk  int64 (words,) label of `entities`, BIO over coarse types
    fine   int64 (words,) fine type of the words inside a mention, UNKNOWN elsewhere
    """

    words: np.ndarray
    chunk: np.ndarray
    fine: np.ndarray


@dataclass(frozen=True)
class Marks:
    """Which tokens of a text are marked.

    marked  float32 (tokens,) 0 or 1, UNKNOWN for special tokens
    text    as it was given; the offsets of `tokens` count in it
    wanted  indexes of its marked characters
    """

    marked: np.ndarray
    text: str
    tokens: Tokens
    wanted: frozenset[int]


class Reader:
    """Texts to token ids and word shapes, cut at a limit.

    respelled  disguised words are read as the plain ones
    """

    def __init__(self, tokenizer: Tokenizer, max_tokens: int, *, respelled: bool = False) -> None:
        self._tokenizer = tokenizer
        self.max_tokens = max_tokens
        self._known = known_words(tokenizer) if respelled else None

    def plain(self, text: str) -> Respelled | None:
        """The text as it is read; None where that is how it is written."""
        return None if self._known is None else respell(text, self._known)

    def encode(self, text: str) -> Encoding:
        """The tokens of a text with their character offsets."""
        encoding = self._tokenizer.encode(text)
        encoding.truncate(self.max_tokens)
        return encoding

    def count(self, row: TagRow) -> int:
        """Tokens of a sentence alone."""
        return len(self.encode(" ".join(row.tokens)).ids)

    def example(self, text: str, target: object) -> Example:
        """A text with its target."""
        plain = self.plain(text)
        text = plain.text if plain else text
        encoding = self.encode(text)
        return Example(encoding.ids, word_shapes(text, encoding.offsets), target)


def class_examples(
    reader: Reader, rows: Sequence[TextRow], target: Callable[[TextRow], object]
) -> list[Example]:
    """One example a row."""
    return [reader.example(row.text, target(row)) for row in rows]


def target_examples(
    reader: Reader, rows: Sequence[TargetRow], labels: Sequence[str]
) -> list[Example]:
    """One example a row whose target lies within the tokens that are read."""
    examples = []
    for row in rows:
        encoding = reader.encode(row.text)
        tokens = [
            token
            for token, (start, end) in enumerate(encoding.offsets)
            if end > start and start < row.end and end > row.start
        ]
        if tokens:
            target = (tokens, labels.index(row.label))
            shapes = word_shapes(row.text, encoding.offsets)
            examples.append(Example(encoding.ids, shapes, target))
    return examples


def mark_examples(reader: Reader, rows: Sequence[SpanRow]) -> list[Example]:
    """One example a row."""
    return [_mark_example(reader, row) for row in rows]


def _mark_example(reader: Reader, row: SpanRow) -> Example:
    plain = reader.plain(row.text)
    text = plain.text if plain else row.text
    encoding = reader.encode(text)
    offsets = np.array(encoding.offsets, np.int64)
    shapes, words = shapes_and_words(text, offsets)
    given = spans_of(offsets, plain.spans) if plain else offsets
    inside = np.zeros(len(row.text) + 1)
    inside[1:][list(row.spans)] = 1
    counted = inside.cumsum()
    size = given[:, 1] - given[:, 0]
    share = (counted[given[:, 1]] - counted[given[:, 0]]) / np.maximum(size, 1)
    marked = np.where(size > 0, share >= 0.5, UNKNOWN).astype(np.float32)
    tokens = Tokens(encoding.ids, given, words, shapes)
    return Example(encoding.ids, shapes, Marks(marked, row.text, tokens, frozenset(row.spans)))


def span_examples(
    reader: Reader,
    rows: Sequence[TagRow],
    labels: Sequence[str],
    fine_types: Sequence[str],
    coarse_of: Mapping[str, str],
    *,
    together: Literal["documents", "anything"] | None,
) -> list[Example]:
    """Sentences with the labels of their words.

    coarse_of  type in the rows to coarse type; one that is also in `fine_types` is learned as both
    together   whether sentences of a document, or just any, are read together
    """
    texts: Iterable[list[TagRow]] = ([row] for row in rows)
    if together == "documents":
        texts = join_sentences(reader, rows)
    elif together == "anything":
        texts = gather_sentences(reader, rows, np.random.default_rng(len(rows)))
    return [
        example
        for joined in texts
        if (example := _span_example(reader, joined, labels, fine_types, coarse_of)) is not None
    ]


def join_sentences(reader: Reader, rows: Sequence[TagRow]) -> Iterator[list[TagRow]]:
    """Neighbouring sentences of a document, as many as fit into one text."""
    joined: list[TagRow] = []
    length = 0
    for row in rows:
        tokens = reader.count(row)
        same = joined and row.document == joined[-1].document
        if joined and not (same and length + tokens <= reader.max_tokens):
            yield joined
            joined, length = [], 0
        joined.append(row)
        length += tokens
    if joined:
        yield joined


def gather_sentences(
    reader: Reader, rows: Sequence[TagRow], draw: np.random.Generator
) -> Iterator[list[TagRow]]:
    """Any sentences in texts of any length: who learns from single ones fails on articles."""
    joined: list[TagRow] = []
    length, enough = 0, 0
    for i in draw.permutation(len(rows)):
        joined.append(rows[i])
        length += reader.count(rows[i])
        if length >= enough:
            yield joined
            joined, length, enough = [], 0, int(draw.integers(1, reader.max_tokens * 4 // 5))
    if joined:
        yield joined


def _span_example(
    reader: Reader,
    rows: Sequence[TagRow],
    labels: Sequence[str],
    fine_types: Sequence[str],
    coarse_of: Mapping[str, str],
) -> Example | None:
    tokens = [token for row in rows for token in row.tokens]
    tags = [tag for row in rows for tag in row.tags]
    text = " ".join(tokens)
    encoding = reader.encode(text)
    first = first_tokens(tokens, encoding.offsets)
    read = first >= 0
    if not read.any():
        return None
    chunk, fine = [], []
    for tag in np.array(tags, dtype=object)[read]:
        mark, _, kind = tag.partition("-")
        chunk.append(labels.index(tag if tag == "O" else f"{mark}-{coarse_of[kind]}"))
        fine.append(fine_types.index(kind) if kind in fine_types else UNKNOWN)
    target = Spans(first[read], np.array(chunk), np.array(fine))
    return Example(encoding.ids, word_shapes(text, encoding.offsets), target)


def first_tokens(words: Sequence[str], offsets: Sequence[tuple[int, int]]) -> np.ndarray:
    """Index of the first token of each word of a text joined by single spaces; -1 if it has none.

    >>> first_tokens(["New", "York"], [(0, 0), (0, 3), (4, 8), (0, 0)]).tolist()
    [1, 2]
    """
    found = np.full(len(words), -1, np.int64)
    ends = np.cumsum([len(word) + 1 for word in words])
    for token, (start, end) in enumerate(offsets):
        if end > start:
            word = int(np.searchsorted(ends, start, side="right"))
            if found[word] < 0:
                found[word] = token
    return found


def summary_examples(
    reader: Reader, rows: Sequence[SummaryRow], targets: Callable[[SummaryRow], np.ndarray]
) -> list[Example]:
    """One example a document; `targets` says how much each sentence belongs in the summary."""
    examples = []
    for row in rows:
        text = " ".join(row.sentences)
        encoding = reader.encode(text)
        bounds = sentence_bounds(row.sentences, encoding.offsets)
        wanted = targets(row)[: len(bounds) - 1].astype(np.float32)
        if len(bounds) > 2:
            shapes = word_shapes(text, encoding.offsets)
            examples.append(Example(encoding.ids, shapes, (bounds, wanted)))
    return examples


def sentence_bounds(sentences: Sequence[str], offsets: Sequence[tuple[int, int]]) -> np.ndarray:
    """Token index where each sentence that was read starts, and the end of the last one."""
    starts = np.cumsum([0] + [len(sentence) + 1 for sentence in sentences])
    real = [(i, start) for i, (start, end) in enumerate(offsets) if end > start]
    if not real:
        return np.array([1])
    tokens, characters = (np.array(column) for column in zip(*real, strict=True))
    bounds = np.searchsorted(characters, starts)
    read = bounds < len(tokens)
    inner = tokens[bounds[read]]
    return np.unique(np.append(inner, tokens[-1] + 1))
