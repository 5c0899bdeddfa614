"""Records of a newsroom's morning, made of the demo's articles: for pages and pictures.

Texts, sources and times are those of `local.demo`; scores and expectations are made up.
"""

from collections import Counter
from collections.abc import Sequence
from math import exp

from local.demo.corpus import DemoArticle, articles
from models.topics.concepts import MediaTopics
from schemas.alert import Alert, AlertArticle, AlertEntity, AlertSource, AlertWindow
from schemas.audience import AudienceMood, MoodMean
from schemas.comment import TextSpan
from schemas.enriched_article import EnrichedArticle, Language, Sentiment, TopicScore
from schemas.moderation import ModerationItem
from schemas.quality_signal import QualitySignal
from schemas.story import (
    Story,
    StoryArticle,
    StoryBurst,
    StoryEntity,
    StoryMoment,
    StoryScore,
    StorySource,
    StoryTopic,
)

STRETCH_MS = 5 * 60_000
HOUR_MS = 60 * 60_000
STRETCHED = 4
"""The demo's half hour as two hours, so that a course has a shape."""

ENTITIES = {
    "marenholm": [
        ("Marenholm", "place", "Q90000001"),
        ("Havskorn Terminal AB", "organisation", None),
        ("Annika Rosvall", "person", None),
        ("Baltic Heron", "other", None),
    ]
}


def at(article: DemoArticle, base_ms: int) -> int:
    """When an article is published, in the stretched timeline."""
    return base_ms + article.offset_ms * STRETCHED


def stories_of(news: Sequence[DemoArticle]) -> dict[str, list[DemoArticle]]:
    """The demo's news by story; an article without one is its own."""
    grouped: dict[str, list[DemoArticle]] = {}
    for article in news:
        grouped.setdefault(article.story or article.article_id, []).append(article)
    return grouped


def enriched(article: DemoArticle, base_ms: int, topics: MediaTopics) -> EnrichedArticle:
    """An article as the enrich job could tell of it."""
    desk = article.metadata["desk"]
    concept = next((c for c in topics.tops if c.name.split(",")[0].split(" ")[0] == desk), None)
    published_ms = at(article, base_ms)
    return EnrichedArticle(
        article_id=article.article_id,
        url=article.url,
        source=article.source,
        title=article.title,
        published_ms=published_ms,
        ingested_ms=published_ms + 400,
        enriched_ms=published_ms + 440,
        content_hash=article.article_id,
        language=Language(code=article.language, confidence=0.99),
        topics=[TopicScore(code=concept.code, name=concept.name, score=0.9)] if concept else [],
        tags=[word for word in article.title.split() if word[:1].isupper()][:4],
        sentiment=Sentiment(label="negative", negative=0.8, neutral=0.15, positive=0.05),
        tone_score=0.2,
        summary=article.body.split("\n")[0][:400],
        importance=0.7,
        owner=article.owner,
        model_versions={"news": "1.0.0"},
    )


def story(name: str, news: Sequence[DemoArticle], base_ms: int) -> Story:
    """A story as the breaking job could tell of it."""
    news = sorted(news, key=lambda article: article.offset_ms)
    lead = next((a for a in news if a.language == "en" and len(a.body) > 300), news[0])
    carriers: dict[str, list[DemoArticle]] = {}
    for article in news:
        carriers.setdefault(article.source, []).append(article)
    sources = [
        StorySource(
            source=source,
            owner=theirs[0].owner,
            first_seen_ms=at(theirs[0], base_ms),
            article_id=theirs[0].article_id,
            articles=len(theirs),
            copies=sum(a.copy_of is not None for a in theirs),
        )
        for source, theirs in carriers.items()
    ]
    independent = {a.owner or a.source for a in news if not a.copy_of}
    score = 1 / (1 + exp(-(len(independent) - 7) / 1.6))
    desk = lead.metadata["desk"]
    last_ms = at(news[-1], base_ms)
    return Story(
        story_id=f"s-{name}",
        status="active",
        title=lead.title,
        lead_article_id=lead.article_id,
        summary=lead.body.split("\n")[0],
        languages=[code for code, _ in Counter(a.language for a in news).most_common()],
        sources=sources,
        entities=[
            StoryEntity(name=entity, type=kind, wikidata_id=wikidata, articles=len(news) - place)
            for place, (entity, kind, wikidata) in enumerate(ENTITIES.get(name, []))
        ],
        topics=[StoryTopic(code="medtop:0", name=desk, articles=len(news))],
        first_seen_ms=at(news[0], base_ms),
        last_seen_ms=last_ms,
        articles=len(news),
        copies=sum(a.copy_of is not None for a in news),
        independent_sources=len(independent),
        scores=[
            StoryScore(
                desk=desk,
                score=score,
                low=max(score - 0.03 - 0.3 * score * (1 - score), 0),
                high=min(score + 0.02 + 0.4 * score * (1 - score), 1),
                threshold=0.55,
                at_ms=last_ms,
            )
        ],
        bursts=[
            StoryBurst(
                minutes=minutes,
                window_end_ms=last_ms,
                observed=seen,
                expected=0.03 * minutes,
                tail_log10=-0.9 * seen,
            )
            for minutes in (5, 15, 60)
            for seen in [arrivals(news, base_ms, last_ms - minutes * 60_000, last_ms + 1)]
        ],
        history=history(news, base_ms, last_ms),
        updated_ms=last_ms,
    )


