"""One TOML file per head in `training/heads`, one per shared encoder in `training/encoders`."""

import tomllib
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import SettingError
from training.fit import Schedule

FOLDER = Path(__file__).parent

Config = TypeVar("Config", bound=BaseModel)
_STRICT = ConfigDict(frozen=True, extra="forbid")


class Source(BaseModel):
    """A data set of `evaluation.sets`, and which of its rows are used.

    languages  as the set spells them; empty for all
    limit      rows of each split, drawn once
    outside    tagged rows with fewer words outside names are left out
    repeat     how often the training rows are seen in an epoch
    """

    model_config = _STRICT

    name: str
    licence: str
    commercial: bool
    languages: tuple[str, ...] = ()
    limit: int | None = None
    outside: int = 0
    repeat: int = 1


class HeadConfig(BaseModel):
    """What a head learns from, and how it is trained alone.

    head        name in `wiredesk evaluate`
    task        what the jobs ask it for
    languages   ISO 639 codes it is routed for
    jobs        whether the jobs use it; else it is there to be evaluated
    kind        class of `training.tasks`
    labels      in the order of the logits; empty: those of the training rows, sorted
    coarse      kind "spans": type in the data to the type that is learned
    fine        the same, for types that are learned beside their coarse type
    together    kind "spans": sentences of a document, or any, are read as one text
    rank        of the low-rank changes to the published encoder; absent: all its weights change
    validate_on the sets of `train` whose validation rows decide; empty for all
    """

    model_config = _STRICT

    head: str
    task: Literal["entities", "sentiment", "summary", "target", "topics"]
    languages: tuple[str, ...] = ("en",)
    jobs: bool = False
    kind: Literal["classes", "labels", "topics", "spans", "target", "sentences"]
    train: tuple[Source, ...]
    labels: tuple[str, ...] = ()
    coarse: dict[str, str] = {}
    fine: dict[str, str] = {}
    together: Literal["documents", "anything"] | None = None
    romanised: bool = False
    validate_on: tuple[str, ...] = ()
    metric: Literal["accuracy", "macro_f1", "micro_f1", "entity_f1", "oracle_recall"]
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
    seed: int = 42

    @property
    def commercial(self) -> bool:
        """Whether every licence of the data allows commercial use."""
        return all(source.commercial for source in self.train)

    def schedule(self) -> Schedule:
        """For training the head alone."""
        return Schedule(
            epochs=self.epochs,
            batch_tokens=self.batch_tokens,
            learning_rate=self.learning_rate,
            head_learning_rate=self.head_learning_rate,
            weight_decay=self.weight_decay,
            warmup=self.warmup,
            balance=1.0,
            patience=self.patience,
            keep_embedding=0.0,
            seed=self.seed,
        )


class EncoderConfig(BaseModel):
    """An encoder that several heads share.

    heads       names of files in `training/heads`
    importance  whether it also has the linear head of `training.importance`
    """

    model_config = _STRICT

    name: str
    heads: tuple[str, ...]
    romanised: bool = False
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

    def schedule(self) -> Schedule:
        """For training the heads together."""
        return Schedule(**self.model_dump(exclude={"name", "heads", "romanised", "importance"}))


def head_config(head: str) -> HeadConfig:
    """The file of a head, "topics/agnews" in heads/topics-agnews.toml. Raises SettingError."""
    return _read(FOLDER / "heads" / f"{head.replace('/', '-')}.toml", HeadConfig)


def encoder_config(name: str) -> EncoderConfig:
    """The file of a shared encoder. Raises SettingError."""
    return _read(FOLDER / "encoders" / f"{name}.toml", EncoderConfig)


def known_names() -> tuple[list[str], list[str]]:
    """Heads and shared encoders that can be trained."""
    heads = [_read(file, HeadConfig).head for file in sorted((FOLDER / "heads").glob("*.toml"))]
    return heads, sorted(file.stem for file in (FOLDER / "encoders").glob("*.toml"))


def _read(file: Path, kind: type[Config]) -> Config:
    try:
        return kind.model_validate(tomllib.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        raise SettingError(f"there is no {file.parent.name}/{file.name} in training/") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise SettingError(f"{file.name}: {place}: {first['msg']}") from error
    except ValueError as error:
        raise SettingError(f"{file.name} is not TOML: {error}") from error
