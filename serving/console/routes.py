"""The console's addresses. Every page is whole HTML; scripts fetch the same pages again."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from models.topics import concepts
from schemas.editorial import EditorialCommand
from schemas.errors import ServiceError
from serving.access import COOKIE, CSRF_HEADER, Visitor, require_csrf
from serving.asking import address_of
from serving.commands import new_id
from serving.console import (
    actions,
    articles,
    decisions,
    evidence,
    ledger,
    moderation,
    mood,
    pages,
    quality,
    reader,
    wall,
    words,
)
from serving.console.actions import Form, FormError
from serving.console.decisions import Decisions
from serving.errors import Denied, Forbidden, Incomplete, TooOften, Unavailable
from serving.routes.editorial import send
from serving.routes.login import LOGINS_PER_MINUTE, set_cookie
from serving.services import KINDS, Services, services_of
from serving.settings import Role
from serving.streams import Wish

router = APIRouter(include_in_schema=False)

LIVE = "x-live"
"""On a request by the console's script: it wants 401, not a login page."""
HEARTBEAT_S = 10.0
READ_BACK_S = 1.5
"""How long an answer waits until the command has come back from Kafka, so that it shows at once."""
_READ_BACK_STEP_S = 0.02
_KEPT_S = 365 * 24 * 3600


def mount(app: FastAPI) -> None:
    """Add the console to the application."""
    app.include_router(router)
    app.mount(f"{pages.STATIC_PATH}/{pages.build()}", Kept(directory=pages.STATIC))
    app.add_exception_handler(NotLoggedIn, _to_login)


class Kept(StaticFiles):
    """Files whose address changes with their content: browsers may keep them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = f"public, max-age={_KEPT_S}, immutable"
            await send(message)

        await super().__call__(scope, receive, send_on)


class NotLoggedIn(Exception):
    """Nobody we know wants to see a page; the message says why."""


async def _to_login(request: Request, _: Exception) -> Response:
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = {"next": asked} if request.method == "GET" else {}
    return RedirectResponse(f"/login?{urlencode(back)}", 303)


async def seen_by(request: Request) -> Visitor:
    """Who looks at a page. Raises NotLoggedIn; Denied, when the console's script asks."""
    services = services_of(request)
    try:
        visitor = await services.access.visitor(request.headers, request.cookies)
    except Denied as denied:
        services.limits.take(f"address {address_of(request)}", None)
        if LIVE in request.headers:
            raise
        raise NotLoggedIn(str(denied)) from denied
    services.limits.take(f"{visitor.via} {visitor.identity}", visitor.rate_per_minute)
    request.scope["visitor"] = visitor.name
    return visitor


Seen = Annotated[Visitor, Depends(seen_by)]
Parts = Annotated[Services, Depends(services_of)]
Chosen = Annotated[str, Query(max_length=200)]


# ── the wall and a story ─────────────────────────────────────────────────────────────────────────


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

    context = await _frame(services, visitor, decided) | {
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
        await _members(services, story.story_id, story.lead_article_id),
        services.wall.signals,
        mood.read(services.wall.moods.get(f"story/{story.story_id}")),
        desk,
        wall.muted(story, standings, decided) is not None,
        now_ms,
    )


