"""The moderation queue: comments that a person should look at, the most urgent first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.moderation import ModerationItem
from serving.console import words
from serving.console.decisions import Decision, Decisions

WAITING = {"queued", "escalated"}
RECENT = 20
SHOWN = 50
STATE_OF = {"approve": "approved", "remove": "removed", "escalate": "escalated"}
REASONS = {
    "toxicity": "toxic",
    "severe": "severely toxic",
    "insult": "insult",
    "identity_attack": "attack on a group",
    "threat": "threat",
    "obscene": "obscene",
    "personal_data": "personal data",
}


@dataclass(frozen=True)
class Part:
    """A stretch of a comment; `toxic` where the model points at it."""

    text: str
    toxic: bool


@dataclass(frozen=True)
class Entry:
    """A comment in the queue, with what was just decided."""

    item: ModerationItem
    state: str
    waiting: bool
    sent: bool
    by: str | None
    parts: tuple[Part, ...]
    hides: bool
    reasons: tuple[str, ...]
    language: str


@dataclass(frozen=True)
class Queue:
    """What waits, what was escalated, and what was decided lately."""

    waiting: tuple[Entry, ...]
    escalated: tuple[Entry, ...]
    decided: tuple[Entry, ...]
    more: int
    desks: tuple[str, ...]
    languages: tuple[tuple[str, str], ...]


def build(
    items: Iterable[ModerationItem],
    decisions: Decisions,
    desk: str | None = None,
    language: str | None = None,
) -> Queue:
    """The queue; `items` are the newest states."""
    items = [item for item in items if item.state != "withdrawn"]
    entries = [
        entry(item, decisions.moderation.get(item.comment_id))
        for item in items
        if (desk is None or item.desk == desk) and (language is None or item.language == language)
    ]
    queued = sorted(
        (each for each in entries if each.state == "queued"),
        key=lambda each: (-each.item.score, each.item.queued_ms),
    )
    decided = sorted(
        (each for each in entries if not each.waiting), key=lambda each: -each.item.at_ms
    )
    codes = sorted({item.language for item in items})
    return Queue(
        waiting=tuple(queued[:SHOWN]),
        escalated=tuple(each for each in entries if each.state == "escalated"),
        decided=tuple(decided[:RECENT]),
        more=max(len(queued) - SHOWN, 0),
        desks=tuple(sorted({item.desk for item in items})),
        languages=tuple((code, words.language(code)) for code in codes),
    )


def entry(item: ModerationItem, decided: tuple[str, Decision] | None) -> Entry:
    """A comment with the newest decision; an editor's counts before the job has answered."""
    state: str = item.state
    by = item.by
    sent = False
    if decided is not None and decided[1].outcome == "pending":
        state, by, sent = STATE_OF[decided[0]], decided[1].command.author, True
    return Entry(
        item=item,
        state=state,
        waiting=state in WAITING,
        sent=sent,
        by=by,
        parts=parts(item.text, [(span.start, span.end) for span in item.spans]),
        hides=item.masked_text != item.text,
        reasons=tuple(REASONS[reason] for reason in item.reasons),
        language=words.language(item.language),
    )


def parts(text: str, spans: Sequence[tuple[int, int]]) -> tuple[Part, ...]:
    """A text cut at its toxic spans, which are in order.

    >>> [(part.text, part.toxic) for part in parts("you fool!", [(4, 8)])]
    [('you ', False), ('fool', True), ('!', False)]
    """
    found = []
    at = 0
    for start, end in spans:
        if start < at or end > len(text):
            continue
        found += [Part(text[at:start], False), Part(text[start:end], True)]
        at = end
    found.append(Part(text[at:], False))
    return tuple(part for part in found if part.text)
