"""The models on disk: which there are, and which answers which task in which language."""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import ModelFileError
from schemas.record import first_fault

SHIPPED = Path(__file__).parent / "manifest.toml"
"""The manifest of the models in this package."""

_STRICT = ConfigDict(frozen=True, extra="forbid")

Texts = Literal["articles", "comments"]
"""What the jobs ask the models about."""


class ModelEntry(BaseModel):
    """One model: its files with their digests, and where it comes from.

    kind         a graph that reads tokens, classifiers over n-grams (models.ngrams), a tagger of
                 names (models.name_tagger), a graph that reads the sentences of a document
                 (models.document_scorer), or several models weighed together (models.blend)
    encoder      kind "documents": the model that gives a sentence its vector
    parts        kind "blend": the models that are weighed
    max_tokens   longest text the model reads, special tokens included; None if it has no tokens
    word_shapes  whether the graph takes `word_shapes` (models.word_shapes) beside the token ids
    romanised    whether texts are written in Latin letters before they are tokenised
    respelled    whether disguised words are read as the plain ones (models.spelling)
    commercial   False if a licence of the training data forbids commercial use
    data         what it was trained on, with licences
    adapter      low-rank changes to the weights of `file` (models.adapters)
    words        the weights of the base, whose word embeddings the graph reads (models.adapters)
    gpu_file     the same graph in float16, for CUDA
    graft        a small graph that is put onto `file` (models.grafts)
    """

    model_config = _STRICT

    version: str
    file: Path
    sha256: str
    licence: str
    source: str
    card: Path
    kind: Literal["graph", "names", "ngrams", "documents", "blend"] = "graph"
    encoder: str | None = None
    parts: tuple[str, ...] = ()
    tokenizer: Path | None = None
    tokenizer_sha256: str | None = None
    adapter: Path | None = None
    adapter_sha256: str | None = None
    words: Path | None = None
    words_sha256: str | None = None
    max_tokens: int | None = None
    word_shapes: bool = False
    romanised: bool = False
    respelled: bool = False
    commercial: bool = True
    data: tuple[str, ...] = ()
    gpu_file: Path | None = None
    gpu_sha256: str | None = None
    graft: Path | None = None
    graft_sha256: str | None = None

    @model_validator(mode="after")
    def _files_with_their_digests(self) -> Self:
        for name, file, sha256 in (
            ("tokenizer", self.tokenizer, self.tokenizer_sha256),
            ("adapter", self.adapter, self.adapter_sha256),
            ("words", self.words, self.words_sha256),
            ("gpu_file", self.gpu_file, self.gpu_sha256),
            ("graft", self.graft, self.graft_sha256),
        ):
            if (file is None) != (sha256 is None):
                raise ValueError(f"{name} and its sha256 belong together; only one is there")
        return self

    @model_validator(mode="after")
    def _graft_on_one_graph(self) -> Self:
        if self.graft is not None and (self.adapter is not None or self.gpu_file is not None):
            raise ValueError("a graft fits one graph: adapter and gpu_file would be without it")
        return self

    @property
    def pinned_files(self) -> dict[Path, str]:
        """Every file whose digest the entry knows, with that digest."""
        pinned = (
            (self.file, self.sha256),
            (self.tokenizer, self.tokenizer_sha256),
            (self.adapter, self.adapter_sha256),
            (self.words, self.words_sha256),
            (self.gpu_file, self.gpu_sha256),
            (self.graft, self.graft_sha256),
        )
        return {file: sha256 for file, sha256 in pinned if file is not None and sha256 is not None}

    @model_validator(mode="after")
    def _parts_of_a_blend(self) -> Self:
        if (self.kind == "blend") != bool(self.parts):
            raise ValueError("a blend, and nothing else, has parts")
        return self


class ShortTexts(BaseModel):
    """Texts with at most so many tokens, headlines, and what their logits are divided by."""

    model_config = _STRICT

    tokens: int = Field(gt=0)
    temperature: float = Field(gt=0)


