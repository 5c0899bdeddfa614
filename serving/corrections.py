"""What editors say of an article in place of the models.

| Field | Value |
|---|---|
| topics | list of IPTC Media Topics codes, or of TopicScore |
| tags | list of texts |
| sentiment | negative, neutral or positive, or a Sentiment |
| importance | 0..1 |
"""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from schemas.enriched_article import EnrichedArticle, Sentiment, SentimentLabel, TopicScore

SENTIMENTS: tuple[str, ...] = get_args(SentimentLabel)
_TEXTS = TypeAdapter(list[str])


class BadCorrection(ValueError):
    """A correction is none; the message says what was expected."""


def applied(
    article: EnrichedArticle, corrections: Mapping[str, Any]
) -> tuple[EnrichedArticle, frozenset[str]]:
    """An article as its editors say, and the fields that they changed; what cannot be is left."""
    said: dict[str, Any] = {}
    for name, value in corrections.items():
        try:
            said[name] = read(name, value, article)
        except BadCorrection:
            continue
    return article.model_copy(update=said), frozenset(said)


def read(name: str, value: Any, article: EnrichedArticle | None = None) -> Any:
    """A correction as the field's own type. Raises BadCorrection.

    >>> read("sentiment", "positive")
    Sentiment(label='positive', negative=0.0, neutral=0.0, positive=1.0)
    """
    if name not in _READERS:
        raise BadCorrection(f"{name} cannot be corrected; expected {', '.join(sorted(_READERS))}")
    try:
        return _READERS[name](value, article)
    except (ValidationError, TypeError) as error:
        raise BadCorrection(f"{value!r:.200} is no value for {name}") from error


def _topics(value: Any, article: EnrichedArticle | None) -> list[TopicScore]:
    known = {topic.code: topic for topic in (article.topics if article else None) or ()}
    return [
        known.get(entry, TopicScore(code=entry, name=entry, score=1.0))
        if isinstance(entry, str)
        else TopicScore.model_validate(entry)
        for entry in TypeAdapter(list[Any]).validate_python(value)
    ]


def _tags(value: Any, _: EnrichedArticle | None) -> list[str]:
    return _TEXTS.validate_python(value)


def _sentiment(value: Any, _: EnrichedArticle | None) -> Sentiment:
    if value in SENTIMENTS:
        return Sentiment.model_validate(
            {"label": value} | {label: float(label == value) for label in SENTIMENTS}
        )
    return Sentiment.model_validate(value)


def _importance(value: Any, _: EnrichedArticle | None) -> float:
    share = TypeAdapter(float).validate_python(value, strict=True)
    if not 0 <= share <= 1:
        raise BadCorrection(f"importance {share} is not from 0 to 1")
    return share


_READERS: Mapping[str, Callable[[Any, EnrichedArticle | None], Any]] = {
    "topics": _topics,
    "tags": _tags,
    "sentiment": _sentiment,
    "importance": _importance,
}
