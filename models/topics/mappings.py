"""What a label of a labelled data set says about Media Topics: `mappings.toml`, resolved."""

import tomllib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from models.topics.concepts import MediaTopics
from schemas.errors import ModelFileError

SHIPPED = Path(__file__).parent / "mappings.toml"
"""The reviewed mappings in this package."""

EVERYTHING = "*"
UNKNOWN = -100
"""Neither positive nor negative; what PyTorch's losses ignore by default."""


class Meaning(BaseModel):
    """What one label says of a row; concepts by their British English names.

    certain   concepts that it has, and their ancestors
    possible  concepts that it may have; "*" for all
    absent    concepts that it has not, although one above them is possible
    implies   what the label says when a model gives it to an article, if not `certain`
    least     how probable the label must be by that model
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    certain: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    implies: tuple[str, ...] | None = None
    least: float = 0.7


class LabelledSet(BaseModel):
    """The labels of a data set; `stories` are labels as well, and surer.

    commercial  whether its licence allows training what the jobs use
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commercial: bool
    labels: dict[str, Meaning]
    stories: dict[str, Meaning] = Field(default_factory=dict)

    def meaning(self, label: str) -> Meaning:
        """Raises KeyError."""
        return self.stories.get(label) or self.labels[label]


class Mappings:
    """Every data set's labels as concepts.

    supervised  codes of the concepts of the supervised head, in the order of its logits
    """

    def __init__(
        self, topics: MediaTopics, supervised: tuple[str, ...], sets: dict[str, LabelledSet]
    ) -> None:
        self.topics = topics
        self.sets = sets
        self.supervised = tuple(topics.named(name).code for name in supervised)

    def meaning(self, data_set: str, label: str) -> Meaning:
        """What a label says. Raises KeyError with the label if nobody has reviewed it."""
        return self.sets[data_set].meaning(label)

    def truth(self, data_set: str, label: str) -> npt.NDArray[np.int64]:
        """1, 0 or UNKNOWN for each of all concepts, int64 (concepts,)."""
        meaning = self.meaning(data_set, label)
        answer = np.full(len(self.topics), UNKNOWN if EVERYTHING in meaning.possible else 0)
        for name in set(meaning.possible) - {EVERYTHING}:
            code = self.topics.named(name).code
            answer[self._rows_above(code)] = UNKNOWN
            answer[self._rows_below(code)] = UNKNOWN
        for name in meaning.absent:
            answer[self._rows_below(self.topics.named(name).code)] = 0
        for name in meaning.certain:
            answer[self._rows_below(self.topics.named(name).code)] = UNKNOWN
        for name in meaning.certain:
            code = self.topics.named(name).code
            answer[[self.topics.row(code), *self._rows_above(code)]] = 1
        return answer

    def targets(self, data_set: str, label: str) -> npt.NDArray[np.int64]:
        """1, 0 or UNKNOWN for each of the supervised concepts, int64 (supervised,)."""
        return self.truth(data_set, label)[[self.topics.row(code) for code in self.supervised]]

    def implied(self, data_set: str, label: str) -> tuple[str, ...]:
        """Codes that an article has to which a model gave a label; without their ancestors."""
        meaning = self.meaning(data_set, label)
        names = meaning.certain if meaning.implies is None else meaning.implies
        return tuple(self.topics.named(name).code for name in names)

    def _rows_above(self, code: str) -> list[int]:
        return [self.topics.row(above) for above in self.topics.ancestors(code)]

    def _rows_below(self, code: str) -> list[int]:
        """Of the concept itself and of its descendants: they follow it in the table."""
        first = self.topics.row(code)
        depth = self.topics.concepts[first].depth
        last = first + 1
        while last < len(self.topics) and self.topics.concepts[last].depth > depth:
            last += 1
        return list(range(first, last))


def read(topics: MediaTopics, path: Path = SHIPPED) -> Mappings:
    """The mappings in a file, every name checked. Raises ModelFileError."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
        supervised = tuple(document.pop("supervised"))
        sets = {name: LabelledSet.model_validate(content) for name, content in document.items()}
        mappings = Mappings(topics, supervised, sets)
        for name, labelled in sets.items():
            for label in (*labelled.labels, *labelled.stories):
                mappings.truth(name, label)
                mappings.implied(name, label)
    except OSError as error:
        raise ModelFileError(f"mappings {path} cannot be read: {error.strerror}") from error
    except KeyError as error:
        raise ModelFileError(f"{path} names {error}, which is no active Media Topic") from error
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"{path}: {error}") from error
    if clashes := _clashes(mappings):
        raise ModelFileError(f"{path}: a concept stands in two lists of {'; '.join(clashes)}")
    return mappings


def _clashes(mappings: Mappings) -> list[str]:
    """Labels that name a concept twice."""
    return [
        f"{name}, {label}"
        for name, labelled in mappings.sets.items()
        for label, meaning in (labelled.labels | labelled.stories).items()
        for names in [(*meaning.certain, *meaning.possible, *meaning.absent)]
        if len(set(names)) < len(names)
    ]