class Route(BaseModel):
    """A task, the model and output that answer it, and the languages (ISO 639) it is good for.

    head         name in `wiredesk evaluate`, "sentiment/news"
    labels       of a classifying output, in the order of its logits; empty for a vector
    fine_labels  finer types of entities with the label that each belongs to, in their order
    multi_label  whether each label is a decision of its own (sigmoid), not one of all (softmax)
    temperature  what logits are divided by (Guo et al., 2017); of entities, the log odds of a
                 mention's mean probability
    short        one label of all: texts that have a temperature of their own
    bias         of entities: what is added to those log odds then (Platt, 2000)
    thresholds   of each label's probability, multi-label outputs only
    odds_share   marked words: the least share of the likeliest word's odds that each of them has
    jobs         whether the jobs answer the task with it; False: it is there to be evaluated, or,
                 `target`, is asked by the head of the entities
    texts        which of the jobs' texts it answers for
    metrics      what was measured when it was released: "data set: metric" to a fraction
    version      of what a graft answers; empty: that of its model
    """

    model_config = _STRICT

    task: str
    head: str
    model: str
    output: str
    labels: tuple[str, ...] = ()
    fine_labels: dict[str, str] = {}
    languages: frozenset[str]
    multi_label: bool = False
    temperature: float = Field(default=1.0, gt=0)
    short: ShortTexts | None = None
    bias: float = 0.0
    thresholds: tuple[float, ...] = ()
    odds_share: float = Field(default=0.0, ge=0, le=1)
    jobs: bool = True
    texts: Texts = "articles"
    metrics: dict[str, float] = {}
    version: str = ""

    @model_validator(mode="after")
    def _threshold_of_each_label(self) -> Self:
        if self.thresholds and len(self.thresholds) != len(self.labels):
            raise ValueError(f"{len(self.thresholds)} thresholds for {len(self.labels)} labels")
        return self

    @model_validator(mode="after")
    def _bias_of_entities(self) -> Self:
        if self.bias and self.task != "entities":
            raise ValueError(f"only entities have a bias; this is a route of {self.task}")
        return self

    @model_validator(mode="after")
    def _short_texts_of_one_label(self) -> Self:
        if self.short and (self.multi_label or self.task == "entities"):
            raise ValueError(
                "only labels of which a text has one have a temperature of short texts"
            )
        return self

    def temperature_of(self, tokens: int) -> float:
        """What the logits of a text with so many tokens are divided by."""
        if self.short is not None and tokens <= self.short.tokens:
            return self.short.temperature
        return self.temperature


