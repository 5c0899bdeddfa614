"""What editors decided: commands and the jobs' answers, folded into what holds now.

`editorial.control` is the truth: every browser and the command line write it, the server reads it
back, so two editors see one state, and a decision shows before a job has answered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from schemas.editorial import EditorialCommand, Verdict
from serving.views import Given

UNDO_MS = 60_000
"""How long a decision can be taken back from the console."""


class Decision(NamedTuple):
    """A command and what the jobs said to it.

    outcome  pending until a job answers, then applied or refused
    """

    command: EditorialCommand
    outcome: str
    detail: str
    answered_ms: int | None
    undone: bool


class Mute(NamedTuple):
    """Something that raises no alerts for a while."""

    what: Literal["story", "entity", "source", "desk"]
    name: str
    desk: str | None
    until_ms: int | None
    by: str


@dataclass(frozen=True)
class Decisions:
    """What holds at a moment.

    all         every command, oldest first
    verdicts    confirm or dismiss by alert_id, the newest
    reopened    alerts whose only verdicts were taken back
    mutes       still running
    pins        story_id to the moment it ends
    overrides   (story_id, desk) to the command
    budgets     desk to alerts a day; None for every desk
    moderation  comment_id to the newest decision
    merging     story_id to the story that it joins, where no job has answered yet
    """

    all: tuple[Decision, ...]
    verdicts: Mapping[str, Decision]
    reopened: frozenset[str]
    mutes: tuple[Mute, ...]
    pins: Mapping[str, int | None]
    overrides: Mapping[tuple[str, str | None], Decision]
    budgets: Mapping[str | None, float]
    moderation: Mapping[str, tuple[Verdict, Decision]]
    merging: Mapping[str, str]


def gather(given: Iterable[Given], now_ms: int) -> Decisions:
    """What holds at `now_ms`; commands in the order of their topic."""
    given = [each for each in given if each.command is not None]
    refused = {
        each.command.command_id
        for each in given
        if each.command is not None and each.outcome == "refused"
    }
    decided = [_decision(each, refused) for each in given]
    holding = [d for d in decided if d.outcome != "refused" and not d.undone]
    verdicts = {
        decision.command.alert_id: decision
        for decision in _of(holding, "confirm", "dismiss")
        if decision.command.alert_id
    }
    return Decisions(
        all=tuple(decided),
        verdicts=verdicts,
        reopened=frozenset(
            decision.command.alert_id
            for decision in _of(decided, "confirm", "dismiss")
            if decision.command.alert_id and decision.undone
        )
        - verdicts.keys(),
        mutes=_mutes(holding, now_ms),
        pins=_pins(holding, now_ms),
        overrides=_overrides(holding, now_ms),
        budgets={
            decision.command.desk: decision.command.value
            for decision in _of(holding, "set_budget")
            if decision.command.value is not None
        },
        moderation={
            decision.command.comment_id: (decision.command.verdict, decision)
            for decision in _of(holding, "moderate")
            if decision.command.comment_id and decision.command.verdict
        },
        merging={
            decision.command.other_story_id: decision.command.story_id
            for decision in _of(holding, "merge")
            if decision.outcome == "pending"
            and decision.command.other_story_id
            and decision.command.story_id
        },
    )


def may_undo(decision: Decision, author: str, now_ms: int) -> bool:
    """Whether its author can still take it back."""
    command = decision.command
    fresh = now_ms - command.issued_ms < UNDO_MS
    held = not decision.undone and decision.outcome != "refused"
    return fresh and held and command.author == author and command.kind != "undo"


def can_undo(decisions: Decisions, command_id: str | None, author: str, now_ms: int) -> bool:
    """Whether an editor can take a command back."""
    return any(
        decision.command.command_id == command_id and may_undo(decision, author, now_ms)
        for decision in decisions.all
    )


def last_to_undo(decisions: Decisions, author: str, now_ms: int) -> Decision | None:
    """The newest decision of an editor that can be taken back."""
    own = (d for d in reversed(decisions.all) if may_undo(d, author, now_ms))
    return next(own, None)


def mute_on(
    mutes: Iterable[Mute],
    *,
    story_id: str,
    desks: Iterable[str] = (),
    entities: Iterable[str] = (),
    sources: Iterable[str] = (),
) -> Mute | None:
    """The first mute that silences a story: itself, its desks, an entity, or its only source."""
    entities, sources, desks = set(entities), set(sources), set(desks)
    for mute in mutes:
        if mute.what == "story" and mute.name == story_id:
            return mute
        if mute.what == "desk" and desks == {mute.name}:
            return mute
        if mute.what == "entity" and mute.name in entities:
            return mute
        if mute.what == "source" and sources == {mute.name}:
            return mute
    return None


def _decision(given: Given, refused: set[str]) -> Decision:
    """With the answer that decided: an applied one counts over another job's refusal."""
    assert given.command is not None
    answers = sorted(given.answers, key=lambda entry: entry.outcome == "refused")
    first = answers[0] if answers else None
    return Decision(
        given.command,
        given.outcome,
        first.detail if first else "",
        first.applied_ms if first else None,
        given.undone_by is not None and given.undone_by not in refused,
    )


def _of(decisions: Iterable[Decision], *kinds: str) -> list[Decision]:
    return [decision for decision in decisions if decision.command.kind in kinds]


def _runs(until_ms: int | None, now_ms: int) -> bool:
    return until_ms is None or until_ms > now_ms


def _mutes(decisions: Iterable[Decision], now_ms: int) -> tuple[Mute, ...]:
    running: dict[tuple[str, str, str | None], Mute] = {}
    for decision in _of(decisions, "mute", "unmute"):
        mute = _mute(decision.command)
        if mute is None:
            continue
        key = (mute.what, mute.name, mute.desk)
        if decision.command.kind == "unmute" or not _runs(mute.until_ms, now_ms):
            running.pop(key, None)
        else:
            running[key] = mute
    return tuple(running.values())


def _mute(command: EditorialCommand) -> Mute | None:
    def of(what: Literal["story", "entity", "source", "desk"], name: str) -> Mute:
        desk = None if what == "desk" else command.desk
        return Mute(what, name, desk, command.until_ms, command.author)

    if command.story_id:
        return of("story", command.story_id)
    if command.entity:
        return of("entity", command.entity)
    if command.source:
        return of("source", command.source)
    return of("desk", command.desk) if command.desk else None


def _pins(decisions: Iterable[Decision], now_ms: int) -> dict[str, int | None]:
    pins: dict[str, int | None] = {}
    for decision in _of(decisions, "pin", "unpin"):
        command = decision.command
        if command.story_id is None:
            continue
        if command.kind == "pin" and _runs(command.until_ms, now_ms):
            pins[command.story_id] = command.until_ms
        else:
            pins.pop(command.story_id, None)
    return pins


def _overrides(
    decisions: Iterable[Decision], now_ms: int
) -> dict[tuple[str, str | None], Decision]:
    overrides: dict[tuple[str, str | None], Decision] = {}
    for decision in _of(decisions, "override_score", "clear_override"):
        command = decision.command
        if command.story_id is None:
            continue
        key = (command.story_id, command.desk)
        if command.kind == "override_score" and _runs(command.until_ms, now_ms):
            overrides[key] = decision
        else:
            overrides.pop(key, None)
    return overrides