def arrivals(news: Sequence[DemoArticle], base_ms: int, begin_ms: int, end_ms: int) -> int:
    """New independent sources in a stretch."""
    first: dict[str, int] = {}
    for article in news:
        if not article.copy_of:
            first.setdefault(article.owner or article.source, at(article, base_ms))
    return sum(begin_ms <= moment < end_ms for moment in first.values())


def history(news: Sequence[DemoArticle], base_ms: int, last_ms: int) -> list[StoryMoment]:
    """The course of a story."""
    begin = at(news[0], base_ms) // STRETCH_MS * STRETCH_MS
    moments, seen = [], 0
    for at_ms in range(begin, last_ms + 1, STRETCH_MS):
        new = arrivals(news, base_ms, at_ms, at_ms + STRETCH_MS)
        seen += new
        moments.append(
            StoryMoment(
                at_ms=at_ms,
                observed=new,
                expected=0.15 + 0.02 * seen,
                score=1 / (1 + exp(-(seen - 7) / 1.6)),
            )
        )
    return moments


def placements(of: Story, news: Sequence[DemoArticle], base_ms: int) -> list[StoryArticle]:
    """Which story each article belongs to."""
    return [
        StoryArticle(
            article_id=article.article_id,
            story_id=of.story_id,
            source=article.source,
            owner=article.owner,
            published_ms=at(article, base_ms),
            probability=0.97,
            novelty=0.2,
            copy_of=article.copy_of,
            placed_ms=at(article, base_ms) + 500,
        )
        for article in news
    ]


def alert(
    of: Story, news: Sequence[DemoArticle], state: str = "opened", sequence: int = 1
) -> Alert:
    """An alert about a story as it stands."""
    score = of.scores[0]
    raised_ms = of.first_seen_ms + (of.last_seen_ms - of.first_seen_ms) // 2
    at_ms = raised_ms + (sequence - 1) * 10 * 60_000
    leads = [a for a in sorted(news, key=lambda a: a.offset_ms) if not a.copy_of][:3]
    return Alert.model_validate(
        {
            "alert_id": f"{score.desk}/{of.story_id}/{raised_ms}",
            "desk": score.desk,
            "story_id": of.story_id,
            "state": state,
            "sequence": sequence,
            "at_ms": at_ms,
            "raised_ms": at_ms + 900,
            "expires_ms": at_ms + 6 * HOUR_MS,
            "score": score.score,
            "low": score.low,
            "high": score.high,
            "threshold": score.threshold,
            "outcome": "sources=10,hours=6",
            "title": of.title,
            "summary": of.summary,
            "languages": of.languages,
            "windows": [
                AlertWindow(
                    minutes=burst.minutes,
                    observed=burst.observed,
                    expected=burst.expected,
                    tail_log10=burst.tail_log10,
                )
                for burst in of.bursts
            ],
            "sources": [
                AlertSource(
                    source=source.source,
                    owner=source.owner,
                    first_seen_ms=source.first_seen_ms,
                    article_id=source.article_id,
                    copies=source.copies,
                )
                for source in of.sources
            ],
            "independent_sources": of.independent_sources,
            "copies_discounted": of.copies,
            "entities": [
                AlertEntity(
                    name=entity.name,
                    wikidata_id=entity.wikidata_id,
                    observed=max(of.independent_sources - 2 * place, 1),
                    expected=0.2,
                )
                for place, entity in enumerate(of.entities)
            ],
            "lead_articles": [
                AlertArticle(article_id=a.article_id, title=a.title, source=a.source, url=a.url)
                for a in leads
            ],
            "reasons": [
                "many new sources in the last 15 minutes",
                "sources with habits of their own agree",
                "the pace still grows",
            ],
            "model_versions": {"scorer": "1.0.0", "calibrator": "1.0.0", "stories": "1.0.0"},
        }
    )


