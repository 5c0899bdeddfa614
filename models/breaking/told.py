"""What is told of a story on the topic `stories`: its content, scores, bursts, course and pin."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from models.breaking.commands import Addressed, audited
from models.breaking.rhythm import MINUTE_MS
from models.packing import pack, unpack
from models.stories import telling
from models.stories.neighbourhood import News
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.story import Story, StoryBurst, StoryScore

MOMENT_MS = 5 * MINUTE_MS
MOMENTS_KEPT = 144
"""Twelve hours of a story's course."""

PINS_KEPT = 20
"""Orders to pin or unpin a story; of more, the oldest are forgotten."""


@dataclass
class Told:
    """State of a story.

    scores   by desk: score, low, high, threshold, moment
    bursts   newest window by its minutes
    moments  by begin: sources, expected, highest score
    pins     as ordered: command_id, desk (None: every desk), until when (None: unpinned), whether
             it stands; one that was taken back does not
    changed  whether a step has changed it since it was read; no part of what is kept
    """

    status: str = "active"
    merged_into: str | None = None
    content: bytes = b""
    scores: dict[str, list[Any]] = field(default_factory=dict)
    bursts: dict[int, list[Any]] = field(default_factory=dict)
    moments: dict[int, list[Any]] = field(default_factory=dict)
    pins: list[list[Any]] = field(default_factory=list)
    now_ms: int = 0
    changed: bool = False

    @property
    def pinned_until_ms(self) -> int | None:
        """When its last pin ends, at whatever desk; None where it is not pinned."""
        ends = [_pinned_until_ms(self, desk) for desk in {desk for _, desk, _, _ in self.pins}]
        return max((end for end in ends if end is not None), default=None)


def hear(told: Told, news: News) -> None:
    """Take in what neighbourhoods say; whatever of it is about this story."""
    told.content = news.content
    _changed(told, max(told.now_ms, news.at_ms, news.first_ms))
    if news.kind == "pickup":
        _moment(told, news.at_ms)[0] += 1
    elif news.kind == "expired" and told.status == "active":
        told.status = "expired"
    elif news.kind == "parted" and told.status == "merged":
        told.status, told.merged_into = "active", None


def become(told: Told, kept_id: str) -> None:
    """The story is part of another one now."""
    told.status, told.merged_into = "merged", kept_id
    _changed(told, told.now_ms)


def home(story_id: str, told: Told) -> str:
    """Where its articles belong: the story that it has become part of tells of them at its own
    moment, which may be the earlier one.
    """
    return told.merged_into or story_id


def score(told: Told, given: StoryScore) -> None:
    """A desk has scored it."""
    told.scores[given.desk] = [getattr(given, name) for name in _SCORE_FIELDS]
    moment = _moment(told, given.at_ms)
    moment[2] = max(moment[2], given.score)
    _changed(told, max(told.now_ms, given.at_ms))


def judge(told: Told, burst: StoryBurst) -> None:
    """A window was judged; an older one than is known changes nothing."""
    known = told.bursts.get(burst.minutes)
    if known and known[0] > burst.window_end_ms:
        return
    told.bursts[burst.minutes] = [getattr(burst, name) for name in _BURST_FIELDS]
    if burst.minutes * MINUTE_MS == MOMENT_MS and burst.window_end_ms % MOMENT_MS == 0:
        _moment(told, burst.window_end_ms - MOMENT_MS)[1] = burst.expected
    _changed(told, max(told.now_ms, burst.window_end_ms))


def command(told: Told | None, given: Addressed, *, pin_ms: int, wall_ms: int) -> AuditEntry | None:
    """Do what an editor says, and answer; nothing where another place answers."""
    order = given.undo or given.command

    def answered(outcome: str, detail: str) -> AuditEntry:
        return audited(order, outcome, detail, at_ms=wall_ms)

    story_id = given.command.story_id
    if told is None:
        return answered("refused", f"story {story_id} is not known")
    if told.status in ("merged", "expired"):
        into = f" into {told.merged_into}" if told.merged_into else ""
        return answered("refused", f"story {story_id} is {told.status}{into}")
    kind = given.command.kind
    if kind in ("merge", "split"):
        return None
    if kind == "retract":
        told.status = "active" if given.undo else "retracted"
    elif given.undo is None:
        _pin(told, given.command, pin_ms=pin_ms, wall_ms=wall_ms)
    elif not _take_back(told, given.command.command_id):
        detail = f"{kind} {given.command.command_id} cannot be taken back here any more"
        return answered("refused", detail)
    _changed(told, told.now_ms)
    return answered("applied", f"{kind} taken back" if given.undo else f"{kind}: done")