async def _members(
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


# ── deciding ─────────────────────────────────────────────────────────────────────────────────────


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
        return await _trouble(request, services, visitor, 404, "There is no such form")
    title, submit = DIALOGS[kind]
    now_ms = services.now_ms()
    decided = decisions.gather(services.wall.commands.values(), now_ms)
    about = services.wall.story(story) if story else None
    opened = await _article(services, article) if kind == "correct_article" else None
    if (opened or about) is None and kind != "set_budget":
        return await _trouble(request, services, visitor, 404, "This is not at hand any more")
    known = _desks(services, decided, desk)
    context = await _frame(services, visitor, decided) | {
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
        "sentiments": articles.SENTIMENTS,
        "topic_names": [concept.name for concept in concepts.read()] if opened else [],
        "mutable": _mutable(about, desk) if about else [],
        "others": _others(services, about) if kind == "merge" else [],
        "articles": await _members(services, about.story_id, about.lead_article_id, 200)
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
    form = await _form(request)

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
    form = await _form(request)
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
        return await _trouble(request, services, visitor, status, str(error))
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


async def _form(request: Request) -> Form:
    submitted = await request.form()
    fields: dict[str, list[str]] = {}
    for name, value in submitted.multi_items():
        if isinstance(value, str):
            fields.setdefault(name, []).append(value)
    return Form(fields)


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


# ── the other pages ──────────────────────────────────────────────────────────────────────────────


@router.get("/console/moderation")
async def moderation_page(
    request: Request, services: Parts, visitor: Seen, desk: Chosen = "", language: Chosen = ""
) -> Response:
    """Comments that a person should look at."""
    decided = decisions.gather(services.wall.commands.values(), services.now_ms())
    queue = moderation.build(
        services.wall.moderation.values(), decided, desk or None, language or None
    )
    context = await _frame(services, visitor, decided) | {
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
    context = await _frame(services, visitor, decided) | {
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
    context = await _frame(services, visitor, decided) | {
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
    trouble, shown = "", None
    if user:
        try:
            shown = await reader.feed(services, user)
        except Unavailable as error:
            trouble = _sentence(str(error))
    context = await _frame(services, visitor, decided) | {
        "user": user,
        "trouble": trouble,
        "feed": shown,
    }
    return pages.page(request, "reader.html", visitor, context)


# ── live ─────────────────────────────────────────────────────────────────────────────────────────


@router.get("/console/events", dependencies=[Depends(seen_by)])
async def events(services: Parts) -> Response:
    """Tells that something changed; what, the page fetches."""
    return StreamingResponse(
        _changes(services),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _changes(services: Services) -> AsyncIterator[bytes]:
    wish = Wish(kinds=frozenset(KINDS.values()))
    subscriber, _ = services.hub.subscribe(wish, None)
    try:
        yield b"retry: 1000\nevent: hello\ndata: -\n\n"
        while subscriber.dropped is None:
            taken = await subscriber.take(HEARTBEAT_S)
            yield b"event: changed\ndata: -\n\n" if taken else b"event: alive\ndata: -\n\n"
    finally:
        services.hub.unsubscribe(subscriber)


# ── logging in ───────────────────────────────────────────────────────────────────────────────────


@router.get("/login")
async def login_page(request: Request, next: Chosen = "") -> Response:
    """A form for an API key."""
    return _login(request, back=next)


@router.post("/login")
async def log_in_by_key(request: Request, services: Parts) -> Response:
    """A session for whoever has an API key."""
    form = await _form(request)
    back = form.text("next") or ""
    try:
        services.limits.take(f"login {address_of(request)}", LOGINS_PER_MINUTE)
        known = await services.access.bearer(form.required("key", "the key"))
    except (Denied, FormError, TooOften) as error:
        return _login(request, str(error), back=back, status=401)
    session, visitor = await services.access.open_session(known.name, known.role)
    return await _logged_in(request, services, session, visitor, back)


@router.get("/login/{token}")
async def link_page(request: Request, token: str) -> Response:
    """A button: whoever only looks at the link, a mail scanner for one, does not use it up."""
    return _login(request, token=token)


@router.post("/login/{token}")
async def log_in_by_link(request: Request, services: Parts, token: str) -> Response:
    """Use a link up."""
    try:
        services.limits.take(f"login {address_of(request)}", LOGINS_PER_MINUTE)
        session, visitor = await services.access.log_in(token)
    except (Denied, TooOften) as error:
        return _login(request, str(error), status=401)
    return await _logged_in(request, services, session, visitor, "")


@router.post("/logout")
async def log_out(request: Request, services: Parts, visitor: Seen) -> Response:
    """End the session."""
    form = await _form(request)
    require_csrf(visitor, request.headers.get(CSRF_HEADER) or form.text("csrf"))
    await services.access.log_out(request.cookies.get(COOKIE, ""))
    await services.act(visitor, "log_out", "console", "done", "", request)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


async def _logged_in(
    request: Request, services: Services, session: Any, visitor: Visitor, back: str
) -> Response:
    await services.act(visitor, "log_in", "console", "done", "", request)
    answer = RedirectResponse(back if _is_ours(back) else "/console", 303)
    set_cookie(answer, session, secure=services.settings.is_https)
    return answer


def _is_ours(path: str) -> bool:
    """Whether a path leads to the console, and nowhere else.

    >>> _is_ours("/console?open=s1"), _is_ours("//evil.example/console"), _is_ours("/login")
    (True, False, False)
    """
    return path == "/console" or path.startswith(("/console/", "/console?"))


def _login(
    request: Request, trouble: str = "", token: str = "", back: str = "", status: int = 200
) -> Response:
    context: Mapping[str, Any] = {
        "trouble": trouble,
        "token": token,
        "back": back,
        "waiting": 0,
        "queued": 0,
        "troubles": [],
    }
    return pages.page(request, "login.html", None, context, status)


# ── around every page ────────────────────────────────────────────────────────────────────────────


async def _frame(services: Services, visitor: Visitor, decided: Decisions) -> dict[str, Any]:
    """What stands on every page: how much waits, what is away, what can be taken back."""
    standings = [wall.standing(alert, decided) for alert in services.wall.newest_alerts()]
    entries = [
        moderation.entry(item, decided.moderation.get(item.comment_id))
        for item in services.wall.moderation.values()
    ]
    troubles = [_sentence(said) for said in (await services.problems()).values()]
    return {
        "waiting": sum(standing.waiting for standing in standings),
        "queued": sum(entry.state == "queued" for entry in entries),
        "troubles": troubles,
        "undo": decisions.last_to_undo(decided, visitor.name, services.now_ms()),
    }


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}".rstrip(".") + "."


async def _trouble(
    request: Request, services: Services, visitor: Visitor, status: int, detail: str
) -> Response:
    decided = decisions.gather(services.wall.commands.values(), services.now_ms())
    context = await _frame(services, visitor, decided) | {
        "title": "That did not work",
        "detail": _sentence(detail),
    }
    return pages.page(request, "trouble.html", visitor, context, status)