NOW_HELD = 1_790_000_000_000


def held(comment_id: str = "c1", **changes: object) -> ModerationItem:
    """A comment that waits for a person."""
    return ModerationItem(
        **{
            "comment_id": comment_id,
            "article_id": "a1",
            "author_key": "k",
            "desk": "world",
            "language": "en",
            "state": "queued",
            "at_ms": NOW_HELD,
            "published_ms": NOW_HELD,
            "queued_ms": NOW_HELD,
            "text": "you utter muppet",
            "masked_text": "you utter ••••••",
            "score": 0.8,
            "threshold": 0.6,
            "reasons": ["insult"],
            "spans": [TextSpan(start=10, end=16)],
            "model_versions": {},
        }
        | changes
    )


COMMENTS = (
    (
        "The mayor knew about that bearing for weeks. What an utter muppet.",
        "muppet",
        "insult",
        0.93,
    ),
    ("Ring this clown at home and tell him: [PHONE]", "clown", "personal_data", 0.88),
    ("Typical. These blithering fools never inspect anything.", "blithering fools", "insult", 0.81),
    ("Send the whole lazy lot packing.", "lazy lot", "toxicity", 0.67),
)


def held_comments(now_ms: int) -> list[ModerationItem]:
    """The moderation queue of a morning, in mild words."""
    items = []
    for place, (text, toxic, reason, score) in enumerate(COMMENTS):
        begin = text.index(toxic)
        span = TextSpan(start=begin, end=begin + len(toxic))
        masked = text.replace(toxic, "•" * len(toxic))
        at_ms = now_ms - (place + 2) * 4 * 60_000
        told = {"text": text, "masked_text": masked, "spans": [span], "score": score}
        times = {"at_ms": at_ms, "published_ms": at_ms - 30_000, "queued_ms": at_ms}
        items.append(held(f"comment-{place}", reasons=[reason], **told, **times))
    return items


def mood(of: Story, now_ms: int) -> AudienceMood:
    """Readers who grow angrier about a story."""
    return AudienceMood(
        subject=f"story/{of.story_id}",
        at_ms=now_ms,
        half_life_s=1800,
        comments=16 * of.independent_sources,
        authors=11 * of.independent_sources,
        effective_size=9.0 * of.independent_sources,
        capped_authors=1,
        near_copies=4,
        late_ignored=0,
        sentiment=MoodMean(mean=-0.46, low=-0.55, high=-0.37, effective_size=90.0),
        toxicity=MoodMean(mean=0.08, low=0.05, high=0.11, effective_size=90.0),
        turned_ms=now_ms - 20 * 60_000,
        turned="worse",
        updated_ms=now_ms,
    )


def silent_source(now_ms: int) -> QualitySignal:
    """What ingest says of a feed that stopped."""
    return QualitySignal(
        kind="silent_source",
        subject="touchline.example",
        origin="ingest",
        observed=0.0,
        expected=6.0,
        detail="no article for 3 hours; usually 6 an hour at this time of the week",
        raised_ms=now_ms - 11 * 60_000,
    )


def demo(base_ms: int, *only: str) -> tuple[dict[str, list[DemoArticle]], list[Story]]:
    """The demo's news by story, and its stories; all of them, or some."""
    grouped = stories_of(articles())
    if only:
        grouped = {name: grouped[name] for name in only}
    return grouped, [story(name, news, base_ms) for name, news in grouped.items()]
