"""Blends: trained beside a released head, registered, and answering for it."""

import gzip

import numpy as np
import pytest
from manifests import begun

from models.manifest import read
from models.predictor import open_predictor
from schemas.errors import SettingError
from training import configuration

MISSING = "needs the extra `training`"
pytest.importorskip("torch", reason=MISSING)
train_blend = pytest.importorskip("training.train_blend", reason=MISSING)
train_ngrams = pytest.importorskip("training.train_ngrams", reason=MISSING)

LABELS = ("anger", "joy", "optimism", "sadness")
WORDS = ("furious", "happy", "hopeful", "crying")


@pytest.fixture
def data(tmp_path):
    """Posts of which a word tells the label, misspelt in every second validation row."""
    folder = tmp_path / "data" / "tweeteval"
    folder.mkdir(parents=True)
    mapping = "\n".join(f"{n}\t{label}" for n, label in enumerate(LABELS))
    (folder / "emotion_mapping.txt.gz").write_bytes(gzip.compress(mapping.encode()))
    for split in ("train", "val"):
        lines = ["label\ttext"]
        for n in range(160):
            word = WORDS[n % 4] + ("x" if split == "val" and n % 8 < 4 else "")
            lines.append(f"{n % 4}\tso {word} today, number {n}")
        (folder / f"emotion_{split}.tsv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return tmp_path / "data"


def config(**changes):
    plain = configuration.find("emotion/tweeteval-blend")
    ngrams = plain.ngrams.model_copy(update={"most": 500, "labels": LABELS})
    return plain.model_copy(update={"ngrams": ngrams} | changes)


@pytest.fixture
def manifest(data, tmp_path):
    """The head, answered by a classifier that knows whole words alone."""
    path = begun(tmp_path)
    words = config().ngrams.model_copy(update={"head": "emotion/tweeteval", "characters": 0})
    train_ngrams.release(words, train_ngrams.train(words, data), "1.0.0", path)
    return path


def test_released_blend_answers_for_the_head_and_is_better_than_its_first_part(data, manifest):
    misspelt = ["so happyx today", "so furiousx today"]
    alone = open_predictor(read(manifest), "emotion/tweeteval").predict(misspelt, ["en", "en"])
    trained = train_blend.train(config(), data, manifest)
    train_blend.release(config(), trained, "1.1.0", manifest)
    released = read(manifest)
    entry = released.entry("emotion-tweeteval-blend")
    assert entry.parts == ("emotion-tweeteval", "emotion-tweeteval-ngrams")
    assert (entry.kind, entry.commercial, entry.data) == (
        "blend",
        False,
        ("tweeteval-emotion (research only)",),
    )
    routes = released.heads("emotion/tweeteval")
    assert [route.model for route in routes] == ["emotion-tweeteval-blend", "emotion-tweeteval"]
    assert routes[0].jobs is routes[1].jobs
    found = open_predictor(released, "emotion/tweeteval").predict(misspelt, ["en", "en"])
    assert found.argmax(axis=1).tolist() == [1, 0]
    assert found[0, 1] > alone[0, 1]
    assert found[1, 0] > alone[1, 0]


def test_part_that_tells_nothing_gets_no_weight():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 600)
    telling = 2 * np.eye(3)[targets] + rng.normal(size=(600, 3))
    weights = train_blend.fit(np.array([telling, rng.normal(size=(600, 3))]), targets)
    assert weights.parts[0] > 1
    assert abs(weights.parts[1]) < 0.2


def test_head_that_was_not_released_is_told(data, manifest):
    with pytest.raises(SettingError, match="no route of emotion/tweeteval to model absent"):
        train_blend.train(config(beside="absent"), data, manifest)
