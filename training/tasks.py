"""What each kind of head learns: modules, loss, and what a validation row is scored by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from evaluation.metrics import char_f1, entity_spans
from models.comment_heads import marked_spans
from models.probabilities import softmax
from models.session import Arrays
from training.crf import log_likelihood, viterbi
from training.examples import UNKNOWN, Example, Spans
from training.network import OfText, OfTokens, Transitions

Predictions = list[np.ndarray]
Outputs = Mapping[str, Tensor]


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
        emissions, mask = of_words(outputs["entities"], spans)
        chunk = _padded([s.chunk for s in spans], 0)
        loss = -log_likelihood(emissions, chunk, mask, outputs["entity_transitions"][0])
        loss = loss.sum() / mask.sum()
        if self.fine_types:
            fine = _padded([s.fine for s in spans], UNKNOWN)
            if bool((fine != UNKNOWN).any()):
                logits, _ = of_words(outputs["entity_types"], spans)
                known = functional.cross_entropy(
                    logits.flatten(0, 1), fine.flatten(), ignore_index=UNKNOWN
                )
                loss = loss + 0.3 * known
        return loss

    def predict(self, outputs: Outputs, examples: Sequence[Example]) -> Predictions:
        spans = [example.target for example in examples]
        emissions, mask = of_words(outputs["entities"].float(), spans)
        paths = viterbi(emissions, mask, outputs["entity_transitions"][0].float())
        return [path[: len(s.words)] for path, s in zip(paths.numpy(), spans, strict=True)]

    def score(self, predictions: Predictions) -> float:
        gold = [self._tags(example.target.chunk) for example in self.validation]
        return self.metric(gold, [self._tags(path) for path in predictions])

    def judged(
        self, answers: Sequence[Arrays], predictions: Predictions
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of the mentions that a graph finds in the validation examples the mean probability of
        their labels, and whether they are right, (mentions,) both.
        """
        shares, right = [], []
        for answer, path, example in zip(answers, predictions, self.validation, strict=True):
            of_words = softmax(answer["entities"][example.target.words])
            chosen = of_words[np.arange(len(path)), path]
            gold = entity_spans(self._tags(example.target.chunk))
            for span in entity_spans(self._tags(path)):
                shares.append(chosen[span[1] : span[2]].mean())
                right.append(span in gold)
        return np.array(shares), np.array(right)

    def _tags(self, path: Sequence[int] | np.ndarray) -> list[str]:
        return [self.labels[i] for i in path]


def of_words(output: Tensor, spans: Sequence[Spans]) -> tuple[Tensor, Tensor]:
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
