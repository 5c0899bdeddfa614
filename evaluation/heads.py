"""The heads that can be measured: their rows, their own data sets, how labels may be spelled."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from evaluation.rows import Row, ScoreRow, SpanRow, SummaryRow, TagRow, TargetRow, TextRow
from models.language_codes import short
from schemas.errors import SetupError


class Task(StrEnum):
    """What a head does with a text, and so which rows and metrics it has."""

    CLASSES = "classes"
    ENTITIES = "entities"
    TARGETS = "targets"
    SUMMARIES = "summaries"
    SCORES = "scores"
    SPANS = "spans"

    @property
    def rows(self) -> type[Row]:
        """The rows it is measured on."""
        return _ROWS[self]


_ROWS: dict[Task, type[Row]] = {
    Task.CLASSES: TextRow,
    Task.ENTITIES: TagRow,
    Task.TARGETS: TargetRow,
    Task.SUMMARIES: SummaryRow,
    Task.SCORES: ScoreRow,
    Task.SPANS: SpanRow,
}


@dataclass(frozen=True)
class Head:
    """A head, what it is measured on, and the data sets whose training rows its baseline learns.

    spellings  labels that mean the same; a row may have any of them
    """

    name: str
    task: Task
    about: str
    sets: tuple[str, ...] = ()
    spellings: tuple[frozenset[str], ...] = ()

    @property
    def is_language(self) -> bool:
        """Whether its labels are language codes, of which rows may hold any."""
        return self.name.partition("/")[0] == "language"

    def spelled(self, label: str, known: Collection[str]) -> str:
        """A row's label as the model spells it. Raises ValueError for one it does not have."""
        if self.is_language:
            return short(label)
        if label in known:
            return label
        same = {label, *(name for group in self.spellings if label in group for name in group)}
        folded = {name.casefold() for name in same}
        for name in known:
            if name.casefold() in folded:
                return name
        raise ValueError(
            f"label {label!r} is none of {', '.join(sorted(known)[:_LABELS_SHOWN])}"
            f"{', …' if len(known) > _LABELS_SHOWN else ''}"
        )


_LABELS_SHOWN = 12


def _same(*groups: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(group.split()) for group in groups)


_CODED = _same("negative 0", "neutral 1", "positive 2")
_TOXIC = _same("toxic hateful hate offensive 1", "clean non-hateful not-hate not-offensive 0")
_KNOWN = (
    Head("topics/iptc", Task.CLASSES, "IPTC Media Topics of articles"),
    Head(
        "topics/agnews",
        Task.CLASSES,
        "AG News, 4 sections",
        ("agnews",),
        _same("World 1", "Sports 2", "Business 3", "Sci/Tech SciTech 4"),
    ),
    Head("topics/reuters", Task.CLASSES, "Reuters-21578 R90, several a text", ("reuters",)),
    Head("topics/sib200", Task.CLASSES, "SIB-200, 7 topics, many languages", ("sib200",)),
    Head("entities/news", Task.ENTITIES, "the entities of enriched articles"),
    Head("entities/conll2003", Task.ENTITIES, "CoNLL-2003 English", ("conll2003",)),
    Head(
        "entities/conll2002",
        Task.ENTITIES,
        "CoNLL-2002 Spanish and Dutch",
        ("conll2002-es", "conll2002-nl"),
    ),
    Head("sentiment/news", Task.CLASSES, "the sentiment of enriched articles", (), _CODED),
    Head(
        "sentiment/target",
        Task.TARGETS,
        "sentiment towards an entity",
        ("newsmtsc-rw",),
        _same("negative 2 -1", "neutral 4 0", "positive 6 1"),
    ),
    Head("sentiment/umsab", Task.CLASSES, "UMSAB tweets, 8 languages", ("umsab",), _CODED),
    Head(
        "sentiment/sst2",
        Task.CLASSES,
        "SST-2 film reviews",
        ("sst2",),
        _same("0 negative", "1 positive"),
    ),
    Head("language", Task.CLASSES, "language_accuracy = high"),
    Head("language/fast", Task.CLASSES, "language_accuracy = fast, as the jobs have it"),
    Head(
        "entities/multi",
        Task.ENTITIES,
        "the entities of articles in other languages",
        ("wikiann-de", "wikiann-fr", "wikiann-nl"),
    ),
    Head("summary", Task.SUMMARIES, "sentences that sum an article up, by CNN/DailyMail"),
    Head("summary/news", Task.SUMMARIES, "the summaries of enriched articles"),
    Head("importance", Task.SCORES, "how much room the news gives an article"),
    Head("emotion/goemotions", Task.CLASSES, "28 emotions of a comment", ("goemotions",)),
    Head(
        "sentiment/comments",
        Task.CLASSES,
        "the sentiment of comments",
        ("goemotions-sentiment", "umsab-english"),
        _CODED,
    ),
    Head("toxicity/comments", Task.CLASSES, "toxic comments", ("jigsaw",), _TOXIC),
    Head("toxicity/kinds", Task.CLASSES, "in what way comments are toxic", ("civil-kinds",)),
    Head("toxicity/spans", Task.SPANS, "words that make a comment toxic", ("toxic-spans",)),
    Head("toxicity/german", Task.CLASSES, "GermEval 2021", ("germeval-toxic",), _TOXIC),
    Head("toxicity/offensive", Task.CLASSES, "TweetEval", ("tweeteval-offensive",), _TOXIC),
    Head("toxicity/hate", Task.CLASSES, "TweetEval", ("tweeteval-hate",), _TOXIC),
    Head("emotion/tweeteval", Task.CLASSES, "TweetEval, 4 emotions", ("tweeteval-emotion",)),
    Head(
        "irony/tweeteval",
        Task.CLASSES,
        "TweetEval",
        ("tweeteval-irony",),
        _same("irony 1", "non_irony not-irony 0"),
    ),
)

HEADS = {head.name: head for head in _KNOWN}
"""Every head that is known by name."""

_FAMILIES = {
    "topics": Task.CLASSES,
    "sentiment": Task.CLASSES,
    "emotion": Task.CLASSES,
    "toxicity": Task.CLASSES,
    "irony": Task.CLASSES,
    "entities": Task.ENTITIES,
}


def find(name: str) -> Head:
    """A head by its name; one of a known family need not be listed. Raises SetupError."""
    family, _, member = name.partition("/")
    if name in HEADS:
        return HEADS[name]
    if family in _FAMILIES and member:
        return Head(name, _FAMILIES[family], "a head of your own manifest")
    families = ", ".join(f"{name}/…" for name in _FAMILIES)
    raise SetupError(f"there is no head {name!r}; known: {', '.join(HEADS)}, and {families}")
