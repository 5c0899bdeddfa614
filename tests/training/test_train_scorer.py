"""Scorers of documents: what they are rewarded for, trained, exported, answering as trained."""

import json
import lzma

import numpy as np
import pytest
from manifests import begun

from evaluation.rows import SummaryRow
from models.document_scorer import (
    MOST_READ,
    MOST_TOLD,
    VECTOR_OUTPUT,
    DocumentScorer,
    DocumentScores,
    best_together,
    subsets,
)
from models.encoder import Tokens
from models.manifest import read
from models.session import OnnxSession, Provider
from training import configuration

MISSING = "needs the extra `training`"
torch = pytest.importorskip("torch", reason=MISSING)
train_scorer = pytest.importorskip("training.train_scorer", reason=MISSING)
training_documents = pytest.importorskip("training.documents", reason=MISSING)
document_network = pytest.importorskip("training.document_network", reason=MISSING)

from evaluation.metrics import rouge  # noqa: E402

NEWS = "the river rose in town {} and {} people left their homes ."
TALK = "he said that this was so , as he often says at number {} ."


class LengthEncoder:
    """A vector that tells how long a sentence is."""

    def tokenize(self, text):
        return Tokens([1] * len(text), np.zeros((len(text), 2)), np.zeros(len(text)))

    def run(self, batch):
        return [{VECTOR_OUTPUT: np.eye(384, dtype=np.float32)[len(tokens)]} for tokens in batch]


def row(n):
    """A document whose news stand anywhere."""
    draw = np.random.default_rng(n)
    sentences = [TALK.format(i) for i in range(8)]
    for place in draw.choice(8, 2, replace=False):
        sentences[place] = NEWS.format(n, n + place)
    return SummaryRow(tuple(sentences), "\n".join(s for s in sentences if "river" in s))


@pytest.fixture(scope="module")
def documents():
    return training_documents.made_of([row(n) for n in range(64)], LengthEncoder())


@pytest.fixture(scope="module")
def config():
    small = {"width": 32, "layers": 1, "pair_width": 8, "batch_documents": 16, "dropout": 0.0}
    quick = {"epochs": 15, "learning_rate": 5e-3, "averaged": 0.5}
    return configuration.find("summary").model_copy(update=small | quick)


def test_reward_is_rouge(documents):
    batch = documents.of(np.arange(4))
    choices = torch.from_numpy(subsets(8, 2))
    rewards = training_documents.reward(batch, choices, torch.arange(8).expand(4, -1))
    for i in range(4):
        found = row(i)
        for choice, given in zip(choices.bool().tolist(), rewards[i].tolist(), strict=True):
            told = [s for s, chosen in zip(found.sentences, choice, strict=True) if chosen]
            exact = rouge([found.reference], ["\n".join(told)])
            # word pairs across sentences are not counted
            assert given == pytest.approx((exact["rouge1"][0] + exact["rouge2"][0]) / 2, abs=0.04)


def test_document_scores_alike_alone_and_among_longer_ones(config):
    network = document_network.network(config).eval()
    rows = [SummaryRow(row(n).sentences[: 3 + 5 * n], "river") for n in range(2)]
    batch = training_documents.made_of(rows, LengthEncoder()).of(np.arange(2))
    with torch.no_grad():
        scores, pairs, sizes = network(batch.vectors, batch.features, batch.mask)
        alone = network(batch.vectors[:1, :3], batch.features[:1, :3], batch.mask[:1, :3])
    assert torch.allclose(scores[:1, :3], alone[0], atol=1e-5)
    assert torch.allclose(pairs[:1, :3, :3], alone[1], atol=1e-5)
    assert torch.allclose(sizes[:1], alone[2], atol=1e-5)


def test_choice_is_scored_as_the_model_scores_it(config):
    """The sum that is learned is the sum by which sentences are chosen."""
    draw = torch.Generator().manual_seed(0)
    scores = torch.randn(1, 8, generator=draw)
    pairs = torch.randn(1, 8, 8, generator=draw)
    pairs, sizes = pairs + pairs.transpose(1, 2), torch.randn(1, MOST_TOLD, generator=draw)
    choices = torch.from_numpy(subsets(8, MOST_TOLD))
    energy = train_scorer.summed(scores, pairs, sizes, choices, torch.arange(8)[None])
    best = np.flatnonzero(choices[int(energy.argmax())].numpy()).tolist()
    found = DocumentScores(*(t[0].numpy() for t in (scores, pairs, sizes)))
    assert best_together(found) == best


def test_trained_scorer_finds_what_summaries_tell(documents, config, tmp_path):
    scores = train_scorer.Fit(config, tmp_path).run(documents, documents)
    assert scores["reward"] > 0.9
    assert scores["over_lead3"] > 0.3


def test_resumed_run_ends_as_one_that_was_not_stopped(documents, config, tmp_path):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    for folder in (whole, halves):
        folder.mkdir()
    wanted = train_scorer.Fit(config, whole).run(documents, documents)

    class Stopped(Exception):
        pass

    first = train_scorer.Fit(config, halves)
    keep = first._keep

    def stop(*arguments):
        keep(*arguments)
        if first._epoch == 3:
            raise Stopped

    first._keep = stop
    with pytest.raises(Stopped):
        first.run(documents, documents)
    assert train_scorer.Fit(config, halves).run(documents, documents, resume=True) == wanted


def test_released_graph_chooses_as_the_network_does(config, documents, tmp_path):
    manifest = begun(tmp_path, "minilm")
    runs = tmp_path / "runs"
    (runs / "summary").mkdir(parents=True)
    train_scorer.Fit(config, runs / "summary").run(documents, documents)
    train_scorer.release(config, "1.0.0", runs, manifest)
    released = read(manifest)
    entry = released.entry("summary")
    assert (entry.kind, entry.encoder, entry.commercial) == ("documents", "minilm", False)
    (route,) = released.heads("summary")
    assert not route.jobs
    graph = OnnxSession(released.model_file("summary"), Provider.CPU, threads=1)
    scorer = DocumentScorer(LengthEncoder(), graph)
    right = 0
    for n in range(100, 120):
        chosen = best_together(scorer.score(row(n).sentences))
        right += ["river" in row(n).sentences[i] for i in chosen] == [True, True]
    assert right >= 18


def test_vectors_are_made_once(config, tmp_path, monkeypatch):
    folder = tmp_path / "data" / "cnn_dailymail"
    folder.mkdir(parents=True)
    line = json.dumps({"article": " ".join(row(1).sentences), "highlights": [row(1).reference]})
    (folder / "train.jsonl.xz").write_bytes(lzma.compress(f"{line}\n{line}\n".encode()))
    first = training_documents.prepared(
        config, LengthEncoder(), tmp_path / "data", tmp_path, "train", limit=None
    )
    assert first.lengths.tolist() == [8, 8]
    again = training_documents.prepared(
        config, None, tmp_path / "data", tmp_path, "train", limit=None
    )
    assert np.array_equal(first.vectors, again.vectors)
    assert first.vectors.shape == (2, MOST_READ, 384)
