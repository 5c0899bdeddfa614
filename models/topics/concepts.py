"""The IPTC Media Topics: names in thirteen languages, parents and children.

`concepts.tsv` holds the active concepts of the table of 2023-10-24, CC BY 4.0 (MODEL_CARD.md),
written by `training.build_topics`.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ModelFileError

SHIPPED = Path(__file__).parent / "concepts.tsv"
"""The concepts in this package."""

CODE, PARENT, WIKIDATA = "code", "parent", "wikidata_id"
LANGUAGES = (
    "en-GB", "en-US", "ar", "da", "de", "es", "fr", "nb", "nn", "pt-BR", "pt-PT", "sv", "zh-Hans",
)  # fmt: skip
"""Languages of the names, BCP 47; not every concept has a name in each."""

COLUMNS = (CODE, PARENT, WIKIDATA, *LANGUAGES)
ENGLISH = "en-GB"


@dataclass(frozen=True, slots=True)
class Concept:
    """One Media Topic.

    code    "medtop:20000082"
    parent  code of the next broader concept; None for the 17 top ones
    depth   1 for a top one, at most 6
    names   language to name
    """

    code: str
    parent: str | None
    depth: int
    names: Mapping[str, str]
    wikidata_id: str | None

    @property
    def name(self) -> str:
        """In British English; no two active concepts share it."""
        return self.names[ENGLISH]


class MediaTopics:
    """The active concepts, each below its parent, in the order of the table.

    Rows of the matrix of concept embeddings stand in this order too.
    """

    def __init__(self, concepts: tuple[Concept, ...]) -> None:
        self.concepts = concepts
        self._row = {concept.code: row for row, concept in enumerate(concepts)}
        self._named = {concept.name: concept for concept in concepts}
        self._children: dict[str, list[Concept]] = {concept.code: [] for concept in concepts}
        self._ancestors: dict[str, tuple[str, ...]] = {}
        for concept in concepts:
            above: tuple[str, ...] = ()
            if concept.parent is not None:
                above = (*self._ancestors[concept.parent], concept.parent)
                self._children[concept.parent].append(concept)
            self._ancestors[concept.code] = above

    def __len__(self) -> int:
        return len(self.concepts)

    def __iter__(self) -> Iterator[Concept]:
        return iter(self.concepts)

    def __contains__(self, code: str) -> bool:
        return code in self._row

    def __getitem__(self, code: str) -> Concept:
        return self.concepts[self._row[code]]

    def row(self, code: str) -> int:
        """Place of a concept in `concepts`."""
        return self._row[code]

    def named(self, name: str) -> Concept:
        """The concept with a British English name. Raises KeyError.

        >>> read().named("climate change").code
        'medtop:20000418'
        """
        return self._named[name]

    def ancestors(self, code: str) -> tuple[str, ...]:
        """Codes of the broader concepts, the top one first.

        >>> topics = read()
        >>> [topics[code].name for code in topics.ancestors("medtop:20000419")]
        ['environment', 'climate change']
        """
        return self._ancestors[code]

    def children(self, code: str) -> tuple[Concept, ...]:
        """The next narrower concepts."""
        return tuple(self._children[code])

    def top(self, code: str) -> str:
        """Code of the top concept above a concept, or its own."""
        return (*self._ancestors[code], code)[0]

    @property
    def tops(self) -> tuple[Concept, ...]:
        """The 17 concepts without a broader one."""
        return tuple(concept for concept in self.concepts if concept.parent is None)


def read(path: Path = SHIPPED) -> MediaTopics:
    """The concepts in a file. Raises ModelFileError."""
    concepts: list[Concept] = []
    depths: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for cells in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                parent = cells[PARENT] or None
                depths[cells[CODE]] = depths[parent] + 1 if parent else 1
                concepts.append(
                    Concept(
                        code=cells[CODE],
                        parent=parent,
                        depth=depths[cells[CODE]],
                        names={name: cells[name] for name in LANGUAGES if cells[name]},
                        wikidata_id=cells[WIKIDATA] or None,
                    )
                )
    except OSError as error:
        raise ModelFileError(f"Media Topics {path} cannot be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{path} is not a table of Media Topics: {error!r}") from error
    return MediaTopics(tuple(concepts))
