"""What each kind of head learns from: examples, loss, and what a validation row is scored by."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from evaluation.metrics import char_f1
from evaluation.rows import SpanRow, SummaryRow, TagRow, TargetRow, TextRow
from models.comment_heads import marked_spans
from models.encoder import Tokens, known_words, spans_of
from models.session import Arrays
from models.spelling import Respelled, respell
from models.word_shapes import shapes_and_words, word_shapes
from training.crf import log_likelihood, viterbi
from training.network import BLOCK, OfText, OfTokens, Transitions

UNKNOWN = -100
"""A token or a label that no loss looks at."""

Predictions = list[np.ndarray]
Outputs = Mapping[str, Tensor]


@dataclass(frozen=True)
class Example:
    """A tokenised text and what is to be learned from it; the target's type is its task's own."""

    ids: Sequence[int]
    shapes: np.ndarray
    target: object

    def __len__(self) -> int:
        return len(self.ids)


class Task(Protocol):
    """A head's examples, modules, loss and predictions."""

    head: str
    train: list[Example]
    validation: list[Example]

    def modules(self) -> dict[str, nn.Module]:
        """Its graph outputs."""
        ...

    def loss(self, outputs: Outputs, examples: Sequence[Example]) -> Tensor:
        """Mean loss of a batch."""
        ...

    def predict(self, outputs: Outputs, examples: Sequence[Example]) -> Predictions:
        """What the outputs say of each example, in the shape that `score` wants."""
        ...

    def predict_from(self, answers: Sequence[Arrays], examples: Sequence[Example]) -> Predictions:
        """The same from a graph's outputs, one text at a time."""
        ...

    def score(self, predictions: Predictions) -> float:
        """The metric of the validation examples, 0..1."""
        ...


class FromGraph:
    """Predictions from a graph's outputs, which are as long as the longest text of its batch."""

    def predict_from(self, answers: Sequence[Arrays], examples: Sequence[Example]) -> Predictions:
        """What the outputs say of each example."""
        predict = self.predict  # type: ignore[attr-defined]
        return [
            predict({name: torch.from_numpy(a)[None] for name, a in answer.items()}, [example])[0]
            for answer, example in zip(answers, examples, strict=True)
        ]


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


@dataclass
class ClassTask(FromGraph):
    """One label of several (softmax), or each label on its own (sigmoid).

    target: int, or (labels,) of 0, 1 and UNKNOWN, or of shares between 0 and 1.
    """

    head: str
    output: str
    labels: Sequence[str]
    multi_label: bool
    train: list[Example]
    validation: list[Example]
    metric: Callable[[np.ndarray, np.ndarray], float]
    smoothing: float = 0.0

    def modules(self) -> dict[str, nn.Module]:
        return {self.output: OfText(len(self.labels))}

    def loss(self, outputs: Outputs, examples: Sequence[Example]) -> Tensor:
        logits = outputs[self.output]
        targets = torch.tensor(np.array([example.target for example in examples]))
        if not self.multi_label:
            return functional.cross_entropy(logits, targets, label_smoothing=self.smoothing)
        known = (targets != UNKNOWN).float()
        losses = functional.binary_cross_entropy_with_logits(
            logits, targets.clamp(min=0).float(), reduction="none"
        )
        return (losses * known).sum(1).mean()

    def predict(self, outputs: Outputs, examples: Sequence[Example]) -> Predictions:  # noqa: ARG002
        return list(outputs[self.output].float().numpy())

    def targets(self, examples: Sequence[Example]) -> np.ndarray:
        """int64 (examples,), or (examples, labels) where multi_label."""
        return np.array([example.target for example in examples])

    def score(self, predictions: Predictions) -> float:
        return self.metric(np.array(predictions), self.targets(self.validation))


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


@dataclass
class SpanTask(FromGraph):
    """Mentions of entities: BIO labels of coarse types through a linear-chain CRF (Lafferty et al.,
    2001), and a fine type for each word of a mention where the data knows one.
    """

    head: str
    labels: Sequence[str]
    fine_types: Sequence[str]
    train: list[Example]
    validation: list[Example]
    metric: Callable[[list[list[str]], list[list[str]]], float]

    def modules(self) -> dict[str, nn.Module]:
        modules: dict[str, nn.Module] = {
            "entities": OfTokens(len(self.labels)),
            "entity_transitions": Transitions(len(self.labels)),
        }
        if self.fine_types:
            modules["entity_types"] = OfTokens(len(self.fine_types))
        return modules

    def loss(self, outputs: Outputs, examples: Sequence[Example]) -> Tensor:
        spans = [example.target for example in examples]
        emissions, mask = _of_words(outputs["entities"], spans)
        chunk = _padded([s.chunk for s in spans], 0)
        loss = -log_likelihood(emissions, chunk, mask, outputs["entity_transitions"][0])
        loss = loss.sum() / mask.sum()
        if self.fine_types:
            fine = _padded([s.fine for s in spans], UNKNOWN)
            if bool((fine != UNKNOWN).any()):
                logits, _ = _of_words(outputs["entity_types"], spans)
                known = functional.cross_entropy(
                    logits.flatten(0, 1), fine.flatten(), ignore_index=UNKNOWN
                )
                loss = loss + 0.3 * known
        return loss

    def predict(self, outputs: Outputs, examples: Sequence[Example]) -> Predictions:
        spans = [example.target for example in examples]
        emissions, mask = _of_words(outputs["entities"].float(), spans)
        paths = viterbi(emissions, mask, outputs["entity_transitions"][0].float())
        return [path[: len(s.words)] for path, s in zip(paths.numpy(), spans, strict=True)]

    def score(self, predictions: Predictions) -> float:
        gold = [[self.labels[i] for i in e.target.chunk] for e in self.validation]
        found = [[self.labels[i] for i in row] for row in predictions]
        return self.metric(gold, found)


