"""The models' race: everybody gets the same batches, in turn, and is compared with the encoder."""

import hashlib
from dataclasses import replace

import pytest
from inference_configs import ANALYZER

from bench import models
from bench.models import (
    BARE,
    BARE_NAME,
    Contender,
    contenders,
    decoding_us,
    measure,
    rounds,
)
from models.manifest import SHIPPED, read
from models.session import Provider
from models.text import ArticleText
from schemas.errors import DeviceLost

CONFIG = replace(ANALYZER, streams=2, cache_entries=0)


@pytest.fixture
def shapes(monkeypatch):
    """What each fake graph was given: (file, provider, shape), in order."""
    given = []

    class FakeSession:
        def __init__(self, file, provider, **_):
            if provider is Provider.CUDA:
                raise DeviceLost("no device")
            self._of = (file.name, provider)
            self.inputs = ("input_ids", "attention_mask")

        def run(self, inputs):
            assert inputs.keys() == set(self.inputs)
            assert inputs["input_ids"].dtype == inputs["attention_mask"].dtype == "int64"
            given.append((*self._of, inputs["input_ids"].shape))

    monkeypatch.setattr(models, "OnnxSession", FakeSession)
    return given


def contender(model, file, provider=Provider.CPU, most_tokens=256):
    return Contender(model, file, provider, most_tokens, 30_522)


def race(*of, repeats=3):
    done = []
    figures = measure(of, config=CONFIG, repeats=repeats, seconds=0.0, progress=done.append)
    return figures, done


def test_every_contender_is_measured_at_every_length_it_reads(shapes, tmp_path):
    figures, done = race(
        contender(BARE_NAME, BARE), contender("short", tmp_path / "a.onnx", most_tokens=128)
    )
    assert [(f.model, f.length) for f in figures] == [
        (BARE_NAME, 64),
        (BARE_NAME, 128),
        (BARE_NAME, 256),
        ("short", 64),
        ("short", 128),
    ]
    assert done == list(range(1, 16))
    for figure in figures:
        assert figure.tokens_per_s == pytest.approx(figure.docs_per_s * figure.length)
        assert figure.of_bare is not None


def test_contenders_take_turns(shapes, tmp_path):
    race(contender(BARE_NAME, BARE), contender("other", tmp_path / "a.onnx"), repeats=2)
    turns = [(file, shape[1]) for file, _, shape in shapes[-2 * 2 * 6 :: 2]]
    assert turns[:6] == turns[6:] == list(dict.fromkeys(turns))


def test_batches_are_as_large_as_the_job_makes_them(shapes):
    race(contender(BARE_NAME, BARE))
    assert {shape for _, _, shape in shapes} == {(32, 64), (32, 128), (16, 256)}


def test_provider_without_a_device_has_no_figures(shapes):
    figures, _ = race(contender(BARE_NAME, BARE, Provider.CUDA), contender(BARE_NAME, BARE))
    assert {figure.provider for figure in figures} == {Provider.CPU}


def test_without_the_bare_encoder_there_is_no_share(shapes, tmp_path):
    figures, _ = race(contender("alone", tmp_path / "a.onnx"))
    assert [figure.of_bare for figure in figures] == [None] * 3


def test_shipped_models_and_given_files_run_on_each_provider(tmp_path):
    found = contenders(read(SHIPPED), [Provider.OPENVINO, Provider.CPU], [tmp_path / "f.onnx"])
    for provider in (Provider.OPENVINO, Provider.CPU):
        here = [c for c in found if c.provider is provider]
        assert here[0].model == BARE_NAME
        assert here[-1].file == tmp_path / "f.onnx"
        assert len({(c.file, c.adapter, c.graft) for c in here}) == len(here)
    assert rounds(found, 2) == 2 * sum(
        1 for c in found for n in (64, 128, 256) if n <= c.most_tokens
    )


def test_float16_file_runs_where_cuda_is(tmp_path):
    shipped = read(SHIPPED)
    for name in ("own.onnx", "half.onnx", "tokenizer.json"):
        source = shipped.tokenizer_file("minilm").read_bytes() if name[0] == "t" else name.encode()
        (tmp_path / name).write_bytes(source)
    digest = {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("own.onnx", "half.onnx")
    }
    entry = shipped.models["minilm"].model_copy(
        update={
            "file": "own.onnx",
            "sha256": digest["own.onnx"],
            "tokenizer": "tokenizer.json",
            "gpu_file": "half.onnx",
            "gpu_sha256": digest["half.onnx"],
        }
    )
    own = shipped.model_copy(update={"folder": tmp_path, "models": {"own": entry}})
    files = [
        (c.provider, c.file.name)
        for c in contenders(own, [Provider.CUDA, Provider.CPU])
        if c.model == "own"
    ]
    assert files == [
        (Provider.CUDA, "half.onnx"),
        (Provider.CUDA, "own.onnx"),
        (Provider.CPU, "own.onnx"),
    ]


def test_decoding_is_measured_for_each_head_of_english():
    texts = [ArticleText("Bridge reopens", "After two years of repairs."), ArticleText("x", "")]
    shipped = read(SHIPPED)
    routes = tuple(r for r in shipped.routes if r.task == "embedding")
    only = shipped.model_copy(update={"routes": routes})
    costs = decoding_us(only, texts, config=CONFIG, repeats=2)
    assert costs.keys() == {route.head for route in only.routes_for("en")}
    assert all(cost > 0 for cost in costs.values())
