"""The other pages: moderation, decisions, quality, a reader's feed."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from serving.asking import Parts
from serving.console import decisions, ledger, moderation, pages, quality, reader, words
from serving.console.routes.frame import Chosen, Seen, frame, sentence
from serving.errors import Unavailable

router = APIRouter(include_in_schema=False)


@router.get("/console/moderation")
async def moderation_page(
    request: Request, services: Parts, visitor: Seen, desk: Chosen = "", language: Chosen = ""
) -> Response:
    """Comments that a person should look at."""
    decided = decisions.gather(services.wall.commands.values(), services.now_ms())
    queue = moderation.build(
        services.wall.moderation.values(), decided, desk or None, language or None
    )
    context = await frame(services, visitor, decided) | {
        "queue": queue,
        "chosen_desk": desk,
        "chosen_language": language,
    }
    return pages.page(request, "moderation.html", visitor, context)


@router.get("/console/decisions")
async def decisions_page(request: Request, services: Parts, visitor: Seen) -> Response:
    """What is in force, and who decided what."""
    decided = decisions.gather(services.wall.commands.values(), services.now_ms())
    titles = {story.story_id: story.title for story in services.wall.stories.values()}
    context = await frame(services, visitor, decided) | {
        "force": ledger.in_force(decided, titles),
        "log": ledger.log(decided, titles),
    }
    return pages.page(request, "decisions.html", visitor, context)


@router.get("/console/quality")
async def quality_page(request: Request, services: Parts, visitor: Seen) -> Response:
    """How good alerts and scores have been."""
    now_ms = services.now_ms()
    decided = decisions.gather(services.wall.commands.values(), now_ms)
    since_ms = now_ms - quality.DAYS * words.DAY_MS
    alerts = await quality.alerts_since(services, since_ms)
    stories = await quality.stories_since(services, since_ms)
    outcome = quality.newest_outcome(alerts)
    found = quality.desks(alerts, decided, services.budgets, now_ms)
    context = await frame(services, visitor, decided) | {
        "days": quality.DAYS,
        "desks": found,
        "decided": any(desk.precision for desk in found),
        "outcome": outcome,
        "reliability": quality.reliability(stories, outcome, now_ms),
        "signals": quality.newest(services.wall.signals),
        "flow": quality.flow(services),
        "dead_letters": quality.dead_letters(services.wall.dead_letters, now_ms),
    }
    return pages.page(request, "quality.html", visitor, context)


@router.get("/console/reader")
async def reader_page(
    request: Request, services: Parts, visitor: Seen, user: Chosen = ""
) -> Response:
    """What a reader would see now, and why."""
    decided = decisions.gather(services.wall.commands.values(), services.now_ms())
    said, shown = "", None
    if user:
        try:
            shown = await reader.feed(services, user)
        except Unavailable as error:
            said = sentence(str(error))
    context = await frame(services, visitor, decided) | {
        "user": user,
        "trouble": said,
        "feed": shown,
    }
    return pages.page(request, "reader.html", visitor, context)
