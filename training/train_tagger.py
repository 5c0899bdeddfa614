"""Taggers of names (models.name_tagger) from their configuration: what `wiredesk train` runs."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from evaluation.metrics import entity_metrics, point
from evaluation.rows import TagRow
from evaluation.sets import load
from models.language_codes import short
from models.manifest import Route
from models.mentions import viterbi
from models.name_tagger import ENTITIES_OUTPUT, Lexicon, features, find, word_key
from training import crf
from training.configuration import TaggerConfig
from training.entries import entry, write_tensors
from training.manifest_edit import register

FOLDER = "name_tagger"
USUAL = 0.7
"""Share of a word's occurrences from which a lexicon has the word under their tag."""

console = Console()


@dataclass(frozen=True)
class Trained:
    """The tensors of models.name_tagger of one language, and its entity F1 on validation rows."""

    language: str
    tensors: dict[str, np.ndarray]
    entity_f1: float


@dataclass(frozen=True)
class Sentence:
    """Features as places in a table, int64 (words, features), and the label of each word."""

    features: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


class Chain(nn.Module):
    """Weights of features and of labels that follow another; the last feature is of no weight."""

    def __init__(self, features: int, labels: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(features + 1, labels))
        self.transitions = nn.Parameter(torch.zeros(labels + 2, labels + 2))

    def scores(self, sentences: Sequence[Sentence], dropout: float) -> tuple[Tensor, Tensor]:
        """float32 (sentences, words, labels), and bool (sentences, words) where there are words."""
        places = torch.cat([sentence.features for sentence in sentences])
        kept = (places < len(self.weights) - 1).float()
        if dropout:
            kept = kept * (torch.rand(places.shape) >= dropout) / (1 - dropout)
        of_words = nn.functional.embedding_bag(
            places, self.weights, mode="sum", per_sample_weights=kept, sparse=True
        )
        mask = _mask(sentences)
        scores = torch.zeros(*mask.shape, self.weights.shape[1])
        return scores.index_put(mask.nonzero(as_tuple=True), of_words), mask


def train(config: TaggerConfig, data: Path, *, limit: int | None = None) -> tuple[Trained, ...]:
    """One tagger a data set, each of a language."""
    words, classes = _lexicon(config, data, limit)
    return tuple(
        _train(config, source.name, words, classes, data, limit) for source in config.train
    )


def release(config: TaggerConfig, trained: Sequence[Trained], version: str, manifest: Path) -> None:
    """The file of each language, and its route, in the manifest."""
    for source, of_one in zip(config.train, trained, strict=True):
        name = f"{config.model}-{of_one.language}"
        file = Path(FOLDER, f"{name}.safetensors")
        write_tensors(of_one.tensors, manifest.parent / file)
        made = entry(
            manifest,
            file,
            version=version,
            kind="names",
            source=f"conditional random field, `wiredesk train {config.name}`",
            commercial=config.commercial,
            data=tuple(used.told for used in (source, *config.lexicon)),
        )
        route = Route(
            task="entities",
            head=config.head,
            model=name,
            output=ENTITIES_OUTPUT,
            labels=config.labels,
            languages=frozenset({of_one.language}),
            jobs=config.jobs,
            metrics={"validation: entity_f1": round(of_one.entity_f1, 4)},
        )
        register(manifest, name, made, [route])


def _train(
    config: TaggerConfig,
    name: str,
    words: np.ndarray,
    classes: np.ndarray,
    data: Path,
    limit: int | None,
) -> Trained:
    lexicon = Lexicon(words, classes)
    rows, held_in = (load(name, split, data)[:limit] for split in ("train", "validation"))
    found = [features(row.tokens, lexicon) for row in rows]
    hashes, counts = np.unique(np.concatenate([h.ravel() for h in found]), return_counts=True)
    hashes = hashes[counts >= config.least_words]
    sentences = [_sentence(config, h, row, hashes) for h, row in zip(found, rows, strict=True)]
    torch.manual_seed(config.seed)
    chain = Chain(len(hashes), len(config.labels))
    optimizer = torch.optim.Adagrad(chain.parameters(), lr=config.learning_rate)
    mean = [torch.zeros_like(parameter) for parameter in chain.parameters()]
    for epoch in range(config.epochs):
        losses = []
        for batch in _batches(sentences, config.batch_sentences, config.seed + epoch):
            scores, mask = chain.scores(batch, config.dropout)
            labels = torch.zeros(mask.shape, dtype=torch.int64)
            labels[mask] = torch.cat([sentence.labels for sentence in batch])
            loss = -crf.log_likelihood(scores, labels, mask, chain.transitions).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        console.print(f"{name}: epoch {epoch + 1} of {config.epochs}, loss {np.mean(losses):.3f}")
        if epoch:  # the first one has seen too little
            for total, parameter in zip(mean, chain.parameters(), strict=True):
                total += parameter.detach() / (config.epochs - 1)
    weights, transitions = (total.numpy() for total in mean)
    tensors = _tensors(weights[:-1], transitions, hashes, config.features) | {
        "words": words,
        "classes": classes,
    }
    language = short(rows[0].lang)
    entity_f1 = _measured(config, tensors, held_in, lexicon)
    console.print(f"{config.head} {language}: entity F1 {entity_f1:.4f}")
    return Trained(language, tensors, entity_f1)


