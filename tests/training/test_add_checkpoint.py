"""A model that was added answers in the job, with no line of code changed."""

import asyncio
import shutil
from contextlib import closing
from dataclasses import dataclass, field

import onnx
import pytest
from inference_configs import ANALYZER
from onnx import TensorProto, helper

from models import inference
from models.analyzer import Analyzer
from models.manifest import SHIPPED, read
from models.predictor import open_predictor
from models.text import ArticleText
from schemas.enriched_article import Language
from schemas.errors import ModelFileError
from training import add_checkpoint, manifest_edit
from training.checkpoint import Card, Checkpoint, Labels, Task

LABELS = Labels(("negative", "neutral", "positive"), ((0,), (1,), (2,)))


@dataclass
class Exported:
    file: str = "model.onnx"
    tokenizer: str = "tokenizer.json"
    gpu_file: str | None = None
    max_tokens: int = 32
    checks: dict[str, float] = field(default_factory=dict)


def export(_checkpoint, folder):
    """A graph that is sure of the positive, the more tokens the surer; minilm's tokenizer."""
    axes = ["batch", "tokens"]
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["input_ids", "attention_mask"], ["known"]),
            helper.make_node("Cast", ["known"], ["values"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["values"], ["mean"], axes=[1], keepdims=1),
            helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
        ],
        "tone",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, axes)
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor("weights", TensorProto.FLOAT, [1, 3], [-1.0, 0.0, 1.0])],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), folder / "model.onnx")
    shutil.copyfile(read(SHIPPED).tokenizer_file("minilm"), folder / "tokenizer.json")
    return Exported()


@pytest.fixture
def manifest_path(tmp_path):
    """A manifest of one's own with a model `tone` for German."""
    path = tmp_path / "own" / "manifest.toml"
    checkpoint = Checkpoint(
        tmp_path, Task.SENTIMENT, "BertForSequenceClassification", LABELS, False, 32
    )
    registration = add_checkpoint.Registration("tone", "3", "MIT", ["de"], "a test")
    add_checkpoint.add(checkpoint, registration, path, Card(), export)
    return path


@pytest.fixture
def german(monkeypatch):
    class Detector:
        second_opinion = "fake-0"

        def __init__(self, *_, **__):
            pass

        def detect(self, _text, _told=None):
            return Language(code="de", confidence=0.9)

    monkeypatch.setattr(inference, "LanguageDetector", Detector)


@pytest.mark.usefixtures("german")
def test_added_model_answers_in_the_job(manifest_path):
    with closing(Analyzer(read(manifest_path), ANALYZER)) as opened:
        opened.warm_up()
        analysis = asyncio.run(opened.analyze(ArticleText("Brücke wieder offen", "")))
    assert analysis.answers["sentiment"].label == "positive"
    assert analysis.model_versions["sentiment"] == "tone-3"


def test_added_model_can_be_measured(manifest_path):
    model = open_predictor(read(manifest_path), "sentiment/tone")
    (probabilities,) = model.predict(["Brücke wieder offen"], ["de"])
    assert model.labels[probabilities.argmax()] == "positive"


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_added_model_whose_file_differs_stops_the_job(manifest_path, file):
    (manifest_path.parent / "tone" / file).write_bytes(b"changed")
    with pytest.raises(ModelFileError, match=rf"tone/{file} has sha256 .* manifest expects"):
        Analyzer(read(manifest_path), ANALYZER)


def test_model_that_cannot_be_registered_leaves_no_files(tmp_path, monkeypatch):
    def fail(*_):
        raise ModelFileError("no")

    path = tmp_path / "own" / "manifest.toml"
    manifest_edit.start(path)
    before = set(tmp_path.rglob("*"))
    monkeypatch.setattr(manifest_edit, "register", fail)
    checkpoint = Checkpoint(tmp_path, Task.SENTIMENT, "x", LABELS, False, 32)
    registration = add_checkpoint.Registration("tone", "3", "MIT", ["de"], "a test")
    with pytest.raises(ModelFileError):
        add_checkpoint.add(checkpoint, registration, path, Card(), export)
    assert set(tmp_path.rglob("*")) == before


def test_topics_are_decisions_of_their_own(tmp_path):
    path = tmp_path / "own" / "manifest.toml"
    labels = Labels(("medtop:15000000", "medtop:04000000"), ((0,), (2,)))
    checkpoint = Checkpoint(tmp_path, Task.TOPICS, "x", labels, False, 32)
    registration = add_checkpoint.Registration("desk", "1", "MIT", ["de"], "a test")
    add_checkpoint.add(checkpoint, registration, path, Card(), export)
    route = read(path).find("topics", "desk")
    assert (route.multi_label, route.thresholds) == (True, (0.5, 0.5))