def pins(told: Told, desks: Iterable[str]) -> dict[str, int | None]:
    """Until when it is pinned at each desk, None where it is not; empty if it never was."""
    return {desk: _pinned_until_ms(told, desk) for desk in desks} if told.pins else {}


def record(story_id: str, told: Told) -> Story | None:
    """The story as it stands; None before its content is known."""
    if not told.content:
        return None
    content = telling.from_bytes(told.content)
    return Story.model_validate(
        {
            "story_id": story_id,
            "status": told.status,
            "merged_into": told.merged_into,
            "aliases": list(content.aliases),
            "title": content.title,
            "lead_article_id": content.leads[0].article_id if content.leads else "",
            "summary": content.summary,
            "languages": list(content.languages),
            "sources": [
                {
                    "source": s.source,
                    "owner": s.owner,
                    "first_seen_ms": s.first_ms,
                    "article_id": s.article_id,
                    "articles": s.articles,
                    "copies": s.copies,
                }
                for s in content.sources
            ],
            "entities": [
                {
                    "name": e.name,
                    "type": e.type,
                    "wikidata_id": e.wikidata_id,
                    "articles": e.articles,
                }
                for e in content.entities
            ],
            "topics": [t._asdict() for t in content.topics],
            "first_seen_ms": content.first_ms,
            "last_seen_ms": content.last_ms,
            "articles": content.articles,
            "copies": content.copies,
            "independent_sources": content.independent,
            "scores": [
                {"desk": desk, **dict(zip(_SCORE_FIELDS, values, strict=True))}
                for desk, values in sorted(told.scores.items())
            ],
            "bursts": [
                {"minutes": minutes, **dict(zip(_BURST_FIELDS, values, strict=True))}
                for minutes, values in sorted(told.bursts.items())
            ],
            "history": [
                {"at_ms": at_ms, "observed": n, "expected": expected, "score": highest}
                for at_ms, (n, expected, highest) in sorted(told.moments.items())
            ],
            "pinned_until_ms": told.pinned_until_ms,
            "embedding": content.embedding or None,
            "updated_ms": told.now_ms,
        }
    )


def to_bytes(told: Told) -> bytes:
    """Packed, for a state."""
    return pack({name: getattr(told, name) for name in _KEPT})


def from_bytes(packed: bytes) -> Told:
    """What `to_bytes` gave."""
    state: dict[str, Any] = unpack(packed)
    if "pinned_until_ms" in state:  # as it was when a pin was for every desk
        until_ms = state.pop("pinned_until_ms")
        state["pins"] = [] if until_ms is None else [["", None, until_ms, True]]
    return Told(**state)


_KEPT = tuple(f.name for f in fields(Told) if f.name != "changed")
_SCORE_FIELDS = ("score", "low", "high", "threshold", "at_ms")
_BURST_FIELDS = ("window_end_ms", "observed", "expected", "tail_log10")


def _pin(told: Told, order: EditorialCommand, *, pin_ms: int, wall_ms: int) -> None:
    """Pin or unpin it, at the desk of the command or at every desk."""
    until_ms = None
    if order.kind == "pin":
        issued_ms = min(order.issued_ms, wall_ms)  # whatever the editor's clock says
        begin_ms = max(told.now_ms, issued_ms)
        until_ms = begin_ms + pin_ms if order.until_ms is None else order.until_ms
    told.pins.append([order.command_id, order.desk, until_ms, True])
    del told.pins[:-PINS_KEPT]


def _take_back(told: Told, command_id: str) -> bool:
    """Let what stood before an order stand again; whether the order was there to be taken back."""
    for pin in told.pins:
        if pin[0] == command_id and pin[3]:
            pin[3] = False
            return True
    return False


def _pinned_until_ms(told: Told, desk: str | None) -> int | None:
    """When its pin at a desk ends; None: at a desk that no order names."""
    ends: list[int | None] = [
        until_ms for _, where, until_ms, stands in told.pins if stands and where in (None, desk)
    ]
    return ends[-1] if ends else None


def _moment(told: Told, at_ms: int) -> list[Any]:
    begin_ms = at_ms // MOMENT_MS * MOMENT_MS
    moment = told.moments.setdefault(begin_ms, [0, 0.0, 0.0])
    if len(told.moments) > MOMENTS_KEPT:
        del told.moments[min(told.moments)]
    return moment


def _changed(told: Told, now_ms: int) -> None:
    told.changed = True
    told.now_ms = now_ms