class Manifest(BaseModel):
    """What `manifest.toml` says; files are found beside it.

    non_commercial  whether the jobs may use models that were trained on such data
    """

    model_config = _STRICT

    folder: Path
    non_commercial: bool = False
    models: dict[str, ModelEntry]
    routes: tuple[Route, ...]

    @cached_property
    def job_routes(self) -> tuple[Route, ...]:
        """The routes by which the jobs answer for articles."""
        return self.job_routes_about("articles")

    def job_routes_about(self, texts: Texts) -> tuple[Route, ...]:
        """The routes by which the jobs answer for some kind of text."""
        return tuple(
            route
            for route in self.routes
            if route.jobs
            and route.texts == texts
            and (self.non_commercial or self.entry(route.model).commercial)
        )

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """Every task that some model answers for articles."""
        return tasks(self.job_routes)

    def routes_for(self, language: str) -> list[Route]:
        """The first route of each task that covers a language, for articles."""
        return covering(self.job_routes, language)

    def find(self, task: str, model: str) -> Route | None:
        """The first route of a task that this model answers."""
        matching = (r for r in self.routes if r.task == task and r.model == model)
        return next(matching, None)

    def heads(self, head: str) -> list[Route]:
        """The routes of a head, in several languages perhaps."""
        return [route for route in self.routes if route.head == head]

    def parts(self, model: str) -> tuple[str, ...]:
        """The models that read a text for this one: those that a blend weighs, or itself."""
        return self.entry(model).parts or (model,)

    def label(self, model: str) -> str:
        """Name and version, as in `model_versions`.

        >>> read(SHIPPED).label("lid176")
        'lid176-1'
        """
        return f"{model}-{self.entry(model).version}"

    def answered_by(self, route: Route) -> str:
        """The same of what answers a task."""
        return f"{route.model}-{route.version}" if route.version else self.label(route.model)

    def entry(self, model: str) -> ModelEntry:
        """What the manifest says of a model. Raises ModelFileError."""
        try:
            return self.models[model]
        except KeyError:
            raise ModelFileError(
                f"{self.folder}/manifest.toml has no model {model}; it has "
                f"{', '.join(sorted(self.models))}"
            ) from None

    def model_file(self, model: str) -> Path:
        """Path of a model's file, its digest checked. Raises ModelFileError."""
        entry = self.entry(model)
        return self.verified(entry.file, entry.sha256)

    def tokenizer_file(self, model: str) -> Path:
        """Path of a model's tokenizer, its digest checked. Raises ModelFileError."""
        entry = self.entry(model)
        if entry.tokenizer is None or entry.tokenizer_sha256 is None:
            raise ModelFileError(f"model {model} has no tokenizer in {self.folder}/manifest.toml")
        return self.verified(entry.tokenizer, entry.tokenizer_sha256)

    def words_file(self, model: str) -> Path | None:
        """Path of the weights whose word embeddings a graph reads, digest checked; None: it has
        its own. Raises ModelFileError.
        """
        entry = self.entry(model)
        if entry.words is None or entry.words_sha256 is None:
            return None
        return self.verified(entry.words, entry.words_sha256)

    def graft_file(self, model: str) -> Path | None:
        """Path of the graft of a model's graph, digest checked; None: it has none. Raises
        ModelFileError.
        """
        entry = self.entry(model)
        if entry.graft is None or entry.graft_sha256 is None:
            return None
        return self.verified(entry.graft, entry.graft_sha256)

    def verified(self, file: Path, sha256: str) -> Path:
        """Path of a file beside the manifest, its digest checked. Raises ModelFileError."""
        path = self.folder / file
        try:
            with path.open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            raise ModelFileError(f"model file {path} cannot be read: {error.strerror}") from error
        if found != sha256:
            raise ModelFileError(
                f"model file {path} has sha256 {found}, but the manifest expects {sha256}; "
                "restore the file or release a new version in the manifest"
            )
        return path


def tasks(routes: Iterable[Route]) -> tuple[str, ...]:
    """The tasks of some routes, each once."""
    return tuple(dict.fromkeys(route.task for route in routes))


def covering(routes: Iterable[Route], language: str) -> list[Route]:
    """The first route of each task that covers a language."""
    first: dict[str, Route] = {}
    for route in routes:
        if language in route.languages:
            first.setdefault(route.task, route)
    return list(first.values())


def read(path: Path, *, non_commercial: bool = False) -> Manifest:
    """The manifest in a file. Raises ModelFileError."""
    try:
        manifest = Manifest.model_validate(
            tomllib.loads(path.read_text("utf-8"))
            | {"folder": path.parent, "non_commercial": non_commercial}
        )
    except OSError as error:
        raise ModelFileError(f"manifest {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise ModelFileError(f"manifest {path}: {first_fault(error)}") from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise ModelFileError(f"manifest {path}: {error}") from error
    for route in manifest.routes:
        if route.model not in manifest.models:
            raise ModelFileError(
                f"manifest {path}: task {route.task} names model {route.model}, which is not there"
            )
    for model, entry in manifest.models.items():
        if entry.encoder is not None and entry.encoder not in manifest.models:
            raise ModelFileError(
                f"manifest {path}: model {model} names encoder {entry.encoder}, which is not there"
            )
        for part in entry.parts:
            _check_part(path, manifest.models, model, part)
    return manifest


def _check_part(path: Path, models: Mapping[str, ModelEntry], blend: str, name: str) -> None:
    """Raises ModelFileError where a blend cannot have this part."""
    part = models.get(name)
    if part is None or part.kind not in ("graph", "ngrams"):
        raise ModelFileError(
            f"manifest {path}: blend {blend} names part {name}, which is "
            + ("not there" if part is None else f"of kind {part.kind}")
        )
    if models[blend].commercial and not part.commercial:
        raise ModelFileError(
            f"manifest {path}: blend {blend} is marked for commercial use, its part {name} is not"
        )
