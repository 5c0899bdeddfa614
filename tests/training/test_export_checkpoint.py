"""Checkpoints of any family become graphs that answer as PyTorch does.

Needs the extra training: python -m pytest -m training tests/training
"""

import json

import numpy as np
import pytest
import tiny_checkpoints as tiny

from models.encoder import Encoder
from models.session import OnnxSession, providers
from schemas.errors import InferenceError
from training import checkpoint
from training.checkpoint import CheckpointError, Task

MISSING = "needs the extra training"
torch = pytest.importorskip("torch", reason=MISSING)
transformers = pytest.importorskip("transformers", reason=MISSING)
export_checkpoint = pytest.importorskip("training.export_checkpoint", reason=MISSING)

pytestmark = pytest.mark.training

FAMILIES = list(tiny.FAMILIES)
TONES = ("POSITIVE", "NEUTRAL", "NEGATIVE")
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-MISC")
TYPES = {"PER": "person", "LOC": "place", "MISC": "other"}
TEXTS = ["", "x", "🔥🌊", "The council voted.", "Der Rat und قرر المجلس on Tuesday.", "word " * 300]


def exported(folder, task, tmp_path, *, calibration=None, half=False, **options):
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    found = checkpoint.read(folder, task, **options)
    done = export_checkpoint.export(
        found, out, calibration=calibration, half=half, report=lambda _: None
    )
    return done, encoder(out / done.file, out / done.tokenizer, done.max_tokens)


def encoder(file, tokenizer, max_tokens):
    session = OnnxSession(file, providers("cpu")[0], threads=1)
    return Encoder(session, tokenizer, max_tokens=max_tokens)


def answers(of, output, texts=TEXTS):
    found = of.run([of.tokenize(text) for text in texts])
    assert not any(isinstance(answer, InferenceError) for answer in found)
    return [answer[output] for answer in found]


def softmax(logits):
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def asked(folder, kind, ids):
    """What the publisher's own code answers for one text."""
    model = getattr(transformers, kind).from_pretrained(folder).eval()
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids]))


