"""What the topics say now, in memory and bounded: alerts, stories, commands and their answers.

A `Wall` lives on one event loop. `apply` takes records in the order of their partitions; a record
that is applied twice changes nothing.
"""

import json
import zlib
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from schemas.alert import Alert
from schemas.audience import AudienceMood
from schemas.codec import RecordCodec
from schemas.dead_letter import DeadLetter
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.enriched_article import EnrichedArticle
from schemas.moderation import ModerationItem
from schemas.quality_signal import QualitySignal
from schemas.record import Record
from schemas.story import Story, StoryArticle
from schemas.topics import ARTICLES_ENRICHED

ENDED = frozenset({"dismissed", "corrected", "closed"})
"""States after which an alert is no longer open."""

_MOST_COMMANDS = 5_000
_MOST_COMMENTS = 5_000
_MOST_SIGNALS = 1_000
_MOST_DEAD_LETTERS = 10_000

Key = TypeVar("Key")
Value = TypeVar("Value")


class Bounded(OrderedDict[Key, Value]):
    """A dictionary of the `most` entries that were written last."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def put(self, key: Key, value: Value) -> list[Value]:
        """Write an entry; the entries that had to leave."""
        self[key] = value
        self.move_to_end(key)
        return [self.popitem(last=False)[1] for _ in range(len(self) - self.most)]


@dataclass(frozen=True)
class Limits:
    """How much is kept at hand."""

    alerts: int
    stories: int
    articles: int


class Packed:
    """Enriched articles, the `most` that were written last, without their vectors.

    As typed records they would take ten times the memory; each `get` reads one anew.
    """

    def __init__(self, most: int) -> None:
        self._codec = RecordCodec(ARTICLES_ENRICHED)
        self._kept: Bounded[str, tuple[tuple[int, int], bytes]] = Bounded(most)

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, article_id: object) -> bool:
        return article_id in self._kept

    def get(self, article_id: str) -> EnrichedArticle | None:
        """An article, if it is at hand."""
        found = self._kept.get(article_id)
        return None if found is None else self._codec.decode(zlib.decompress(found[1]))

    def put(self, article: EnrichedArticle) -> list[str] | None:
        """Keep an article; the ids of those that had to leave, None if a newer one is there."""
        version = (article.published_ms, article.ingested_ms)
        known = self._kept.get(article.article_id)
        if known is not None and known[0] >= version:
            return None
        small = self._codec.encode(article.model_copy(update={"embedding": None}))
        before = next(iter(self._kept), None)
        gone = self._kept.put(article.article_id, (version, zlib.compress(small, 1)))
        return [before] if gone and before is not None else []


@dataclass
class Given:
    """A command, what the jobs answered, and the command that took it back."""

    command: EditorialCommand | None = None
    answers: list[AuditEntry] = field(default_factory=list)
    undone_by: str | None = None

    @property
    def outcome(self) -> str:
        """pending, applied or refused: applied as soon as one job has applied it."""
        outcomes = {answer.outcome for answer in self.answers}
        if outcomes & {"applied", "repeated"}:
            return "applied"
        return "refused" if outcomes else "pending"


@dataclass(frozen=True)
class Correction:
    """What an editor says in place of a model."""

    value: Any
    by: str
    at_ms: int
    command_id: str


class Wall:
    """Alerts, stories, placements, commands, answers and signals as the topics tell them."""

    def __init__(self, limits: Limits) -> None:
        self.forget: Callable[[str], None] = _ignored
        """Called with each article that is no longer at hand."""
        self.alerts: Bounded[str, list[Alert]] = Bounded(limits.alerts)
        """Every state of an alert, in sequence, by alert_id."""
        self.stories: Bounded[str, Story] = Bounded(limits.stories)
        self.placements: Bounded[str, StoryArticle] = Bounded(limits.articles)
        self.members: dict[str, dict[str, None]] = {}
        """Ids of a story's articles at hand, in order of arrival."""
        self.articles = Packed(limits.articles)
        self.moods: Bounded[str, AudienceMood] = Bounded(limits.articles)
        """By subject: article/ID or story/ID."""
        self.moderation: Bounded[str, ModerationItem] = Bounded(_MOST_COMMENTS)
        """Comments that a person should look at, or did, by comment_id."""
        self.commands: Bounded[str, Given] = Bounded(_MOST_COMMANDS)
        self.decided = 0
        """Grows with each change of an alert, a command or an answer."""
        self.heard_ms: dict[str, int] = {}
        """Kafka's timestamp of the newest record by topic."""
        self.signals: deque[QualitySignal] = deque(maxlen=_MOST_SIGNALS)
        self.dead_letters: deque[tuple[int, str]] = deque(maxlen=_MOST_DEAD_LETTERS)
        """When something could not be processed, and why."""
        self._corrections: dict[str, list[str]] = {}

    def apply(self, record: Record) -> bool:
        """Take a record in; whether it changed anything."""
        changed = self._applied(record)
        if changed and isinstance(record, Alert | EditorialCommand | AuditEntry):
            self.decided += 1
        return changed

    def _applied(self, record: Record) -> bool:
        match record:
            case Alert():
                return self._apply_alert(record)
            case Story():
                return self._apply_story(record)
            case StoryArticle():
                return self._apply_placement(record)
            case EnrichedArticle():
                return self._apply_article(record)
            case EditorialCommand():
                return self._apply_command(record)
            case AuditEntry():
                return self._apply_answer(record)
            case AudienceMood():
                return self._apply_newer(self.moods, record.subject, record)
            case ModerationItem():
                return self._apply_newer(self.moderation, record.comment_id, record)
            case QualitySignal():
                self.signals.append(record)
                return True
            case DeadLetter():
                self.dead_letters.append((record.failed_ms, record.reason))
                return True
            case _:
                raise TypeError(f"{type(record).__name__} has no place on the wall")

    def alert(self, alert_id: str) -> Alert | None:
        """An alert as it stands."""
        states = self.alerts.get(alert_id)
        return states[-1] if states else None

    def open_alerts(self) -> Iterator[Alert]:
        """Alerts that have not ended, the newest first."""
        return (a for a in self.newest_alerts() if a.state not in ENDED)

    def newest_alerts(self) -> Iterator[Alert]:
        """Alerts as they stand, the one that changed last first."""
        return (states[-1] for states in reversed(self.alerts.values()))

    def alerts_of(self, story_id: str) -> list[Alert]:
        """Alerts about a story as they stand, the newest first."""
        return [alert for alert in self.newest_alerts() if alert.story_id == story_id]

    def newest_stories(self) -> Iterator[Story]:
        """Stories that are active, the one that changed last first."""
        return (s for s in reversed(self.stories.values()) if s.status == "active")

    def story(self, story_id: str) -> Story | None:
        """A story, or the one that it was merged into."""
        seen: set[str] = set()
        found = self.stories.get(story_id)
        while found is not None and found.merged_into and found.story_id not in seen:
            seen.add(found.story_id)
            found = self.stories.get(found.merged_into) or found
            if found.story_id in seen:
                break
        return found

    def story_of(self, article_id: str) -> Story | None:
        """The story that an article belongs to."""
        placed = self.placements.get(article_id)
        return self.story(placed.story_id) if placed else None

    def members_of(self, story_id: str) -> list[StoryArticle]:
        """The articles of a story that are at hand, the oldest first."""
        placed = (self.placements[article_id] for article_id in self.members.get(story_id, ()))
        return sorted(placed, key=lambda member: (member.published_ms, member.article_id))

    def corrections(self, article_id: str) -> dict[str, Correction]:
        """What editors say of an article, by field; the last word counts, unless it was undone."""
        said: dict[str, Correction] = {}
        for command_id in self._corrections.get(article_id, ()):
            given = self.commands.get(command_id)
            if given is None or given.command is None or given.undone_by:
                continue
            command = given.command
            for name, value in command.corrections.items():
                said[name] = Correction(
                    _json(value), command.author, command.issued_ms, command.command_id
                )
        return said

    def in_force(self, kinds: Iterable[str], now_ms: int) -> list[EditorialCommand]:
        """Commands of some kinds that were neither undone, refused nor have run out."""
        wanted = frozenset(kinds)
        return [
            given.command
            for given in self.commands.values()
            if given.command is not None
            and given.command.kind in wanted
            and not given.undone_by
            and given.outcome != "refused"
            and (given.command.until_ms is None or given.command.until_ms > now_ms)
        ]

    def _apply_alert(self, alert: Alert) -> bool:
        states = self.alerts.get(alert.alert_id, [])
        if any(state.sequence == alert.sequence for state in states):
            return False
        newest = sorted([*states, alert], key=lambda state: state.sequence)
        self.alerts.put(alert.alert_id, newest)
        return True

    def _apply_story(self, story: Story) -> bool:
        if self.stories.get(story.story_id) == story:
            return False
        self.stories.put(story.story_id, story)
        return True

    def _apply_placement(self, placed: StoryArticle) -> bool:
        before = self.placements.get(placed.article_id)
        if before == placed:
            return False
        if before is not None:
            self._leave(before)
        for forgotten in self.placements.put(placed.article_id, placed):
            self._leave(forgotten)
        self.members.setdefault(placed.story_id, {})[placed.article_id] = None
        return True

    def _leave(self, placed: StoryArticle) -> None:
        members = self.members.get(placed.story_id, {})
        members.pop(placed.article_id, None)
        if not members:
            self.members.pop(placed.story_id, None)

    def _apply_article(self, article: EnrichedArticle) -> bool:
        gone = self.articles.put(article)
        for article_id in gone or ():
            self.forget(article_id)
        return gone is not None

    def _apply_newer(self, kept: Bounded[str, Value], key: str, record: Value) -> bool:
        if kept.get(key) == record:
            return False
        kept.put(key, record)
        return True

    def _apply_command(self, command: EditorialCommand) -> bool:
        given = self._given(command.command_id)
        if given.command is not None:
            return False
        given.command = command
        if command.kind == "undo" and command.undoes:
            self._given(command.undoes).undone_by = command.command_id
        if command.kind == "correct_article" and command.article_id:
            self._corrections.setdefault(command.article_id, []).append(command.command_id)
        return True

    def _apply_answer(self, entry: AuditEntry) -> bool:
        given = self._given(entry.command_id)
        if entry in given.answers:
            return False
        given.answers.append(entry)
        return True

    def _given(self, command_id: str) -> Given:
        given = self.commands.get(command_id)
        if given is None:
            given = Given()
            for forgotten in self.commands.put(command_id, given):
                self._forget_corrections(forgotten)
        return given

    def _forget_corrections(self, given: Given) -> None:
        command = given.command
        if command is not None and command.article_id in self._corrections:
            left = [c for c in self._corrections[command.article_id] if c != command.command_id]
            if left:
                self._corrections[command.article_id] = left
            else:
                del self._corrections[command.article_id]


def _json(text: str) -> Any:
    """A correction's value: JSON, or the text as it stands where someone sent none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _ignored(_: str) -> None:
    """Nobody keeps anything about articles beside the wall."""