def _tensors(
    weights: np.ndarray, transitions: np.ndarray, hashes: np.ndarray, most: int
) -> dict[str, np.ndarray]:
    """The features with the largest weights, rounded to a byte a weight."""
    order = np.argsort(-np.abs(weights).max(axis=1), kind="stable")
    kept = np.sort(order[:most])
    scales = np.abs(weights).max(axis=0) / 127
    return {
        "hashes": hashes[kept],
        "weights": np.round(weights[kept] / scales).astype(np.int8),
        "scales": scales.astype(np.float32),
        "transitions": transitions.astype(np.float32),
    }


def _measured(
    config: TaggerConfig,
    tensors: dict[str, np.ndarray],
    rows: Sequence[TagRow],
    lexicon: Lexicon,
) -> float:
    given = []
    weights = tensors["weights"] * tensors["scales"]
    for row in rows:
        places, known = find(features(row.tokens, lexicon), tensors["hashes"])
        scores = (weights[places] * known[:, :, None]).sum(axis=1)
        path = viterbi(scores, config.labels, tensors["transitions"])
        given.append([config.labels[label] for label in path.tolist()])
    return point(entity_metrics([row.tags for row in rows], given), len(rows))["entity_f1"]


def _lexicon(config: TaggerConfig, data: Path, limit: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Keys of words, ascending, and of each a class: the tag that it mostly has, and how often it
    was met.
    """
    tags: dict[str, Counter[str]] = defaultdict(Counter)
    for source in config.lexicon:
        for row in load(source.name, "train", data)[:limit]:
            for word, tag in zip(row.tokens, row.tags, strict=True):
                tags[word][tag] += 1
    kinds: dict[str, int] = {}
    of_key = {
        word_key(word): kinds.setdefault(_kind(counts), len(kinds) + 1)
        for word, counts in tags.items()
    }
    keys = sorted(of_key)
    return np.array(keys, np.uint32), np.array([of_key[key] for key in keys], np.uint8)


def _kind(tags: Counter[str]) -> str:
    """Class of a word that had these tags.

    >>> _kind(Counter({"B-LOC": 9, "O": 1})), _kind(Counter({"B-LOC": 1, "O": 1}))
    ('B-LOC often', 'mixed LOC twice')
    """
    (tag, most), total = tags.most_common(1)[0], tags.total()
    what = tag if most >= USUAL * total else f"mixed {tag[2:]}".rstrip()
    return f"{what} {'once' if total == 1 else 'twice' if total < 4 else 'often'}"


def _sentence(config: TaggerConfig, hashes: np.ndarray, row: TagRow, known: np.ndarray) -> Sentence:
    places, there = find(hashes, known)
    return Sentence(
        torch.from_numpy(np.where(there, places, len(known))),
        torch.tensor([config.labels.index(tag) for tag in row.tags]),
    )


def _batches(sentences: Sequence[Sentence], size: int, seed: int) -> Iterator[list[Sentence]]:
    """Sentences of like length together, in an order by chance."""
    chance = np.random.default_rng(seed)
    order = np.argsort([len(s) + 3 * chance.random() for s in sentences], kind="stable")
    starts = np.arange(0, len(order), size)
    chance.shuffle(starts)
    for start in starts:
        yield [sentences[i] for i in order[start : start + size]]


def _mask(sentences: Sequence[Sentence]) -> Tensor:
    lengths = torch.tensor([len(sentence) for sentence in sentences])
    return torch.arange(int(lengths.max())) < lengths[:, None]
