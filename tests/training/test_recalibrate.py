"""A released head's calibration, fitted anew while its model stays as it is."""

import hashlib

import numpy as np
import pytest
import typer

from models.manifest import read
from models.mentions import calibrated
from models.probabilities import softmax

MISSING = "needs the extra `training`"
pytest.importorskip("torch", reason=MISSING)
recalibrating = pytest.importorskip("training.recalibrate", reason=MISSING)
examples = pytest.importorskip("training.examples", reason=MISSING)
tasks = pytest.importorskip("training.tasks", reason=MISSING)

LABELS = ("negative", "neutral", "positive")
MANIFEST = """
[models.small]
version = "1"
file = "small.onnx"
sha256 = "{sha256}"
licence = "CC0"
source = "tests"
card = "CARD.md"

[[routes]]
task = "target"
head = "sentiment/target"
model = "small"
output = "tone"
labels = ["negative", "neutral", "positive"]
languages = ["en"]
temperature = 2.5  # of other rows

[[routes]]
task = "importance"
head = "importance"
model = "small"
output = "importance"
languages = ["en"]
"""


@pytest.fixture
def manifest(tmp_path):
    (tmp_path / "small.onnx").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    (tmp_path / "manifest.toml").write_text(MANIFEST.format(sha256=digest))
    return tmp_path / "manifest.toml"


@pytest.fixture
def nine_in_ten_right(monkeypatch):
    """A head that gives its first label 3 more than the others, and is right nine times in ten."""
    rows = [examples.Example([1] * 99, np.zeros(99), int(n % 10 == 0)) for n in range(100)]
    task = tasks.ClassTask("sentiment/target", "tone", LABELS, False, [], rows, lambda *_: 0.0)
    monkeypatch.setattr(recalibrating, "calibration_task", lambda *_: task)
    monkeypatch.setattr(recalibrating, "open_encoder", lambda *_, **__: None)
    logits = np.array([3.0, 0.0, 0.0], np.float32)
    monkeypatch.setattr(recalibrating, "answers", lambda _, rows: [{"tone": logits}] * len(rows))


def test_only_the_temperature_of_the_head_changes(manifest, nine_in_ten_right, tmp_path):
    before = manifest.read_text()
    recalibrating.recalibrate("sentiment/target", tmp_path, manifest)
    assert read(manifest).heads("sentiment/target")[0].temperature == pytest.approx(1.038, abs=0.02)
    changed = [
        old
        for old, new in zip(before.split("\n"), manifest.read_text().split("\n"), strict=False)
        if old.strip() and old not in manifest.read_text()
    ]
    assert [line.split(" = ")[0] for line in changed] == ["temperature"]


def test_short_texts_get_a_temperature_of_their_own(manifest, monkeypatch, tmp_path):
    """Of headlines nine in ten are right, of longer texts six."""
    rows = [
        examples.Example([1] * length, np.zeros(length), int(n % 10 >= right))
        for length, right in ((9, 9), (99, 6))
        for n in range(100)
    ]
    task = tasks.ClassTask("sentiment/target", "tone", LABELS, False, [], rows, lambda *_: 0.0)
    monkeypatch.setattr(recalibrating, "calibration_task", lambda *_: task)
    monkeypatch.setattr(recalibrating, "open_encoder", lambda *_, **__: None)
    logits = np.array([3.0, 0.0, -99.0], np.float32)
    monkeypatch.setattr(recalibrating, "answers", lambda _, rows: [{"tone": logits}] * len(rows))
    recalibrating.recalibrate("sentiment/target", tmp_path, manifest)
    (route,) = read(manifest).heads("sentiment/target")
    told = [softmax(logits, route.temperature_of(length))[0] for length in (9, 99)]
    assert told == pytest.approx([0.9, 0.6], abs=0.01)


def test_mentions_get_a_bias_too(manifest, monkeypatch, tmp_path):
    """Names that the head gives 0.73 are right three times in ten."""
    manifest.write_text(
        manifest.read_text()
        .replace('"target"', '"entities"')
        .replace("sentiment/target", "entities/news")
        .replace('"negative", "neutral", "positive"', '"O", "B-place"')
    )
    word = np.array([0])
    names = [
        examples.Example([1], np.zeros(1), examples.Spans(word, np.array([n % 10 < 3], int), word))
        for n in range(100)
    ]
    task = tasks.SpanTask("entities/news", ("O", "B-place"), (), [], names, lambda *_: 0.0)
    said = {
        "entities": np.array([[0.0, 1.0]], np.float32),
        "entity_transitions": np.zeros((4, 4), np.float32),
    }
    monkeypatch.setattr(recalibrating, "calibration_task", lambda *_: task)
    monkeypatch.setattr(recalibrating, "open_encoder", lambda *_, **__: None)
    monkeypatch.setattr(recalibrating, "answers", lambda _, rows: [said] * len(rows))
    recalibrating.recalibrate("entities/news", tmp_path, manifest)
    (route,) = read(manifest).heads("entities/news")
    (score,) = calibrated(softmax(said["entities"])[:, 1], route.temperature, route.bias)
    assert score == pytest.approx(0.3, abs=0.01)


def test_head_with_thresholds_is_refused(manifest, monkeypatch, tmp_path):
    task = tasks.ClassTask("emotion/goemotions", "", LABELS, True, [], [], lambda *_: 0.0)
    monkeypatch.setattr(recalibrating, "calibration_task", lambda *_: task)
    with pytest.raises(typer.BadParameter, match="emotion/goemotions is of kind labels"):
        recalibrating.recalibrate("emotion/goemotions", tmp_path, manifest)
