"""The console in a real Chromium, on a real server and Kafka."""

import json
import re
import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from newsroom_records import HOUR_MS, alert, demo, enriched, placements
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from running_console import PATIENCE_S, Editor, RunningConsole, chromium
from topic_reader import TopicReader

from local.stack import Stack
from models.topics import concepts
from schemas.alert import Alert
from schemas.codec import RecordCodec
from schemas.comment import TextSpan
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.moderation import ModerationItem
from schemas.story import Story
from schemas.topics import EDITORIAL_CONTROL

pytestmark = pytest.mark.e2e

HOSTILE = '<script>document.title="owned"</script><img src=x onerror="document.title=1">Blast'
PATIENCE_MS = PATIENCE_S * 1000


@pytest.fixture(scope="module")
def console(
    stack: Stack, topics_created: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningConsole]:
    assert stack.kafka
    console = RunningConsole.start(stack.kafka, tmp_path_factory.mktemp("console"))
    yield console
    console.down()


@pytest.fixture(scope="module")
def ada(console: RunningConsole) -> Editor:
    return console.allow("ada")


@pytest.fixture(scope="module")
def browser(ada: Editor) -> Iterator[Browser]:
    """After the editor is made: Playwright's loop lets no other run beside it."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = chromium(playwright)
        yield started
        started.close()


@pytest.fixture(scope="module")
def cookies(browser: Browser, ada: Editor) -> list:
    """Of an editor who logged in by a link."""
    page = browser.new_page()
    page.goto(ada.link)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".connection.live")).to_be_visible()
    return page.context.cookies()


@pytest.fixture
def editor(
    browser: Browser, cookies: list, console: RunningConsole
) -> Iterator[Callable[..., Page]]:
    """Opens a page of the console in a browser of its own; faults of scripts fail the test."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_page(path: str, **options: object) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        context.add_cookies(cookies)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if is_fault(said.text) else None)
        page.goto(console.url + path)
        expect(page.locator(".connection.live")).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def is_fault(text: str) -> bool:
    """A script or style that the page's policy refused."""
    return "Content Security Policy" in text or "TrustedHTML" in text


@pytest.fixture
def control(console: RunningConsole) -> Iterator[TopicReader]:
    reader = TopicReader(console.kafka, EDITORIAL_CONTROL.name)
    yield reader
    reader.close()


@pytest.fixture
def news() -> tuple[Story, Alert, str]:
    """A story of the demo at a desk that no other test has, its alert, and the desk."""
    desk = f"desk-{uuid4().hex[:8]}"
    base_ms = time.time_ns() // 1_000_000 - 2 * HOUR_MS
    grouped, (told,) = demo(base_ms, "marenholm")
    score = told.scores[0].model_copy(update={"desk": desk})
    story = told.model_copy(update={"story_id": f"s-{desk}", "scores": [score]})
    return story, alert(story, grouped["marenholm"]), desk


def commands(control: TopicReader) -> list[EditorialCommand]:
    return [RecordCodec(EDITORIAL_CONTROL).decode(value) for _, _, value in list(control.records)]


def wait_for_command(control: TopicReader, kind: str, **fields: object) -> EditorialCommand:
    def found() -> list[EditorialCommand]:
        return [
            command
            for command in commands(control)
            if command.kind == kind
            and all(getattr(command, name) == value for name, value in fields.items())
        ]

    control.wait(lambda: bool(found()), PATIENCE_S)
    return found()[0]


def wall(editor: Callable[..., Page], desk: str, query: str = "", **options: object) -> Page:
    """The wall of a desk, once its alert is on it: before, keys have nothing to act on."""
    page = editor(f"/console?desk={desk}{query}", **options)
    expect(page.locator(".section.waiting .row")).to_have_count(1)
    return page


def test_alert_appears_without_reload_and_is_announced(console, editor, news):
    story, opened, desk = news
    page = editor(f"/console?desk={desk}")
    page.evaluate("window.sameDocument = true")
    expect(page.locator(".empty")).to_be_visible()

    console.tell(story, opened)

    row = page.locator(".section.waiting .row")
    expect(row).to_contain_text(story.title)
    expect(page.locator("#announcer")).to_contain_text(story.title)
    expect(page).to_have_title(re.compile(r"^\(\d+\) Wall · Wiredesk$"))
    assert page.evaluate("window.sameDocument") is True


def test_confirm_by_key_reaches_control_and_the_other_browser(console, editor, control, news):
    story, opened, desk = news
    console.tell(story, opened)
    one, other = wall(editor, desk), wall(editor, desk)

    one.keyboard.press("j")
    one.keyboard.press("c")

    command = wait_for_command(control, "confirm", alert_id=opened.alert_id)
    assert (command.author, command.story_id) == ("ada", story.story_id)
    for page in (one, other):
        expect(page.locator(".row .state")).to_contain_text("Confirmed by ada")
        expect(page.locator(".row .state")).to_contain_text("not yet answered")
        expect(page.locator(".section.waiting")).to_have_count(0)

    console.tell(answer(command), confirmed(opened))
    for page in (one, other):
        expect(page.locator(".row .state")).to_have_text("Confirmed by ada")


