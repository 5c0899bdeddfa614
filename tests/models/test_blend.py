"""Models weighed together: in `wiredesk evaluate` and in the jobs, beside the models alone."""

import asyncio

import numpy as np
import pytest
from safetensors.numpy import save_file

from models import passes
from models.batching import BatchPolicy
from models.blend import OUTPUT, Blend
from models.manifest import Manifest, ModelEntry, Route
from models.passes import Passes
from models.predictor import open_predictor
from schemas.errors import ModelFileError

LABELS = ("clean", "toxic")


def entry(folder, sha256, name, tensors, kind, **more):
    save_file(tensors, folder / name)
    return ModelEntry(
        version="1",
        kind=kind,
        file=name,
        sha256=sha256(folder / name),
        licence="Apache-2.0",
        source="made by the tests",
        card="CARD.md",
        **more,
    )


def classifier(bias):
    """Tensors of a classifier over n-grams that always says the same."""
    return {
        "grams": np.array([1, 1, 0]),
        "en.hashes": np.zeros(1, np.uint32),
        "en.rarity": np.ones(1, np.float16),
        "en.weights": np.zeros((1, 2), np.int8),
        "en.scales": np.ones(2, np.float32),
        "en.bias": np.array(bias, np.float32),
    }


def route(model, output):
    return Route(
        task="toxicity",
        head="toxicity/comments",
        model=model,
        output=output,
        labels=LABELS,
        languages=frozenset({"en"}),
        texts="comments",
    )


WEIGHED = {
    "one/en": 2 * np.eye(2, dtype=np.float32),
    "other/en": np.eye(2, dtype=np.float32),
    "bias": np.array([0.0, 0.5], np.float32),
}


@pytest.fixture
def manifest(tmp_path, sha256):
    """Classifiers `one` and `other`, and `both`, which answers before them."""
    models = {
        "one": entry(tmp_path, sha256, "one", classifier([1.0, 0.0]), "ngrams"),
        "other": entry(tmp_path, sha256, "other", classifier([0.0, 3.0]), "ngrams"),
        "both": entry(tmp_path, sha256, "both", WEIGHED, "blend", parts=("one", "other")),
    }
    routes = (route("both", OUTPUT), route("one", "en"))
    return Manifest(folder=tmp_path, models=models, routes=routes)


def opened(manifest):
    """What the jobs open."""
    policy = BatchPolicy(max_tokens=1024, max_count=8, deadline_s=0.0)
    return Passes(manifest, manifest.routes, provider="cpu", threads=1, streams=1, batch=policy)


@pytest.fixture
def asked(monkeypatch):
    """The texts that each classifier was asked for; it reads as many characters as its name has."""
    asked = []
    open_one = passes.open_reader

    class Counted:
        def __init__(self, model, reader):
            self.model, self.reader, self.max_characters = model, reader, len(model)

        def read(self, text):
            asked.append((self.model, text))
            return self.reader.read(text)

    monkeypatch.setattr(
        passes, "open_reader", lambda known, model: Counted(model, open_one(known, model))
    )
    return asked


def test_logits_are_weighed_and_added(manifest):
    (found,) = open_predictor(manifest, "toxicity/comments").predict(["a comment"], [None])
    assert found.tolist() == pytest.approx([1 / (1 + np.exp(1.5)), 1 / (1 + np.exp(-1.5))])


def test_jobs_read_a_text_once_for_the_blend_and_for_its_part_alone(manifest, asked):
    of_jobs = opened(manifest)
    both, one = asyncio.run(of_jobs.read([("both", "a comment"), ("one", "a comment"[:3])]))
    assert both.outputs[OUTPUT].tolist() == [2.0, 3.5]
    assert one.outputs["en"].tolist() == [1.0, 0.0]
    assert sorted(asked) == [("one", "a c"), ("other", "a com")]
    assert of_jobs.characters("both") == len("other")


def test_blend_is_checked_at_the_start(manifest):
    opened(manifest).warm_up()
    three = manifest.routes[0].model_copy(update={"labels": ("clean", "rude", "toxic")})
    wrong = manifest.model_copy(update={"routes": (three,)})
    with pytest.raises(ModelFileError, match="has 3 labels, but output logits of model both has 2"):
        opened(wrong).warm_up()


def test_part_that_answers_otherwise_is_named(tmp_path):
    save_file(WEIGHED, tmp_path / "both")
    blend = Blend(tmp_path / "both", ["one", "other"])
    two, three = np.zeros(2, np.float32), np.zeros(3, np.float32)
    for answer, told in (({"de": two}, "has no such output"), ({"en": three}, "has shape")):
        with pytest.raises(ModelFileError, match=f"2 columns of output en of model other.*{told}"):
            blend.outputs({"one": {"en": two}, "other": answer})


def test_file_that_weighs_others_than_the_manifest_names_is_refused(tmp_path):
    save_file(WEIGHED, tmp_path / "both")
    with pytest.raises(ModelFileError, match="weighs one, other, but the manifest names one, two"):
        Blend(tmp_path / "both", ["two", "one"])
