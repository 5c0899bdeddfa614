"""TOML files: of heads in `training/heads`, of shared encoders in `training/encoders`, of linear
classifiers over n-grams in `training/ngrams`, of heads weighed with such in `training/blends`, of
taggers of names in `training/taggers`, of scorers of documents in `training/scorers`.
"""

import dataclasses
import tomllib
from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.manifest import Texts
from schemas.errors import SettingError
from schemas.record import first_fault
from training.schedule import Schedule

FOLDER = Path(__file__).parent

Config = TypeVar("Config", bound=BaseModel)
Task = Literal[
    "emotion",
    "entities",
    "irony",
    "sentiment",
    "summary",
    "target",
    "topics",
    "toxic_spans",
    "toxicity",
    "toxicity_kinds",
]
"""What the jobs ask a head for."""

_STRICT = ConfigDict(frozen=True, extra="forbid")
_SCHEDULE = {field.name for field in dataclasses.fields(Schedule)}


class Source(BaseModel):
    """A data set of `evaluation.sets`, and which of its rows are used.

    languages  as the set spells them; empty for all
    limit      rows of each split, drawn once
    validation rows of the validation split, where that is another limit
    outside    tagged rows with fewer words outside names are left out
    repeat     how often the training rows are seen in an epoch
    """

    model_config = _STRICT

    name: str
    licence: str
    commercial: bool
    languages: tuple[str, ...] = ()
    limit: int | None = None
    validation: int | None = None
    outside: int = 0
    repeat: int = 1

    @property
    def told(self) -> str:
        """In the manifest: its name and its licence."""
        return f"{self.name} ({self.licence})"


class _OfRows(BaseModel):
    """What answers for a head and learns from rows of data sets.

    head   name in `wiredesk evaluate`
    train  the data sets
    """

    model_config = _STRICT

    head: str
    train: tuple[Source, ...]
    seed: int = 42

    @property
    def name(self) -> str:
        """In `wiredesk train`."""
        return self.head

    @property
    def model(self) -> str:
        """In the manifest."""
        return self.head.replace("/", "-")

    @property
    def commercial(self) -> bool:
        """Whether every licence of the data allows commercial use."""
        return all(source.commercial for source in self.train)


class HeadConfig(_OfRows):
    """What a head learns from, and how it is trained alone.

    task        what the jobs ask it for
    texts       which of the jobs' texts it is routed for
    languages   ISO 639 codes it is routed for
    jobs        whether the jobs use it; else it is there to be evaluated
    kind        class of `training.tasks`
    labels      in the order of the logits; empty: those of the training rows, sorted
    renamed     label in the data to the one that is learned
    coarse      kind "spans": type in the data to the type that is learned
    fine        the same, for types that are learned beside their coarse type
    together    kind "spans": sentences of a document, or any, are read as one text
    respelled   disguised words are read as the plain ones
    rank        of the low-rank changes to the published encoder; absent: all its weights change
    validate_on the sets of `train` whose validation rows decide; empty for all
    calibrate_on kinds "classes" and "target": the sets whose validation rows the temperature is
                fitted on, where they are not those that decide
    short_tokens the same kinds: texts with at most so many tokens, headlines, have a temperature of
                their own
    """

    task: Task
    texts: Texts = "articles"
    languages: tuple[str, ...] = ("en",)
    jobs: bool = False
    kind: Literal["classes", "labels", "shares", "topics", "spans", "marks", "target", "sentences"]
    labels: tuple[str, ...] = ()
    renamed: dict[str, str] = {}
    coarse: dict[str, str] = {}
    fine: dict[str, str] = {}
    together: Literal["documents", "anything"] | None = None
    romanised: bool = False
    respelled: bool = False
    validate_on: tuple[str, ...] = ()
    calibrate_on: tuple[str, ...] = ()
    short_tokens: int | None = None
    metric: Literal[
        "accuracy",
        "auroc",
        "average_precision",
        "char_f1",
        "entity_f1",
        "macro_f1",
        "micro_f1",
        "oracle_recall",
    ]
    max_tokens: int = Field(ge=16, le=512)
    rank: int | None = None
    smoothing: float = 0.0
    epochs: int
    batch_tokens: int = 2048
    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.1
    patience: int = 2

    def schedule(self) -> Schedule:
        """For training the head alone."""
        return Schedule(**self.model_dump(include=_SCHEDULE), balance=1.0, keep_embedding=0.0)


class NgramConfig(_OfRows):
    """Linear classifiers over n-grams, one for each language (models.ngrams).

    task, texts, labels, renamed  as of HeadConfig
    metric           what is told of a classifier, on rows that it did not learn from
    jobs_from        figure from which the jobs use a language's classifier
    elsewhere        languages that the jobs have a better model for
    language         of rows that do not say theirs
    several          whether a text may have several labels, or none
    characters, words, titles  of models.ngrams.Grams
    most             n-grams that a classifier keeps
    loss             that is minimised
    inverse_penalty  C: how much it weighs against the length of the weights
    balanced         whether rare labels weigh as much as frequent ones
    """

    task: Task
    texts: Texts
    metric: Literal["accuracy", "macro_f1", "micro_f1"]
    jobs_from: float
    elsewhere: tuple[str, ...] = ()
    language: str | None = None
    several: bool = False
    labels: tuple[str, ...] = ()
    renamed: dict[str, str] = {}
    characters: int = Field(ge=0)
    words: int = Field(ge=0)
    titles: bool = False
    most: int
    loss: Literal["logistic", "squared_hinge"]
    inverse_penalty: float
    balanced: bool


