"""Why an item stands where it stands, in words and numbers."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from models.ranking.article import FeedArticle
from models.ranking.columns import NO_MODEL
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


class Reason(NamedTuple):
    """One reason.

    names  topics, entities or headlines behind it, the strongest first
    value  what it adds to the score; for override, pick, floor and explore 0: they are rules
    """

    kind: Kind
    names: tuple[str, ...]
    value: float


class Explanation(NamedTuple):
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
        kind = _KINDS.get(name)
        if kind is not None:
            values[kind] = values.get(kind, 0.0) + value
    ordered = sorted((-value, kind) for kind, value in values.items() if value >= SMALLEST)
    reasons = [
        Reason(kind, _names(kind, reader, article, read, likest), -less) for less, kind in ordered
    ]
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
        names = article.topic_names
        liked = ((reader.topics.get(c, 0.0) * s, c) for c, s in article.topics.items())
        best = sorted((-value, c) for value, c in liked if value > 0 and c in names)
        return tuple(names[c] for _, c in best[:SHOWN])
    if kind == "article":
        return () if likest is None else (likest.title,)
    if kind == "entity":
        best = sorted((-v, k) for k in article.entities if (v := reader.entities.get(k, 0.0)) > 0)
        return tuple(article.entities[key] for _, key in best[:SHOWN])
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
    match reason.kind:
        case "interest":
            return f"you often read about {names}" if names else "like much of what you read"
        case "article":
            return f"because you read “{names}”" if names else "like what you read just now"
        case "entity":
            return f"you often read about {names}"
        case "follow":
            return f"you follow {names}"
        case "source":
            return f"you often read {names}"
        case "story":
            return f"goes on with “{names}”"
        case "covisit":
            return f"readers of “{names}” went on to this" if names else "read next by others"
        case "popular":
            clicks = f"{popularity.hour:,.0f}"
            return f"{clicks} {'click' if clicks == '1' else 'clicks'} in the last hour"
        case "fresh":
            return "new"
        case "important":
            return f"important: {article.importance or NO_MODEL:.0%} front-page probability"
        case "override":
            return f"breaking news: {reason.names[0] if reason.names else article.title}"
        case "pick":
            return f"chosen by the editors{f' of {names}' if names else ''}"
        case "floor":
            return "everyone should know this"
        case "explore":
            return "shown to a few readers to find out whether it interests them"
