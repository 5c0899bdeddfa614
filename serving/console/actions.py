"""From what an editor fills in to a command, and what the page says once it is given.

Every command goes to `editorial.control`; the jobs read it there and answer on `editorial.audit`.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from models.topics.concepts import MediaTopics
from schemas.editorial import EditorialCommand, Verdict
from schemas.enriched_article import TopicScore
from serving import corrections
from serving.console import words
from serving.console.articles import ArticleView

LONGEST_REASON = 1_000
LONGEST_TAG = 100
MOST_TAGS = 30
LARGEST_BUDGET = 1_000

UNTIL = {
    "1h": ("1 hour", words.HOUR_MS),
    "4h": ("4 hours", 4 * words.HOUR_MS),
    "12h": ("12 hours", 12 * words.HOUR_MS),
    "24h": ("1 day", words.DAY_MS),
    "7d": ("1 week", 7 * words.DAY_MS),
}
"""How long a mute, a pin or a score set by hand lasts."""

REASONS = (
    "Not news for this desk",
    "Scheduled or expected",
    "Old news again",
    "One outlet or a syndicated text",
    "Wrong or withdrawn",
)
"""Why alerts are dismissed, to choose from; an editor may write another."""


class FormError(ValueError):
    """What is filled in is no command; the message is for the editor."""


@dataclass(frozen=True)
class Form:
    """The fields of a submitted form."""

    fields: Mapping[str, Sequence[str]]

    def text(self, name: str) -> str | None:
        """A field without its outer white space; None when it is empty or absent."""
        values = self.fields.get(name, ())
        return (values[0].strip() or None) if values else None

    def texts(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value.strip() for value in self.fields.get(name, ()) if value.strip()]

    def required(self, name: str, what: str) -> str:
        """Raises FormError when the field is empty."""
        value = self.text(name)
        if value is None:
            raise FormError(f"{what} is missing")
        return value


def command(form: Form, *, author: str, now_ms: int, command_id: str) -> EditorialCommand:
    """The command that a form asks for; `correct_article` has its own function.

    Raises FormError.
    """
    kind = form.required("kind", "what to do")
    if kind not in FIELDS:
        raise FormError(f"{kind!r} is nothing that the console can do")
    given = FIELDS[kind](form, now_ms)
    return EditorialCommand.model_validate(
        {"command_id": command_id, "kind": kind, "author": author, "issued_ms": now_ms, **given}
    )


def correction(
    form: Form,
    current: ArticleView,
    topics: MediaTopics,
    *,
    author: str,
    now_ms: int,
    command_id: str,
) -> EditorialCommand:
    """A command with the fields of the article that the form changes. Raises FormError."""
    said = {
        name: json.dumps(value, ensure_ascii=False)
        for name, value in _corrected(form, current, topics).items()
    }
    if not said:
        raise FormError("nothing is changed")
    return EditorialCommand(
        command_id=command_id,
        kind="correct_article",
        author=author,
        issued_ms=now_ms,
        article_id=current.article_id,
        corrections=said,
        reason=_reason(form),
    )


def said(given: EditorialCommand) -> str:
    """What the page says when a command is given."""
    until = f" for {words.duration(given.until_ms - given.issued_ms)}" if given.until_ms else ""
    match given.kind:
        case "confirm":
            return "Confirmed"
        case "dismiss":
            return "Dismissed"
        case "mute":
            return f"Muted {_muted(given)}{until}"
        case "unmute":
            return f"Unmuted {_muted(given)}"
        case "pin":
            return f"Pinned{until}"
        case "set_budget":
            return f"Budget of {given.desk or 'every desk'}: {given.value:g} alerts a day"
        case "override_score":
            return f"Score set to {words.percent(given.value or 0.0)}{until}"
        case "correct_article":
            return f"Corrected {', '.join(sorted(given.corrections))}"
        case "moderate":
            return {"approve": "Approved", "remove": "Removed", "escalate": "Escalated"}[
                given.verdict or "approve"
            ]
        case "undo":
            return "Taken back"
        case _:
            return DONE[given.kind]


DONE = {
    "unpin": "Unpinned",
    "clear_override": "Score back to the model",
    "merge": "Merged",
    "split": "Split off",
    "retract": "Retracted",
}


def _muted(given: EditorialCommand) -> str:
    if given.story_id:
        return "the story"
    return given.entity or given.source or f"the desk {given.desk}"


Fields = Callable[[Form, int], dict[str, Any]]


def _confirm(form: Form, _: int) -> dict[str, Any]:
    return {
        "alert_id": form.required("alert_id", "the alert"),
        "desk": form.text("desk"),
        "story_id": form.text("story_id"),
    }


def _dismiss(form: Form, now_ms: int) -> dict[str, Any]:
    reason = _reason(form)
    if reason is None:
        raise FormError("a reason is missing: it is what the model learns from")
    return _confirm(form, now_ms) | {"reason": reason}


def _mute(form: Form, now_ms: int) -> dict[str, Any]:
    return _unmute(form, now_ms) | {"until_ms": _until(form, now_ms)}


def _unmute(form: Form, _: int) -> dict[str, Any]:
    what = form.required("what", "what to mute")
    kind, _colon, name = what.partition(":")
    if kind not in {"story", "entity", "source", "desk"} or not name:
        raise FormError(f"{what!r} cannot be muted")
    return {"story_id" if kind == "story" else kind: name, "reason": _reason(form)}


def _story(form: Form, _: int) -> dict[str, Any]:
    return {"story_id": form.required("story_id", "the story")}


def _pin(form: Form, now_ms: int) -> dict[str, Any]:
    return _story(form, now_ms) | {"until_ms": _until(form, now_ms)}


def _budget(form: Form, _: int) -> dict[str, Any]:
    value = _number(form, "value", "the budget")
    if not 0 < value <= LARGEST_BUDGET:
        raise FormError(
            f"a budget of {value:g} alerts a day; expected above 0, at most {LARGEST_BUDGET}"
        )
    return {"desk": form.text("desk"), "value": value}


def _override(form: Form, now_ms: int) -> dict[str, Any]:
    percent = _number(form, "percent", "the score")
    if not 0 <= percent <= 100:
        raise FormError(f"a score of {percent:g}%; expected 0 to 100")
    return _story(form, now_ms) | {
        "desk": form.text("desk"),
        "value": percent / 100,
        "until_ms": _until(form, now_ms),
        "reason": _reason(form),
    }


def _clear_override(form: Form, now_ms: int) -> dict[str, Any]:
    return _story(form, now_ms) | {"desk": form.text("desk")}


def _merge(form: Form, now_ms: int) -> dict[str, Any]:
    other = form.required("other_story_id", "the other story")
    if other == form.text("story_id"):
        raise FormError("a story cannot be merged with itself")
    return _story(form, now_ms) | {"other_story_id": other, "reason": _reason(form)}


def _split(form: Form, now_ms: int) -> dict[str, Any]:
    leaving = form.texts("article_ids")
    if not leaving:
        raise FormError("no article is chosen")
    return _story(form, now_ms) | {"article_ids": leaving, "reason": _reason(form)}


def _retract(form: Form, now_ms: int) -> dict[str, Any]:
    reason = _reason(form)
    if reason is None:
        raise FormError("a reason is missing: it goes out with the correction")
    return _story(form, now_ms) | {"reason": reason}


def _moderate(form: Form, _: int) -> dict[str, Any]:
    verdict = form.required("verdict", "the verdict")
    if verdict not in get_args(Verdict):
        raise FormError(f"{verdict!r} is no verdict")
    return {
        "comment_id": form.required("comment_id", "the comment"),
        "verdict": verdict,
        "reason": _reason(form),
    }


def _undo(form: Form, _: int) -> dict[str, Any]:
    return {"undoes": form.required("undoes", "what to take back")}


FIELDS: Mapping[str, Fields] = {
    "confirm": _confirm,
    "dismiss": _dismiss,
    "mute": _mute,
    "unmute": _unmute,
    "pin": _pin,
    "unpin": _story,
    "set_budget": _budget,
    "override_score": _override,
    "clear_override": _clear_override,
    "merge": _merge,
    "split": _split,
    "retract": _retract,
    "moderate": _moderate,
    "undo": _undo,
}


def _reason(form: Form) -> str | None:
    """The editor's own words count over a reason that was chosen."""
    reason = form.text("reason_other") or form.text("reason")
    return reason[:LONGEST_REASON] if reason else None


