"""The wall, and a story opened beside it."""

import asyncio
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from serving.asking import Parts
from serving.console import articles, decisions, evidence, mood, pages, wall
from serving.console.decisions import Decisions
from serving.console.routes.frame import Chosen, Seen, frame
from serving.services import Services

router = APIRouter(include_in_schema=False)


@router.get("/")
async def start() -> Response:
    """To the wall."""
    return RedirectResponse("/console", 303)


@router.get("/console")
async def wall_page(
    request: Request,
    services: Parts,
    visitor: Seen,
    desk: Chosen = "",
    language: Chosen = "",
    q: Chosen = "",
    open: Chosen = "",
    limit: Annotated[int, Query(ge=1, le=2_000)] = wall.ROWS,
) -> Response:
    """The wall of stories; with `open`, beside the evidence for one of them.

    Thousands of stories take a tenth of a second: a thread works on a copy of the lists, so that
    nobody else waits.
    """
    now_ms = services.now_ms()
    decided = decisions.gather(services.wall.commands.values(), now_ms)
    chosen = wall.Filter(desk or None, language or None, q.strip(), limit)
    shown = await asyncio.to_thread(
        wall.build,
        list(services.wall.stories.values()),
        list(services.wall.newest_alerts()),
        decided,
        lambda story_id: mood.read(services.wall.moods.get(f"story/{story_id}")),
        chosen,
        now_ms,
    )
    detail = await _detail(services, open, decided, chosen.desk, now_ms) if open else None

    def link(**changes: Any) -> str:
        """The same page with other choices."""
        now = {"desk": desk, "language": language, "q": q, "open": open, "limit": None} | changes
        asked = urlencode({name: value for name, value in now.items() if value})
        return f"/console?{asked}" if asked else "/console"

    def dialog(kind: str, story: Any, standing: wall.Standing | None) -> str:
        """The address of a form about a story."""
        alert = standing.alert if standing else None
        asked = {
            "story": story.story_id,
            "alert": alert.alert_id if alert else None,
            "desk": alert.desk if alert else desk or None,
        }
        given = urlencode({name: value for name, value in asked.items() if value})
        return f"/console/dialogs/{kind}?{given}"

    context = await frame(services, visitor, decided) | {
        "wall": shown,
        "chosen": chosen,
        "open_id": detail.story.story_id if detail else open,
        "detail": detail,
        "missing": bool(open) and detail is None,
        "moments": evidence.moments(detail.story) if detail else [],
        "link": link,
        "dialog": dialog,
    }
    return await asyncio.to_thread(pages.page, request, "wall.html", visitor, context)


@router.get("/console/stories/{story_id:path}")
async def story_page(story_id: str) -> Response:
    """A story's address for people: it opens on the wall."""
    return RedirectResponse(f"/console?{urlencode({'open': story_id})}", 303)


async def _detail(
    services: Services, story_id: str, decided: Decisions, desk: str | None, now_ms: int
) -> evidence.Detail | None:
    story = services.wall.story(story_id)
    if story is None:
        return None
    alerts = services.wall.alerts_of(story.story_id)
    standings = [wall.standing(alert, decided) for alert in alerts]
    return evidence.build(
        story,
        alerts,
        services.wall.alerts,
        decided,
        await members(services, story.story_id, story.lead_article_id),
        services.wall.signals,
        mood.read(services.wall.moods.get(f"story/{story.story_id}")),
        desk,
        wall.muted(story, standings, decided) is not None,
        now_ms,
    )


async def members(
    services: Services, story_id: str, lead_id: str, limit: int = evidence.ARTICLES
) -> list[articles.ArticleView]:
    """The articles of a story: the lead one, then the newest first."""
    placed = services.wall.members_of(story_id)
    placed.sort(key=lambda member: (member.article_id != lead_id, -member.published_ms))
    found = []
    for member in placed[:limit]:
        article = services.wall.articles.get(member.article_id)
        corrections = services.wall.corrections(member.article_id)
        lead = member.article_id == lead_id
        found.append(articles.view(article, member, corrections, lead))
    return found
