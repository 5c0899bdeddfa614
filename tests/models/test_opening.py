"""A model of the manifest: the session that fits its files, and the tokenizer before it."""

import pytest

from models import opening
from models.document_scorer import DocumentScorer
from models.manifest import Manifest
from models.opening import (
    encoder_on,
    open_document_scorer,
    open_encoder,
    open_reader,
    open_session,
)
from models.session import FallbackSession, Provider
from schemas.errors import DeviceLost, ModelFileError


class FakeAdapter:
    def __init__(self, adapter, base, *, threads):
        self.opened = (adapter, base, threads)


class FakeGraph:
    def __init__(self, path, provider, *, threads, streams, weights=None, graft=None):
        if provider is Provider.CUDA:
            raise DeviceLost("no device")
        self.opened = (path, provider, threads, streams)
        self.weights = weights
        self.graft = graft

    def run(self, inputs):
        return {"inputs": sorted(inputs)}


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    monkeypatch.setattr(opening, "AdapterSession", FakeAdapter)
    monkeypatch.setattr(opening, "OnnxSession", FakeGraph)


def changed(manifest: Manifest, **changes) -> Manifest:
    """The small manifest with its model changed."""
    entry = manifest.entry("small").model_copy(update=changes)
    return manifest.model_copy(update={"models": manifest.models | {"small": entry}})


def test_graph_runs_on_the_first_provider_that_has_a_device(small_manifest):
    session = open_session(
        small_manifest, "small", [Provider.CUDA, Provider.CPU], threads=3, streams=2
    )
    assert isinstance(session, FallbackSession)
    assert (session.provider, session.devices_lost) == (Provider.CPU, 1)


def test_adapter_is_opened_on_its_base(small_manifest):
    of_tokenizer = small_manifest.entry("small").tokenizer
    manifest = changed(
        small_manifest,
        adapter=of_tokenizer,
        adapter_sha256=small_manifest.entry("small").tokenizer_sha256,
    )
    session = open_session(manifest, "small", [Provider.CUDA], threads=3, streams=2)
    assert session.opened == (of_tokenizer, manifest.model_file("small"), 3)


def test_graph_reads_the_word_embeddings_that_the_manifest_names(small_manifest, monkeypatch):
    monkeypatch.setattr(opening, "word_embeddings", lambda file: {"read": file})
    monkeypatch.setattr(opening, "FallbackSession", lambda open_on, on: open_on(on[0]))
    tokenizer = small_manifest.entry("small").tokenizer
    manifest = changed(
        small_manifest,
        words=tokenizer,
        words_sha256=small_manifest.entry("small").tokenizer_sha256,
    )
    for choice, weights in ((small_manifest, {}), (manifest, {"read": tokenizer})):
        session = open_session(choice, "small", [Provider.CPU], threads=3, streams=2)
        assert session.weights == weights


def test_graph_is_opened_with_its_graft(small_manifest, monkeypatch):
    monkeypatch.setattr(opening, "FallbackSession", lambda open_on, on: open_on(on[0]))
    entry = small_manifest.entry("small")
    manifest = changed(small_manifest, graft=entry.tokenizer, graft_sha256=entry.tokenizer_sha256)
    for choice, graft in ((small_manifest, None), (manifest, entry.tokenizer)):
        session = open_session(choice, "small", [Provider.CPU], threads=3, streams=2)
        assert session.graft == graft


def test_gpu_runs_the_float16_graph_and_the_cpu_the_other(small_manifest, monkeypatch):
    monkeypatch.setattr(opening, "word_embeddings", lambda file: {"read": file})
    monkeypatch.setattr(opening, "FallbackSession", lambda open_on, _: open_on)
    monkeypatch.setattr(opening, "OnnxSession", lambda path, _, weights=None, **__: (path, weights))
    tokenizer = small_manifest.entry("small").tokenizer
    digest = small_manifest.entry("small").tokenizer_sha256
    manifest = changed(
        small_manifest,
        words=tokenizer,
        words_sha256=digest,
        gpu_file=tokenizer,
        gpu_sha256=digest,
    )
    open_on = open_session(manifest, "small", [Provider.CUDA, Provider.CPU], threads=1, streams=1)
    assert open_on(Provider.CUDA) == (tokenizer, None)  # with all of its weights
    assert open_on(Provider.CPU) == (manifest.model_file("small"), {"read": tokenizer})


@pytest.mark.parametrize("part", ["adapter", "graft"])
@pytest.mark.parametrize("kind", ["sha256", "{part}_sha256"])
def test_changed_file_is_refused(small_manifest, part, kind):
    manifest = changed(
        small_manifest,
        **{
            part: small_manifest.entry("small").tokenizer,
            f"{part}_sha256": small_manifest.entry("small").tokenizer_sha256,
        }
        | {kind.format(part=part): "c0ffee"},
    )
    with pytest.raises(ModelFileError, match="the manifest expects c0ffee"):
        open_session(manifest, "small", [Provider.CPU], threads=1, streams=1)


def test_model_without_tokens_is_no_encoder(small_manifest):
    with pytest.raises(ModelFileError, match="small has no max_tokens"):
        open_encoder(changed(small_manifest, max_tokens=None), "small", threads=1)


@pytest.mark.parametrize("word_shapes", [True, False])
def test_encoder_gives_the_inputs_that_the_manifest_says(small_manifest, word_shapes):
    manifest = changed(small_manifest, word_shapes=word_shapes)
    encoder = encoder_on(FakeGraph(None, Provider.CPU, threads=1, streams=1), manifest, "small")
    assert (encoder.tokenize("Bridge").shapes is not None) is word_shapes
    assert len(encoder.tokenize("bridge " * 50)) == 64


def test_romanised_model_reads_other_scripts(small_manifest):
    manifest = changed(small_manifest, romanised=True)
    assert open_encoder(manifest, "small", threads=1).tokenize("Мир").offsets.tolist() == [
        [0, 0],
        [0, 1],
        [1, 2],
        [2, 3],
        [0, 0],
    ]


def test_scorer_of_documents_opens_with_the_encoder_that_it_names(small_manifest):
    manifest = changed(small_manifest, kind="documents", encoder="small")
    assert isinstance(open_document_scorer(manifest, "small", threads=2), DocumentScorer)
    with pytest.raises(ModelFileError, match="small names no encoder"):
        open_document_scorer(changed(manifest, encoder=None), "small", threads=2)


def test_jobs_cannot_ask_a_scorer_of_documents(small_manifest):
    with pytest.raises(ModelFileError, match="small reads sentences of documents"):
        open_reader(changed(small_manifest, kind="documents", encoder="small"), "small")
