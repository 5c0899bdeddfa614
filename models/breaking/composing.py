"""An alert as it is told: its evidence, in counts and in words."""

from typing import NamedTuple

from models.breaking import entities
from models.breaking.desks import Desk
from models.breaking.evidence import Evidence
from models.breaking.rhythm import MINUTE_MS
from models.breaking.stream import Stream
from models.breaking.surroundings import Related, Surroundings
from models.breaking.watched import LIVE, Watched
from models.stories import telling
from models.stories.telling import Content
from schemas.alert import (
    Alert,
    AlertArticle,
    AlertEntity,
    AlertReaders,
    AlertRelated,
    AlertSource,
    AlertStatus,
    AlertWindow,
)

WINDOWS_MIN = (5, 15, 60)
ENTITIES_TOLD = 5


class Occasion(NamedTuple):
    """Why an alert is told, and by which judgement.

    now_ms, wall_ms  event time of the desk, and the clock's
    threshold        of the desk, as editors see scores
    by, note         an editor and the reason given, or what the job has to say
    outcome          what the score is about
    readers          of the story, None where nothing is known of them
    """

    state: AlertStatus
    now_ms: int
    wall_ms: int
    threshold: float
    outcome: str
    reasons: list[str]
    model_versions: dict[str, str]
    unadjusted_score: float | None = None
    caution: str | None = None
    by: str | None = None
    note: str | None = None
    readers: AlertReaders | None = None


def composed(
    desk: Desk,
    story_id: str,
    story: Watched,
    stream: Stream,
    seen: Evidence,
    around: Surroundings,
    told: Occasion,
) -> Alert:
    """A state of a story's alert, with its evidence."""
    content = telling.from_bytes(story.content)
    return Alert(
        alert_id=story.alert_id,
        desk=desk.name,
        story_id=story_id,
        state=told.state,
        sequence=story.sequence,
        at_ms=told.now_ms,
        raised_ms=told.wall_ms,
        expires_ms=story.expires_ms if told.state in LIVE else told.now_ms,
        score=story.score.value,
        low=story.score.low,
        high=story.score.high,
        threshold=min(1.0, told.threshold),
        outcome=told.outcome,
        title=content.title,
        summary=content.summary,
        languages=list(content.languages),
        windows=[_window(story, stream, minutes, told.now_ms) for minutes in WINDOWS_MIN],
        sources=[
            AlertSource(
                source=s.source,
                owner=s.owner,
                first_seen_ms=s.first_ms,
                article_id=s.article_id,
                copies=s.copies,
                authority=stream.authority_of(s.owner or s.source),
            )
            for s in content.sources
        ],
        independent_sources=len(story.pickups.times_ms),
        copies_discounted=content.copies,
        entities=_bursting(content, stream, seen, around, told.now_ms),
        lead_articles=[
            AlertArticle(
                article_id=lead.article_id, title=lead.title, source=lead.source, url=lead.url
            )
            for lead in content.leads
        ],
        reasons=told.reasons,
        model_versions=told.model_versions,
        by=told.by,
        note=told.note,
        unadjusted_score=told.unadjusted_score,
        in_other_languages=[_related(one) for one in around.related],
        caution=told.caution,
        readers=told.readers,
    )


def _window(story: Watched, stream: Stream, minutes: int, now_ms: int) -> AlertWindow:
    begin_ms = now_ms - minutes * MINUTE_MS
    observed = sum(begin_ms <= at_ms <= now_ms for at_ms in story.pickups.times_ms)
    judged = stream.judge(story.pickups, now_ms, minutes, observed)
    return AlertWindow(
        minutes=minutes,
        observed=observed,
        expected=judged.expected,
        tail_log10=judged.tail_log10,
    )


def _bursting(
    content: Content, stream: Stream, seen: Evidence, around: Surroundings, now_ms: int
) -> list[AlertEntity]:
    """Entities that more sources name than usual, the most surprising first."""
    found = []
    for entity in content.entities:
        usual = stream.usual(entity.key)
        within = usual.observed if usual.end_ms >= now_ms - entities.WINDOW_MS else 0
        observed = max(within, int(min(entity.articles, seen.last_60)))
        expected = entities.expected(usual)
        if observed > expected:
            found.append(
                AlertEntity(
                    name=entity.name,
                    wikidata_id=entity.wikidata_id,
                    observed=observed,
                    expected=expected,
                    centrality=around.central.get(entity.key),
                    centrality_before=around.central_before.get(entity.key, 0.0),
                )
            )
    return sorted(found, key=lambda e: (e.expected - e.observed, e.name))[:ENTITIES_TOLD]


def _related(related: Related) -> AlertRelated:
    return AlertRelated(
        story_id=related.story_id,
        title=telling.from_bytes(related.story.content).title,
        languages=list(related.story.languages),
        independent_sources=len(related.story.pickups.times_ms),
        shared=list(related.shared),
    )
