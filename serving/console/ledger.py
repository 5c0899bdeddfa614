"""What editors have in force, and the log of what they decided."""

from collections.abc import Mapping
from typing import NamedTuple

from schemas.editorial import EditorialCommand
from serving.console import actions, words
from serving.console.decisions import Decision, Decisions

LOG_LINES = 200


class Force(NamedTuple):
    """Something that holds until it ends or is ended.

    end  the fields of the command that ends it
    """

    key: str
    what: str
    on: str
    until_ms: int | None
    by: str
    end: Mapping[str, str] | None


class Line(NamedTuple):
    """A decision in the log."""

    id: str
    at_ms: int
    by: str
    what: str
    on: str
    reason: str | None
    answer: str
    took_ms: int | None
    detail: str


def in_force(decisions: Decisions, titles: Mapping[str, str]) -> list[Force]:
    """Mutes, pins, scores set by hand and budgets; `titles` by story_id."""
    return [
        *_mutes(decisions, titles),
        *_pins(decisions, titles),
        *_scores(decisions, titles),
        *_budgets(decisions),
    ]


def _mutes(decisions: Decisions, titles: Mapping[str, str]) -> list[Force]:
    return [
        Force(
            f"mute/{mute.what}/{mute.name}",
            f"Mute of a {mute.what}",
            titles.get(mute.name, mute.name) if mute.what == "story" else mute.name,
            mute.until_ms,
            mute.by,
            {"kind": "unmute", "what": f"{mute.what}:{mute.name}"},
        )
        for mute in decisions.mutes
    ]


def _pins(decisions: Decisions, titles: Mapping[str, str]) -> list[Force]:
    authors = {command.story_id: command.author for command in _commands(decisions, "pin")}
    return [
        Force(
            f"pin/{story_id}",
            "Pin",
            titles.get(story_id, story_id),
            until_ms,
            authors.get(story_id, ""),
            {"kind": "unpin", "story_id": story_id},
        )
        for story_id, until_ms in decisions.pins.items()
    ]


def _scores(decisions: Decisions, titles: Mapping[str, str]) -> list[Force]:
    return [
        Force(
            f"score/{story_id}/{desk or ''}",
            f"Score of {words.percent(decision.command.value or 0.0)}",
            titles.get(story_id, story_id),
            decision.command.until_ms,
            decision.command.author,
            {"kind": "clear_override", "story_id": story_id, "desk": desk or ""},
        )
        for (story_id, desk), decision in decisions.overrides.items()
    ]


def _budgets(decisions: Decisions) -> list[Force]:
    authors = {command.desk: command.author for command in _commands(decisions, "set_budget")}
    return [
        Force(
            f"budget/{desk or ''}",
            f"Budget of {words.amount(value)} alerts a day",
            words.desk(desk) if desk else "Every desk",
            None,
            authors.get(desk, ""),
            None,
        )
        for desk, value in decisions.budgets.items()
    ]


def _commands(decisions: Decisions, kind: str) -> list[EditorialCommand]:
    return [each.command for each in decisions.all if each.command.kind == kind]


def log(decisions: Decisions, titles: Mapping[str, str]) -> list[Line]:
    """The newest decisions first."""
    by_id = {decision.command.command_id: decision for decision in decisions.all}
    newest = sorted(decisions.all, key=lambda decision: -decision.command.issued_ms)
    return [_line(decision, by_id, titles) for decision in newest[:LOG_LINES]]


def _line(decision: Decision, by_id: Mapping[str, Decision], titles: Mapping[str, str]) -> Line:
    command = decision.command
    answer = "taken back" if decision.undone else decision.outcome
    took_ms = max(decision.answered_ms - command.issued_ms, 0) if decision.answered_ms else None
    return Line(
        command.command_id,
        command.issued_ms,
        command.author,
        actions.said(command),
        _subject(command, by_id, titles),
        command.reason,
        answer,
        took_ms,
        decision.detail if decision.outcome == "refused" else "",
    )


def _subject(
    command: EditorialCommand, by_id: Mapping[str, Decision], titles: Mapping[str, str]
) -> str:
    if command.kind == "undo":
        undone = by_id.get(command.undoes or "")
        return f"“{actions.said(undone.command)}”" if undone else ""
    if command.story_id:
        return titles.get(command.story_id, command.story_id)
    if command.kind in {"mute", "unmute", "set_budget"}:
        return ""
    return command.article_id or command.comment_id or command.alert_id or ""