def test_dismiss_and_undo_by_keyboard_alone(console, editor, control, news):
    story, opened, desk = news
    console.tell(story, opened)
    page = wall(editor, desk)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("[data-open]")).to_contain_text("Why")

    page.keyboard.press("d")
    expect(page.locator("#dialog")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    dismissed = wait_for_command(control, "dismiss", alert_id=opened.alert_id)
    assert dismissed.reason == "Scheduled or expected"
    expect(page.locator("[data-open] .state")).to_contain_text("Dismissed by ada")
    expect(page.locator("#dialog")).to_be_hidden()  # the page may be told before the dialog is

    page.keyboard.press("u")
    assert wait_for_command(control, "undo").undoes == dismissed.command_id
    expect(page.locator("[data-open] .state")).to_have_text("Alert")


def test_mute_pin_and_budget_are_in_force_for_everyone(console, editor, control, news):
    story, opened, desk = news
    console.tell(story, opened)
    page = wall(editor, desk, f"&open={story.story_id}")
    other = editor("/console/decisions")

    page.keyboard.press("b")
    page.get_by_label("Alerts a day").fill("7")
    page.keyboard.press("Enter")
    assert wait_for_command(control, "set_budget", desk=desk).value == 7
    expect(page.locator("#dialog")).to_be_hidden()

    page.keyboard.press("m")
    page.locator("#dialog").get_by_label(desk.capitalize()).check()
    page.locator("#dialog").get_by_role("button", name="Mute").click()
    muted = wait_for_command(control, "mute", desk=desk)
    assert muted.until_ms == muted.issued_ms + 4 * HOUR_MS
    expect(page.locator(".section.muted .row")).to_have_count(1)

    line = other.get_by_role("row").filter(has_text=desk).filter(has_text="Mute of a desk")
    line.get_by_role("button").click()
    wait_for_command(control, "unmute", desk=desk)
    expect(page.locator(".section.waiting .row")).to_have_count(1)


def test_correction_shows_at_once_and_goes_to_control(console, editor, control, news):
    story, _, desk = news
    base_ms = story.first_seen_ms
    article = next(
        a
        for a in demo(base_ms, "marenholm")[0]["marenholm"]
        if a.article_id == story.lead_article_id
    )
    article_id = f"{desk}-lead"
    told = enriched(article, base_ms, concepts.read()).model_copy(update={"article_id": article_id})
    placed = placements(story, [article], base_ms)[0].model_copy(update={"article_id": article_id})
    story = story.model_copy(update={"lead_article_id": article_id})
    console.tell(told, placed, story)
    page = editor(f"/console?open={story.story_id}")
    expect(page.locator(".articles li")).to_contain_text("negative")

    page.keyboard.press("e")
    dialog = page.locator("#dialog")
    dialog.get_by_text("neutral").click()
    dialog.get_by_label("Add a topic").fill("industrial accident and incident")
    dialog.get_by_role("button", name="Correct").click()

    command = wait_for_command(control, "correct_article", article_id=article_id)
    assert json.loads(command.corrections["sentiment"])["label"] == "neutral"
    assert "industrial accident and incident" in command.corrections["topics"]
    expect(page.locator(".articles li")).to_contain_text("neutral")
    expect(page.locator(".articles li")).to_contain_text("industrial accident and incident")
    expect(page.locator(".articles li")).to_contain_text("Corrected by ada")


def test_hostile_headline_shows_as_text(console, editor, news):
    story, opened, desk = news
    story = story.model_copy(update={"title": HOSTILE, "summary": HOSTILE})
    leads = [lead.model_copy(update={"title": HOSTILE}) for lead in opened.lead_articles]
    page = editor(f"/console?desk={desk}")
    console.tell(story, opened.model_copy(update={"title": HOSTILE, "lead_articles": leads}))

    expect(page.locator(".section.waiting .row h3")).to_have_text(HOSTILE)
    page.locator(".row-link").click()
    expect(page.locator("#detail-title")).to_have_text(HOSTILE)
    page.keyboard.press("d")
    expect(page.locator("#dialog .subject")).to_have_text(HOSTILE)
    page.reload()
    expect(page.locator("#detail-title")).to_have_text(HOSTILE)
    assert page.locator("main script, main img, dialog script, dialog img").count() == 0
    assert "owned" not in page.title().replace(HOSTILE, "")


def test_words_of_a_comment_stay_hidden_until_asked(console, editor, control):
    desk = f"desk-{uuid4().hex[:8]}"
    item = comment(desk, "You are a complete muppet, sir.", (19, 25))
    page = editor(f"/console/moderation?desk={desk}")
    console.tell(item)
    held = page.locator(".comment")
    expect(held).to_contain_text("You are a complete ••••••, sir.")
    expect(held.get_by_text("muppet")).to_be_hidden()

    page.keyboard.press("j")
    page.keyboard.press("v")
    expect(held.locator("mark")).to_have_text("muppet")
    page.keyboard.press("r")
    command = wait_for_command(control, "moderate", comment_id=item.comment_id)
    assert command.verdict == "remove"
    expect(page.locator(".comment.removed")).to_contain_text("removed by ada")


def test_page_recovers_when_the_server_restarts(console, editor, news):
    story, opened, desk = news
    page = editor(f"/console?desk={desk}")
    page.evaluate("window.sameDocument = true")
    console.down()
    expect(page.locator(".connection.lost")).to_be_visible()
    console.tell(story, opened)
    console.up()
    expect(page.locator(".connection.live")).to_be_visible()
    expect(page.locator(".section.waiting .row")).to_contain_text(story.title)
    assert page.evaluate("window.sameDocument") is True


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_no_serious_fault_on_wall_story_and_dialogs(console, editor, news, colours):
    story, opened, desk = news
    console.tell(story, opened)
    page = wall(editor, desk, color_scheme=colours)
    found = faults_of(page, "wall")
    page.locator(".row-link").click()
    expect(page.locator("[data-open]")).to_be_visible()
    found += faults_of(page, "story")
    for key, name in {"d": "dismiss", "m": "mute", "?": "help"}.items():
        page.keyboard.press(key)
        expect(page.locator("dialog[open]")).to_be_visible()
        found += faults_of(page, name)
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
    assert found == []


def test_axe_finds_no_serious_fault_on_the_other_pages(console, editor):
    desk = f"desk-{uuid4().hex[:8]}"
    console.tell(comment(desk, "A fool and a half.", (2, 6)))
    page = editor(f"/console/moderation?desk={desk}")
    expect(page.locator(".comment")).to_have_count(1)
    found = faults_of(page, "moderation")
    for path in ("quality", "decisions", "reader"):
        page.goto(f"{console.url}/console/{path}")
        found += faults_of(page, path)
    assert found == []


def test_login_page_has_no_serious_fault_and_refuses_a_wrong_key(console, browser, ada):
    page = browser.new_page()
    page.goto(f"{console.url}/console?desk=world")
    page.get_by_label("API key").fill("wd_no_such_key")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("not known")
    assert faults_of(page, "login") == []
    page.get_by_label("API key").fill(ada.key)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{console.url}/console?desk=world")
    page.context.close()


def test_phone_shows_everything_without_scrolling_sideways(console, editor, news):
    story, opened, desk = news
    console.tell(story, opened)
    page = wall(editor, desk, viewport={"width": 390, "height": 844}, has_touch=True)
    for step in ("wall", "story"):
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, step
        if step == "wall":
            page.locator(".row-link").click()
            expect(page.get_by_role("button", name="Confirm")).to_be_visible()


def faults_of(page: Page, name: str) -> list[str]:
    """Serious and critical faults that axe finds, and where."""
    violations = Axe().run(page).response["violations"]
    return [
        f"{name}: {violation['id']} at {violation['nodes'][0]['target']}"
        for violation in violations
        if violation["impact"] in {"serious", "critical"}
    ]


def answer(command: EditorialCommand) -> AuditEntry:
    return AuditEntry(
        command_id=command.command_id,
        kind=command.kind,
        author=command.author,
        issued_ms=command.issued_ms,
        applied_ms=command.issued_ms + 200,
        job="breaking",
        subject=f"alert/{command.alert_id}",
        outcome="applied",
        detail="confirmed",
    )


def confirmed(opened: Alert) -> Alert:
    return opened.model_copy(
        update={"state": "confirmed", "sequence": opened.sequence + 1, "by": "ada"}
    )


def comment(desk: str, text: str, toxic: tuple[int, int]) -> ModerationItem:
    now_ms = time.time_ns() // 1_000_000
    begin, end = toxic
    return ModerationItem(
        comment_id=f"c-{desk}",
        article_id="a-1",
        author_key="k",
        desk=desk,
        language="en",
        state="queued",
        at_ms=now_ms,
        published_ms=now_ms - 60_000,
        queued_ms=now_ms,
        text=text,
        masked_text=text[:begin] + "•" * (end - begin) + text[end:],
        score=0.91,
        threshold=0.6,
        reasons=["insult"],
        spans=[TextSpan(start=begin, end=end)],
        model_versions={"toxicity": "1.0.0"},
    )
