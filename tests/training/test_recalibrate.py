"""A released head's temperature, fitted anew while its model stays as it is."""

import hashlib

import numpy as np
import pytest
import typer

from models.manifest import read

MISSING = "needs the extra `training`"
pytest.importorskip("torch", reason=MISSING)
recalibrating = pytest.importorskip("training.recalibrate", reason=MISSING)
release = pytest.importorskip("training.release", reason=MISSING)
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
    rows = [examples.Example([1], np.zeros(1), int(n % 10 == 0)) for n in range(100)]
    task = tasks.ClassTask("sentiment/target", "tone", LABELS, False, [], rows, lambda *_: 0.0)
    monkeypatch.setattr(recalibrating, "calibration_task", lambda *_: task)
    monkeypatch.setattr(recalibrating, "open_encoder", lambda *_, **__: None)
    logits = np.array([3.0, 0.0, 0.0], np.float32)
    monkeypatch.setattr(release, "answers", lambda _, rows: [{"tone": logits}] * len(rows))


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


def test_head_that_has_no_temperature_is_refused(manifest, monkeypatch, tmp_path):
    task = tasks.SpanTask("entities/news", ("O",), (), [], [], lambda *_: 0.0)
    monkeypatch.setattr(recalibrating, "calibration_task", lambda *_: task)
    with pytest.raises(typer.BadParameter, match="entities/news is of kind spans"):
        recalibrating.recalibrate("entities/news", tmp_path, manifest)