@pytest.mark.parametrize("family", FAMILIES)
def test_sequence_classifier_answers_as_its_publisher_says(family, tmp_path):
    folder = tiny.make(tmp_path / "c", family, "ForSequenceClassification", TONES)
    done, graph = exported(folder, Task.SENTIMENT, tmp_path)
    assert done.max_tokens == tiny.TOKENS
    assert done.checks["float32 against PyTorch, largest difference"] <= 1e-4
    for text, logits in zip(TEXTS, answers(graph, "logits"), strict=True):
        ids = graph.tokenize(text).ids
        model = asked(folder, "AutoModelForSequenceClassification", ids).logits[0].numpy()
        assert logits == pytest.approx(model[::-1], abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_token_classifier_answers_as_its_publisher_says(family, tmp_path):
    folder = tiny.make(tmp_path / "c", family, "ForTokenClassification", TAGS)
    _, graph = exported(folder, Task.ENTITIES, tmp_path, label_map=TYPES)
    for text, logits in zip(TEXTS, answers(graph, "token_logits"), strict=True):
        ids = graph.tokenize(text).ids
        model = asked(folder, "AutoModelForTokenClassification", ids).logits[0].numpy()
        assert logits[: len(ids)] == pytest.approx(model, abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_sentence_encoder_pools_as_its_files_say(family, pooling, tmp_path):
    folder = tiny.make(tmp_path / "c", family, "")
    (folder / "1_Pooling").mkdir()
    mode = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens"}[pooling]
    config = {"word_embedding_dimension": 32, f"pooling_mode_{mode}": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(config))
    _, graph = exported(folder, Task.EMBEDDING, tmp_path)
    for text, vector in zip(TEXTS, answers(graph, "sentence_embedding"), strict=True):
        hidden = asked(folder, "AutoModel", graph.tokenize(text).ids).last_hidden_state[0].numpy()
        expected = {"mean": hidden.mean(0), "cls": hidden[0], "max": hidden.max(0)}[pooling]
        assert vector == pytest.approx(expected / np.linalg.norm(expected), abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_batch_equals_its_texts_one_by_one(family, tmp_path):
    folder = tiny.make(tmp_path / "c", family, "ForTokenClassification", TAGS)
    _, graph = exported(folder, Task.ENTITIES, tmp_path, label_map=TYPES)
    together = answers(graph, "token_logits")
    for text, found in zip(TEXTS, together, strict=True):
        (alone,) = answers(graph, "token_logits", [text])
        assert np.abs(found[: len(alone)] - alone).max() < 1e-5


def test_two_labels_are_three_sentiments_of_which_one_is_never_found(tmp_path):
    folder = tiny.make(
        tmp_path / "c", "bert", "ForSequenceClassification", ("POSITIVE", "NEGATIVE")
    )
    _, graph = exported(folder, Task.SENTIMENT, tmp_path)
    for text, logits in zip(TEXTS, answers(graph, "logits"), strict=True):
        ids = graph.tokenize(text).ids
        model = asked(folder, "AutoModelForSequenceClassification", ids).logits[0].numpy()
        positive, negative = softmax(model)
        assert softmax(logits) == pytest.approx([negative, 0, positive], abs=1e-4)


def test_labels_that_mean_the_same_share_their_probability(tmp_path):
    stars = [f"{n} stars" for n in range(1, 6)]
    folder = tiny.make(tmp_path / "c", "bert", "ForSequenceClassification", stars)
    tones = ["negative", "negative", "neutral", "positive", "positive"]
    mapping = dict(zip(stars, tones, strict=True))
    _, graph = exported(folder, Task.SENTIMENT, tmp_path, label_map=mapping)
    (logits,) = answers(graph, "logits", ["The council voted."])
    ids = graph.tokenize("The council voted.").ids
    p = softmax(asked(folder, "AutoModelForSequenceClassification", ids).logits[0].numpy())
    assert softmax(logits) == pytest.approx([p[0] + p[1], p[2], p[3] + p[4]], abs=1e-5)


def test_topic_keeps_the_probability_that_the_checkpoint_gave_it(tmp_path):
    labels = ("World", "Sports", "Business", "Other")
    mapping = {
        "World": "medtop:11000000",
        "Sports": "medtop:15000000",
        "Business": "medtop:04000000",
        "Other": "",
    }
    folder = tiny.make(tmp_path / "c", "bert", "ForSequenceClassification", labels)
    _, graph = exported(folder, Task.TOPICS, tmp_path, label_map=mapping)
    (logits,) = answers(graph, "logits", ["The council voted."])
    ids = graph.tokenize("The council voted.").ids
    p = softmax(asked(folder, "AutoModelForSequenceClassification", ids).logits[0].numpy())
    assert 1 / (1 + np.exp(-logits)) == pytest.approx(p[:3], abs=1e-5)


def test_half_and_int8_graphs_answer_nearly_the_same(tmp_path):
    folder = tiny.make(tmp_path / "c", "bert", "", initializer_range=0.1)
    done, int8 = exported(
        folder, Task.EMBEDDING, tmp_path, calibration=tiny.SENTENCES * 4, half=True
    )
    assert (done.file, done.gpu_file) == ("model.int8.onnx", "model.fp16.onnx")
    out = tmp_path / "out"
    half = encoder(out / done.gpu_file, out / done.tokenizer, done.max_tokens)
    text = tiny.SENTENCES[:1]
    (one,), (other,) = (answers(g, "sentence_embedding", text) for g in (int8, half))
    assert one @ other > 0.97
    assert done.checks["float16 against float32, largest difference"] < 0.02
    assert done.checks["int8 against float32, mean cosine"] > 0.97
    assert sorted(f.name for f in out.iterdir()) == [
        "model.fp16.onnx",
        "model.int8.onnx",
        "tokenizer.json",
    ]


def test_head_without_weights_is_refused_not_made_up(tmp_path):
    folder = tiny.make(tmp_path / "c", "bert", "")
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["BertForSequenceClassification"]
    config["id2label"] = dict(enumerate(TONES))
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"lacks weights.*classifier"):
        exported(folder, Task.SENTIMENT, tmp_path)


def test_tokenizer_of_another_model_is_refused(tmp_path):
    folder = tiny.make(tmp_path / "c", "bert", "", vocab_size=20)
    with pytest.raises(CheckpointError, match=r"has token \d+, but the model knows 20"):
        exported(folder, Task.EMBEDDING, tmp_path)


def test_broken_weights_are_named(tmp_path):
    folder = tiny.make(tmp_path / "c", "bert", "")
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        exported(folder, Task.EMBEDDING, tmp_path)
