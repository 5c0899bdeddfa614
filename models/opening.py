"""Sessions and encoders of the models in a manifest."""

from collections.abc import Sequence
from typing import Protocol

from models.adapters import AdapterSession, word_embeddings
from models.blend import Blend
from models.document_scorer import DocumentScorer
from models.encoder import Encoder, Outputs, Tokens
from models.manifest import Manifest
from models.name_tagger import NameTagger
from models.ngrams import NgramModel
from models.session import FallbackSession, OnnxSession, Provider, Session, providers
from schemas.errors import ModelFileError


class Reader(Protocol):
    """A model that reads texts one by one, without a graph.

    max_characters  of a text that it looks at
    """

    max_characters: int

    def read(self, text: str) -> tuple[Tokens, Outputs]:
        """Tokens of a text, if it makes any, and outputs."""
        ...


def open_reader(manifest: Manifest, model: str) -> Reader | None:
    """A model without a graph; None if it has one. Raises ModelFileError."""
    kind = manifest.entry(model).kind
    if kind == "graph":
        return None
    if kind == "documents":
        raise ModelFileError(f"model {model} reads sentences of documents, not texts of the jobs")
    if kind == "blend":
        raise ModelFileError(f"model {model} weighs what other models read")
    return (NgramModel if kind == "ngrams" else NameTagger)(manifest.model_file(model))


def open_blend(manifest: Manifest, model: str) -> Blend | None:
    """How a model weighs its parts; None if it is no blend. Raises ModelFileError."""
    entry = manifest.entry(model)
    return Blend(manifest.model_file(model), entry.parts) if entry.kind == "blend" else None


def open_session(
    manifest: Manifest, model: str, on: Sequence[Provider], *, threads: int, streams: int
) -> FallbackSession | AdapterSession:
    """A model's graph on the first provider that works; adapters run on the CPU.

    Raises ModelFileError.
    """
    entry, path = manifest.entry(model), manifest.model_file(model)
    if entry.adapter is not None and entry.adapter_sha256 is not None:
        adapter = manifest.verified(entry.adapter, entry.adapter_sha256)
        return AdapterSession(adapter, path, threads=threads)
    half = None
    if entry.gpu_file is not None and entry.gpu_sha256 is not None and Provider.CUDA in on:
        half = manifest.verified(entry.gpu_file, entry.gpu_sha256)
    words = manifest.words_file(model)
    weights = word_embeddings(words) if words else {}
    graft = manifest.graft_file(model)

    def open_on(provider: Provider) -> OnnxSession:
        if half is not None and provider is Provider.CUDA:  # it has all of its weights
            return OnnxSession(half, provider, threads=threads, streams=streams)
        return OnnxSession(
            path, provider, threads=threads, streams=streams, weights=weights, graft=graft
        )

    return FallbackSession(open_on, on)


def encoder_on(session: Session, manifest: Manifest, model: str) -> Encoder:
    """A model's tokenizer before its graph. Raises ModelFileError."""
    entry = manifest.entry(model)
    if entry.max_tokens is None:
        raise ModelFileError(f"model {model} has no max_tokens in {manifest.folder}/manifest.toml")
    return Encoder(
        session,
        manifest.tokenizer_file(model),
        max_tokens=entry.max_tokens,
        with_shapes=entry.word_shapes,
        romanised=entry.romanised,
        respelled=entry.respelled,
    )


def open_document_scorer(manifest: Manifest, model: str, *, threads: int) -> DocumentScorer:
    """A scorer of documents and the encoder of its sentences. Raises ModelFileError."""
    encoder = manifest.entry(model).encoder
    if encoder is None:
        raise ModelFileError(f"model {model} names no encoder in {manifest.folder}/manifest.toml")
    graph = OnnxSession(manifest.model_file(model), Provider.CPU, threads=1, streams=1)
    return DocumentScorer(open_encoder(manifest, encoder, threads=threads), graph)


def open_encoder(manifest: Manifest, model: str, *, threads: int) -> Encoder:
    """A model on the best provider here. Raises ModelFileError."""
    session = open_session(manifest, model, providers("auto"), threads=threads, streams=1)
    return encoder_on(session, manifest, model)
