"""Why an item stands where it stands, in words and numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from models.ranking.article import FeedArticle
from models.ranking.features import Popularity
from models.ranking.reader import OpenAlert, Pick, Reader

Kind = Literal[
    "interest",
    "article",
    "entity",
    "follow",
    "source",
    "story",
    "covisit",
    "popular",
    "fresh",
    "important",
    "override",
    "pick",
    "floor",
    "explore",
]

SHOWN = 3
"""Reasons told in words."""

SMALLEST = 0.01
"""Reasons that add less to a score are not told."""

_KINDS: dict[str, Kind] = {
    "long": "interest",
    "session": "article",
    "recent": "article",
    "topics": "interest",
    "sources": "source",
    "entities": "entity",
    "followed": "follow",
    "story": "story",
    "covisits": "covisit",
    "hour": "popular",
    "day": "popular",
    "rising": "popular",
    "age": "fresh",
    "importance": "important",
}
"""What a feature tells a reader; `certainty` tells nothing."""


@dataclass(frozen=True)
class Reason:
    """One reason.

    names  topics, entities or headlines behind it, the strongest first
    value  what it adds to the score; for override, pick, floor and explore 0: they are rules
    """

    kind: Kind
    names: tuple[str, ...]
    value: float


@dataclass(frozen=True)
class Explanation:
    """Reasons, the strongest first, and the same in words."""

    reasons: tuple[Reason, ...]
    words: str


def explain(
    reader: Reader,
    article: FeedArticle,
    read: Sequence[FeedArticle],
    contributions: Mapping[str, float],
    popularity: Popularity,
    *,
    likest: FeedArticle | None = None,
    rule: Reason | None = None,
) -> Explanation:
    """An item's explanation.

    contributions  by feature, from the ranker
    likest         of what was read, the one that is most like the article
    rule           what put it where it is, if it was not its score
    """
    values: dict[Kind, float] = {}
    for name, value in contributions.items():
        if name in _KINDS:
            values[_KINDS[name]] = values.get(_KINDS[name], 0.0) + value
    reasons = sorted(
        (
            Reason(kind, _names(kind, reader, article, read, likest), value)
            for kind, value in values.items()
            if value >= SMALLEST
        ),
        key=lambda reason: (-reason.value, reason.kind),
    )
    told = ([] if rule is None else [rule]) + reasons
    words = [_words(reason, article, popularity) for reason in told[:SHOWN]]
    return Explanation(tuple(told), "; ".join(words) or "nothing better was new")


def override(alert: OpenAlert) -> Reason:
    """Breaking news that concerns the reader."""
    return Reason("override", (alert.title, alert.desk), 0.0)


def picked(pick: Pick) -> Reason:
    """An editor put it there."""
    return Reason("pick", () if pick.desk is None else (pick.desk,), 0.0)


def _names(
    kind: Kind,
    reader: Reader,
    article: FeedArticle,
    read: Sequence[FeedArticle],
    likest: FeedArticle | None,
) -> tuple[str, ...]:
    if kind == "interest":
        liked = {c: reader.topics.get(c, 0.0) * s for c, s in article.topics.items()}
        best = sorted((c for c in liked if liked[c] > 0), key=lambda c: (-liked[c], c))
        return tuple(article.topic_names[c] for c in best if c in article.topic_names)[:SHOWN]
    if kind == "article":
        return () if likest is None else (likest.title,)
    if kind == "entity":
        liked = {key: reader.entities.get(key, 0.0) for key in article.entities}
        best = sorted((k for k in liked if liked[k] > 0), key=lambda k: (-liked[k], k))
        return tuple(article.entities[key] for key in best[:SHOWN])
    if kind == "follow":
        return tuple(article.entities[k] for k in sorted(reader.followed & article.entities.keys()))
    if kind == "source":
        return (article.source,)
    if kind == "story":
        return tuple(a.title for a in read if a.story_id == article.story_id)[:1]
    if kind == "covisit":
        return tuple(a.title for a in read[:1])
    return ()


def _words(reason: Reason, article: FeedArticle, popularity: Popularity) -> str:
    names = ", ".join(reason.names)
    told: dict[Kind, str] = {
        "interest": f"you often read about {names}" if names else "like much of what you read",
        "article": f"because you read “{names}”" if names else "like what you read just now",
        "entity": f"you often read about {names}",
        "follow": f"you follow {names}",
        "source": f"you often read {names}",
        "story": f"goes on with “{names}”",
        "covisit": f"readers of “{names}” went on to this" if names else "read next by others",
        "popular": f"{popularity.hour:,.0f} clicks in the last hour",
        "fresh": "new",
        "important": f"important: {article.importance or 0.5:.0%} front-page probability",
        "override": f"breaking news: {reason.names[0] if reason.names else article.title}",
        "pick": f"chosen by the editors{f' of {names}' if names else ''}",
        "floor": "everyone should know this",
        "explore": "shown to a few readers to find out whether it interests them",
    }
    return told[reason.kind]
