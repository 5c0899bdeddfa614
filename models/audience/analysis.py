"""What the models say of a comment. Nothing here needs a model: keyed operators read it, too."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.enriched_article import Language, Sentiment


@dataclass(frozen=True)
class Emotion:
    """An emotion that a comment shows, `score` its calibrated probability."""

    label: str
    score: float


@dataclass(frozen=True)
class Toxicity:
    """Calibrated probabilities, 0..1; None for what no model was taught."""

    overall: float
    severe: float | None = None
    insult: float | None = None
    identity_attack: float | None = None
    threat: float | None = None
    obscene: float | None = None


@dataclass(frozen=True)
class CommentAnalysis:
    """What the models say of a comment; None where no model answers in its language.

    emotions        of GoEmotions, those above their thresholds, the likeliest first; may be empty
    basic_emotions  probability of each of BASIC_EMOTIONS
    toxic_spans     (first, last+1 character) of the text as it was given, in order, apart
    model_versions  task to name and version of the model that answered
    """

    language: Language
    sentiment: Sentiment | None = None
    emotions: tuple[Emotion, ...] | None = None
    basic_emotions: Mapping[str, float] | None = None
    toxicity: Toxicity | None = None
    toxic_spans: tuple[tuple[int, int], ...] | None = None
    model_versions: Mapping[str, str] = field(default_factory=dict)
