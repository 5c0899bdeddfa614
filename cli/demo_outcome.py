"""What the demo must lead to beside enriched articles: one alert, a mood, a queue, profiles."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from local.demo import corpus
from local.demo.traffic import Sent
from schemas.alert import Alert
from schemas.audience import AudienceMood
from schemas.comment import EnrichedComment
from schemas.moderation import ModerationItem
from schemas.record import Record
from schemas.topics import COMMENTS_RAW, USER_EVENTS

STANDS = ("opened", "escalated", "confirmed")
"""States of an alert that stands."""


@dataclass
class Outcome:
    """What has come so far; what other traffic on the topics leads to does not count.

    began_ms  alerts raised before belong to an earlier run
    """

    sent: Sequence[Sent]
    began_ms: int
    moods: list[AudienceMood] = field(default_factory=list)
    """Of the breaking story, as they were told."""
    queued: set[str] = field(default_factory=set)
    _alerts: dict[str, Alert] = field(default_factory=dict)
    _comments: set[str] = field(default_factory=set)
    _readers: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        news = corpus.articles()
        self._story = {a.article_id for a in news if a.story == corpus.BREAKING}
        self._titles = {a.title for a in news}
        self._story_titles = {a.title for a in news if a.story == corpus.BREAKING}
        comments = [each for each in self.sent if each.topic == COMMENTS_RAW.name]
        deleted = {each.key for each in comments if each.record is None}
        self._awaited_comments = {each.key for each in comments} - deleted
        self._awaited_readers = {each.key for each in self.sent if each.topic == USER_EVENTS.name}

    def take(self, record: Record) -> None:
        """A record of a topic that the jobs write."""
        match record:
            case Alert():
                self._alerts[record.alert_id] = record
            case AudienceMood() if record.subject.removeprefix("story/") in self._story:
                self.moods.append(record)
            case EnrichedComment():
                self._comments.add(record.comment_id)
            case ModerationItem() if record.comment_id in self._awaited_comments:
                self.queued.add(record.comment_id)

    def take_reader(self, key: str) -> None:
        """A profile was told; what is in it only the key ring opens."""
        self._readers.add(key)

    @property
    def alert(self) -> Alert | None:
        """The alert about the story that breaks; an earlier run's, if it still stands."""
        found = [
            alert
            for alert in self._alerts.values()
            if alert.title in self._story_titles and alert.state in STANDS
        ]
        return max(found, key=lambda alert: alert.at_ms, default=None)

    @property
    def false_alarms(self) -> list[str]:
        """Stories that this run raised an alert about and should not have."""
        return [
            alert.title
            for alert in self._alerts.values()
            if alert.raised_ms >= self.began_ms and alert.title in self._titles - self._story_titles
        ]

    @property
    def missing(self) -> list[str]:
        """What has not come yet, in words."""
        comments = len(self._awaited_comments - self._comments)
        readers = len(self._awaited_readers - self._readers)
        return [
            what
            for what, is_missing in (
                ("the alert", self.alert is None),
                (f"{comments} comments", comments),
                ("the mood of the story", not self.moods),
                ("the moderation queue", not self.queued),
                (f"{readers} readers' profiles", readers),
            )
            if is_missing
        ]

    @property
    def seen(self) -> int:
        """How much has come, of everything."""
        counted = (self._alerts, self.moods, self._comments, self.queued, self._readers)
        return sum(map(len, counted))

    @property
    def comments(self) -> int:
        """Comments that were analysed."""
        return len(self._comments & self._awaited_comments)

    @property
    def readers(self) -> int:
        """Readers of whom there is a profile."""
        return len(self._readers & self._awaited_readers)