def _until(form: Form, now_ms: int) -> int:
    chosen = form.required("until", "how long")
    if chosen not in UNTIL:
        raise FormError(f"{chosen!r} is no length of time; expected one of {', '.join(UNTIL)}")
    return now_ms + UNTIL[chosen][1]


def _number(form: Form, name: str, what: str) -> float:
    text = form.required(name, what)
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise FormError(f"{what}: {text!r} is no number")
    return value


def _corrected(form: Form, current: ArticleView, topics: MediaTopics) -> dict[str, Any]:
    """Fields of EnrichedArticle to their values as JSON knows them."""
    said: dict[str, Any] = {}
    codes = _codes(form, topics)
    if "topics_shown" in form.fields and codes != [topic.code for topic in current.topics or ()]:
        said["topics"] = [_topic(code, topics) for code in codes]
    if "tags" in form.fields:
        tags = _tags(form)
        if tags != list(current.tags or ()):
            said["tags"] = tags
    sentiment = form.text("sentiment")
    if sentiment is not None and sentiment != current.sentiment:
        if sentiment not in corrections.SENTIMENTS:
            raise FormError(f"{sentiment!r} is no sentiment")
        said["sentiment"] = corrections.read("sentiment", sentiment).model_dump()
    if form.text("importance") is not None:
        percent = _number(form, "importance", "importance")
        if not 0 <= percent <= 100:
            raise FormError(f"an importance of {percent:g}%; expected 0 to 100")
        if current.importance is None or percent != round(current.importance * 100):
            said["importance"] = percent / 100
    return said


def _codes(form: Form, topics: MediaTopics) -> list[str]:
    codes = form.texts("topics")
    for name in form.texts("topic_added"):
        try:
            codes.append(topics.named(name).code)
        except KeyError:
            raise FormError(f"{name!r} is no IPTC Media Topic") from None
    return list(dict.fromkeys(codes))


def _topic(code: str, topics: MediaTopics) -> dict[str, Any]:
    if code not in topics:
        raise FormError(f"{code!r} is no code of an IPTC Media Topic")
    concept = topics[code]
    score = TopicScore(
        code=code,
        name=concept.name,
        score=1.0,
        ancestors=list(topics.ancestors(code)),
        names=dict(concept.names),
    )
    return score.model_dump()


def _tags(form: Form) -> list[str]:
    tags = [tag.strip()[:LONGEST_TAG] for tag in (form.text("tags") or "").split(",")]
    return list(dict.fromkeys(tag for tag in tags if tag))[:MOST_TAGS]
