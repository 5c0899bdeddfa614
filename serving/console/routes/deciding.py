"""Forms about stories, articles and desks, and what editors send with them."""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from models.topics import concepts
from schemas.editorial import EditorialCommand
from schemas.errors import ServiceError
from serving.access import CSRF_HEADER, Visitor, require_csrf
from serving.asking import Parts
from serving.commands import new_id
from serving.console import actions, articles, decisions, pages, quality, wall, words
from serving.console.actions import Form, FormError
from serving.console.decisions import Decisions
from serving.console.routes.frame import LIVE, Chosen, Seen, form_of, frame, trouble
from serving.console.routes.stories import members
from serving.corrections import SENTIMENTS
from serving.errors import Forbidden, Incomplete
from serving.routes.editorial import send
from serving.services import Services
from serving.settings import Role

READ_BACK_S = 1.5
"""How long an answer waits until the command has come back from Kafka, so that it shows at once."""
_READ_BACK_STEP_S = 0.02

router = APIRouter(include_in_schema=False)


@router.get("/console/dialogs/{kind}")
async def dialog_page(
    request: Request,
    services: Parts,
    visitor: Seen,
    kind: str,
    story: Chosen = "",
    alert: Chosen = "",
    desk: Chosen = "",
    article: Chosen = "",
) -> Response:
    """A form: in a dialog by script, a page of its own without."""
    if kind not in DIALOGS:
        return await trouble(request, services, visitor, 404, "There is no such form")
    title, submit = DIALOGS[kind]
    now_ms = services.now_ms()
    decided = decisions.gather(services.wall.commands.values(), now_ms)
    about = services.wall.story(story) if story else None
    opened = await _article(services, article) if kind == "correct_article" else None
    if (opened or about) is None and kind != "set_budget":
        return await trouble(request, services, visitor, 404, "This is not at hand any more")
    known = _desks(services, decided, desk)
    context = await frame(services, visitor, decided) | {
        "title": title,
        "submit": submit,
        "kind": kind,
        "action": "/console/corrections" if opened else "/console/commands",
        "hidden": {
            "story_id": about.story_id if about else "",
            "alert_id": alert,
            "desk": "" if kind == "set_budget" else desk,
            "article_id": article,
        },
        "subject": opened.title if opened else about.title if about else "",
        "back": f"/console?{urlencode({'open': about.story_id})}" if about else "/console",
        "reasons": actions.REASONS,
        "until": actions.UNTIL,
        "article": opened,
        "sentiments": SENTIMENTS,
        "topic_names": [concept.name for concept in concepts.read()] if opened else [],
        "mutable": _mutable(about, desk) if about else [],
        "others": _others(services, about) if kind == "merge" else [],
        "articles": await members(services, about.story_id, about.lead_article_id, 200)
        if about and kind == "split"
        else [],
        "desks": known,
        "chosen_desk": desk,
        "budgets": {
            name: alerts_a_day
            for name in known
            if (alerts_a_day := quality.budget(name, decided, services.budgets)) is not None
        },
        "percent": _percent(about, desk),
    }
    return pages.page(request, "dialog.html", visitor, context)


DIALOGS = {
    "dismiss": ("Dismiss the alert", "Dismiss"),
    "mute": ("Mute", "Mute"),
    "pin": ("Pin the story", "Pin"),
    "merge": ("Merge stories", "Merge"),
    "split": ("Split the story", "Split off"),
    "set_budget": ("Set a budget", "Set the budget"),
    "override_score": ("Set the score by hand", "Set the score"),
    "retract": ("Retract the story", "Retract"),
    "correct_article": ("Correct the article", "Correct"),
}
"""Kind of command to the title of its form and the word on its button."""