def _of_words(output: Tensor, spans: Sequence[Spans]) -> tuple[Tensor, Tensor]:
    """Rows of the words' first tokens, (batch, words, width), and their mask, bool."""
    index = _padded([s.words for s in spans], 0)
    mask = _padded([np.ones(len(s.words), np.int64) for s in spans], 0).bool()
    return output[torch.arange(len(spans))[:, None], index], mask


def _padded(rows: Sequence[np.ndarray], filler: int) -> Tensor:
    """int64 (rows, longest row)."""
    out = np.full((len(rows), max(map(len, rows))), filler, np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return torch.from_numpy(out)


@dataclass
class TargetTask(FromGraph):
    """Sentiment towards a named part of a text: the mean of its tokens' logits."""

    head: str
    labels: Sequence[str]
    train: list[Example]
    validation: list[Example]
    metric: Callable[[np.ndarray, np.ndarray], float]
    output: str = "target_sentiment"

    def modules(self) -> dict[str, nn.Module]:
        return {self.output: OfTokens(len(self.labels))}

    def loss(self, outputs: Outputs, examples: Sequence[Example]) -> Tensor:
        labels = torch.tensor([example.target[1] for example in examples])
        return functional.cross_entropy(self._logits(outputs, examples), labels)

    def predict(self, outputs: Outputs, examples: Sequence[Example]) -> Predictions:
        return list(self._logits(outputs, examples).float().numpy())

    def targets(self, examples: Sequence[Example]) -> np.ndarray:
        """int64 (examples,)."""
        return np.array([example.target[1] for example in examples])

    def score(self, predictions: Predictions) -> float:
        return self.metric(np.array(predictions), self.targets(self.validation))

    def _logits(self, outputs: Outputs, examples: Sequence[Example]) -> Tensor:
        """float32 (batch, labels)."""
        weights = torch.zeros(outputs[self.output].shape[:2])
        for row, example in enumerate(examples):
            weights[row, example.target[0]] = 1.0 / len(example.target[0])
        return (outputs[self.output] * weights[:, :, None]).sum(1)


@dataclass
class SentenceTask(FromGraph):
    """Which sentences of a text its summary would keep: the mean of a sentence's token scores.

    target: (int64 (sentences + 1,) token index where each sentence starts, float32 (sentences,)
    0 or 1 or in between).
    """

    head: str
    train: list[Example]
    validation: list[Example]
    metric: Callable[[Predictions, list[Example]], float]
    output: str = "sentence_scores"

    def modules(self) -> dict[str, nn.Module]:
        return {self.output: OfTokens(1)}

    def loss(self, outputs: Outputs, examples: Sequence[Example]) -> Tensor:
        scores = self._scores(outputs, examples)
        losses = [
            functional.binary_cross_entropy_with_logits(s, torch.from_numpy(e.target[1]))
            for s, e in zip(scores, examples, strict=True)
        ]
        return torch.stack(losses).mean()

    def predict(self, outputs: Outputs, examples: Sequence[Example]) -> Predictions:
        return [s.float().numpy() for s in self._scores(outputs, examples)]

    def score(self, predictions: Predictions) -> float:
        return self.metric(predictions, self.validation)

    def _scores(self, outputs: Outputs, examples: Sequence[Example]) -> list[Tensor]:
        sums = functional.pad(outputs[self.output][:, :, 0].float().cumsum(1), (1, 0))
        found = []
        for row, example in enumerate(examples):
            bounds = torch.from_numpy(example.target[0])
            lengths = (bounds[1:] - bounds[:-1]).clamp(min=1)
            found.append((sums[row, bounds[1:]] - sums[row, bounds[:-1]]) / lengths)
        return found


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


@dataclass
class MarkTask(FromGraph):
    """Parts of a text that are marked, token by token; told as whole words."""

    head: str
    train: list[Example]
    validation: list[Example]
    output: str

    def modules(self) -> dict[str, nn.Module]:
        return {self.output: OfTokens(1)}

    def loss(self, outputs: Outputs, examples: Sequence[Example]) -> Tensor:
        logits = outputs[self.output][:, :, 0]
        marked = torch.full(logits.shape, float(UNKNOWN))
        for row, example in enumerate(examples):
            marked[row, : len(example)] = torch.from_numpy(example.target.marked)
        known = marked != UNKNOWN
        return functional.binary_cross_entropy_with_logits(logits[known], marked[known])

    def predict(self, outputs: Outputs, examples: Sequence[Example]) -> Predictions:
        logits = outputs[self.output][:, :, 0].float()
        return [row[: len(e)].numpy() for row, e in zip(logits, examples, strict=True)]

    def score(self, predictions: Predictions) -> float:
        return self.char_f1(predictions, *self.limits(predictions))

    def limits(self, predictions: Predictions) -> tuple[float, float]:
        """Threshold of a word's probability, and the share of the likeliest word's odds that it
        must have, for the best character F1: first the share, among words that are likely at all.
        """
        share = max(ODDS_SHARES, key=lambda s: self.char_f1(predictions, THRESHOLDS[0], s))
        return max(THRESHOLDS, key=lambda t: self.char_f1(predictions, t, share)), share

    def char_f1(self, predictions: Predictions, threshold: float, odds_share: float) -> float:
        """Mean over the validation examples, as SemEval-2021 task 5 counts."""
        return float(
            np.mean(
                [
                    char_f1(
                        e.target.wanted,
                        {
                            i
                            for span in marked_spans(
                                e.target.text,
                                e.target.tokens,
                                1 / (1 + np.exp(-logits)),
                                threshold,
                                odds_share,
                            )
                            for i in range(*span)
                        },
                    )
                    for logits, e in zip(predictions, self.validation, strict=True)
                ]
            )
        )


THRESHOLDS = tuple(float(t) for t in np.arange(0.05, 0.9, 0.05).round(2))
"""Of the probability of a marked word, that are tried."""
ODDS_SHARES = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
"""Of the likeliest word's odds, that are tried."""


@dataclass
class TogetherTask:
    """Several tasks that learn from the same texts: each text is read once for all of them.

    target: task to its own target, of the tasks that know one. Every target counts alike, but for
    the weight of its task where `weights` has one.
    """

    tasks: Sequence[Task]
    weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.head = "together"
        merged: dict[tuple[int, ...], Example] = {}
        for task in self.tasks:
            for example in task.train:
                first = merged.setdefault(
                    tuple(example.ids), Example(example.ids, example.shapes, {})
                )
                first.target[task.head] = example.target
        self.train = list(merged.values())

    def loss(self, outputs: Outputs, examples: Sequence[Example]) -> Tensor:
        """The sum of the tasks' losses, each by the share of texts that it knows."""
        losses = []
        for task in self.tasks:
            rows = [i for i, example in enumerate(examples) if task.head in example.target]
            if rows:
                known = [
                    Example(e.ids, e.shapes, e.target[task.head])
                    for e in (examples[i] for i in rows)
                ]
                of_task = task.loss({n: output[rows] for n, output in outputs.items()}, known)
                weight = self.weights.get(task.head, 1.0)
                losses.append(of_task * (weight * len(rows) / len(examples)))
        return torch.stack(losses).sum()


@dataclass
class Batches:
    """Examples in batches of one width, in another order each time.

    Few shapes: for every new one the matrix library compiles its kernels anew, which took longer
    than the first epoch itself.
    """

    examples: list[Example]
    max_tokens: int
    draw: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def __iter__(self) -> Iterator[list[Example]]:
        of_width: dict[int, list[Example]] = {}
        batches = []
        for i in self.draw.permutation(len(self.examples)):
            example = self.examples[i]
            batch = of_width.setdefault(width(example), [])
            batch.append(example)
            if (len(batch) + 1) * width(example) > self.max_tokens:
                batches.append(of_width.pop(width(example)))
        batches += of_width.values()
        self.draw.shuffle(batches)
        yield from batches


def width(example: Example) -> int:
    """Tokens of an example with its padding.

    >>> width(Example(range(17), np.zeros(17), None))
    32
    """
    return -(-len(example) // BLOCK) * BLOCK


def collate(examples: Sequence[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids, mask and word shapes of a batch, int64 (batch, longest)."""
    shape = (len(examples), max(map(width, examples)))
    ids, mask, shapes = (np.zeros(shape, np.int64) for _ in range(3))
    for row, example in enumerate(examples):
        ids[row, : len(example)] = example.ids
        mask[row, : len(example)] = 1
        shapes[row, : len(example)] = example.shapes
    return torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(shapes)


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