class BlendConfig(BaseModel):
    """A released head and a classifier over n-grams, weighed together (models.blend).

    head    that the blend answers for
    beside  model that answers for it so far
    ngrams  the classifier, in one language; it leaves the validation rows to the weights
    """

    model_config = _STRICT

    head: str
    beside: str
    ngrams: NgramConfig

    @model_validator(mode="after")
    def _one_label_in_one_language(self) -> Self:
        if self.ngrams.several or self.ngrams.language is None:
            raise ValueError("ngrams: a blend tells one label of all, in one language")
        return self

    @property
    def name(self) -> str:
        """In `wiredesk train`."""
        return f"{self.head}-blend"

    @property
    def model(self) -> str:
        """In the manifest."""
        return self.name.replace("/", "-")


class TaggerConfig(_OfRows):
    """Conditional random fields over hashed features, one for each data set (models.name_tagger).

    labels, jobs  as of HeadConfig
    lexicon      tagged rows whose words tell what a name is
    least_words  training words that a feature must tell of to be used
    features     the most that are kept
    dropout      share of the features that a training word lacks
    """

    jobs: bool
    labels: tuple[str, ...]
    lexicon: tuple[Source, ...] = ()
    least_words: int
    features: int
    epochs: int = Field(ge=2)
    learning_rate: float
    dropout: float = Field(ge=0, lt=1)
    batch_sentences: int

    @property
    def commercial(self) -> bool:
        """Whether every licence of the data allows commercial use."""
        return all(source.commercial for source in (*self.train, *self.lexicon))


class ScorerConfig(_OfRows):
    """A scorer of the sentences of a document, by their vectors (models.document_scorer).

    encoder      model of the manifest that gives a sentence its vector
    width        of the network's vectors; pair_width: of those that pairs are scored by
    averaged     share that the mean of the weights keeps of itself at each step
    sharpness    difference in reward that makes a choice e times as likely
    """

    encoder: str
    width: int
    layers: int
    pair_width: int
    dropout: float = Field(ge=0, lt=1)
    epochs: int
    batch_documents: int
    learning_rate: float
    weight_decay: float
    averaged: float = Field(ge=0, lt=1)
    sharpness: float = Field(gt=0)


class EncoderConfig(BaseModel):
    """An encoder that several heads share.

    heads       names of files in `training/heads`
    together    a text that several heads learn from is read once for all of them
    weights     head to the weight of its loss, where that is not 1; with `together`
    refit       heads whose last layers learn once more when the encoder is released
    averaged    share that the mean of the weights keeps of itself at each step; 0: no mean is kept
    importance  whether it also has the linear head of `training.importance`
    """

    model_config = _STRICT

    name: str
    heads: tuple[str, ...]
    together: bool = False
    weights: dict[str, float] = {}
    refit: tuple[str, ...] = ()
    averaged: float = Field(default=0.0, ge=0, lt=1)
    romanised: bool = False
    respelled: bool = False
    epochs: int
    batch_tokens: int
    learning_rate: float
    head_learning_rate: float
    weight_decay: float = 0.01
    warmup: float = 0.1
    balance: float = Field(ge=0, le=1)
    patience: int
    keep_embedding: float
    importance: bool = False
    seed: int = 42

    @model_validator(mode="after")
    def _only_its_heads(self) -> Self:
        if unknown := {*self.weights, *self.refit} - {*self.heads}:
            raise ValueError(f"{', '.join(sorted(unknown))}: not among the heads")
        if self.weights and not self.together:
            raise ValueError("weights are of heads that learn together")
        return self

    def schedule(self) -> Schedule:
        """For training the heads together."""
        return Schedule(**self.model_dump(include=_SCHEDULE))


Trainable = HeadConfig | EncoderConfig | NgramConfig | TaggerConfig | ScorerConfig | BlendConfig

_KINDS: dict[str, type[Trainable]] = {
    "heads": HeadConfig,
    "encoders": EncoderConfig,
    "ngrams": NgramConfig,
    "taggers": TaggerConfig,
    "scorers": ScorerConfig,
    "blends": BlendConfig,
}
"""What a folder's files are."""


def known() -> dict[str, Trainable]:
    """Everything that can be trained, by its name in `wiredesk train`. Raises SettingError."""
    configs = [
        _read(file, kind)
        for folder, kind in _KINDS.items()
        for file in sorted((FOLDER / folder).glob("*.toml"))
    ]
    return {config.name: config for config in configs}


def find(name: str) -> Trainable:
    """What `wiredesk train` calls so. Raises SettingError."""
    configs = known()
    if name not in configs:
        raise SettingError(f"nothing to train is called {name}; `wiredesk train list` lists all")
    return configs[name]


def head_config(head: str) -> HeadConfig:
    """The file of a head, "topics/agnews" in heads/topics-agnews.toml. Raises SettingError."""
    return _read(FOLDER / "heads" / f"{head.replace('/', '-')}.toml", HeadConfig)


def encoder_config(name: str) -> EncoderConfig:
    """The file of a shared encoder. Raises SettingError."""
    return _read(FOLDER / "encoders" / f"{name}.toml", EncoderConfig)


def for_epochs(config: Trainable, epochs: int) -> HeadConfig | EncoderConfig:
    """The same with another number of epochs. Raises SettingError for what has none."""
    if not isinstance(config, HeadConfig | EncoderConfig):
        raise SettingError(f"{config.name} has no epochs: --epochs is for heads and encoders")
    return config.model_copy(update={"epochs": epochs})


def _read(file: Path, kind: type[Config]) -> Config:
    try:
        return kind.model_validate(tomllib.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        raise SettingError(f"there is no {file.parent.name}/{file.name} in training/") from None
    except ValidationError as error:
        raise SettingError(f"{file.name}: {first_fault(error)}") from error
    except ValueError as error:
        raise SettingError(f"{file.name} is not TOML: {error}") from error