@router.post("/console/commands")
async def give(request: Request, services: Parts, visitor: Seen) -> Response:
    """A command of an editor. JSON for the console's script, else back to the page."""
    form = await form_of(request)

    def make() -> EditorialCommand:
        now_ms = services.now_ms()
        made = actions.command(form, author=visitor.name, now_ms=now_ms, command_id=new_id())
        if made.kind == "undo":
            decided = decisions.gather(services.wall.commands.values(), now_ms)
            if not decisions.can_undo(decided, made.undoes, visitor.name, now_ms):
                raise FormError("only your own decision of the last minute can be taken back")
        return made

    return await _give(request, services, visitor, form, make)


@router.post("/console/corrections")
async def correct(request: Request, services: Parts, visitor: Seen) -> Response:
    """What an editor says of an article in place of a model."""
    form = await form_of(request)
    current = await _article(services, form.text("article_id") or "")

    def make() -> EditorialCommand:
        if current is None:
            raise FormError("the article is not at hand any more")
        return actions.correction(
            form,
            current,
            concepts.read(),
            author=visitor.name,
            now_ms=services.now_ms(),
            command_id=new_id(),
        )

    return await _give(request, services, visitor, form, make)


async def _give(
    request: Request, services: Services, visitor: Visitor, form: Form, make: Any
) -> Response:
    by_script = LIVE in request.headers
    try:
        require_csrf(visitor, request.headers.get(CSRF_HEADER) or form.text("csrf"))
        visitor.require(Role.EDITOR)
        command = make()
        await send(services, command, visitor, request)
    except (Forbidden, FormError, Incomplete, ServiceError) as error:
        status = 403 if isinstance(error, Forbidden) else 422
        status = 503 if isinstance(error, ServiceError) else status
        if by_script:
            return JSONResponse({"error": str(error)}, status)
        return await trouble(request, services, visitor, status, str(error))
    await _read_back(services, command.command_id)
    if not by_script:
        story = form.text("story_id")
        back = f"/console?{urlencode({'open': story})}" if story else "/console"
        return RedirectResponse(back, 303)
    undo = None if command.kind == "undo" else command.command_id
    return JSONResponse(
        {"said": actions.said(command), "undo": undo, "undo_for_ms": decisions.UNDO_MS}
    )


async def _read_back(services: Services, command_id: str) -> None:
    """Wait until the wall knows a command; without Kafka's reader, not at all."""
    if services.reader is None:
        return
    for _ in range(int(READ_BACK_S / _READ_BACK_STEP_S)):
        given = services.commands.state(command_id)
        if given is not None and given.command is not None:
            return
        await asyncio.sleep(_READ_BACK_STEP_S)


async def _article(services: Services, article_id: str) -> articles.ArticleView | None:
    article = services.wall.articles.get(article_id)
    if article is None:
        return None
    placed = services.wall.placements.get(article_id)
    return articles.view(article, placed, services.wall.corrections(article_id))


def _mutable(story: Any, desk: str) -> list[tuple[str, str, str]]:
    """What can be muted from a story: value, name, what it is."""
    found = [(f"story:{story.story_id}", "This story", "")]
    for entity in story.entities[:4]:
        found.append((f"entity:{entity.wikidata_id or entity.name}", entity.name, entity.type))
    for source in story.sources[:3]:
        found.append((f"source:{source.source}", source.source, "source"))
    if desk:
        found.append((f"desk:{desk}", words.desk(desk), "the whole desk"))
    return found


def _others(services: Services, story: Any) -> Sequence[Any]:
    """Stories that it may be merged with: those that share a name first."""
    names = {entity.name for entity in story.entities}
    others = [other for other in services.wall.newest_stories() if other is not story]
    others.sort(key=lambda other: -len(names & {entity.name for entity in other.entities}))
    return others[:50]


def _desks(services: Services, decided: Decisions, desk: str) -> list[str]:
    known = {score.desk for story in services.wall.stories.values() for score in story.scores}
    known |= {alert.desk for alert in services.wall.newest_alerts()}
    known |= services.budgets.keys() | {name for name in decided.budgets if name}
    return sorted(known | ({desk} if desk else set()))


def _percent(story: Any, desk: str) -> str:
    score = wall.best_score(story, desk or None) if story else None
    return f"{score.score * 100:.0f}" if score else ""
