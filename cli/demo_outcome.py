"""What the demo must lead to beside enriched articles: one alert, a mood, a queue, profiles."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from local.demo import corpus
from local.demo.traffic import Sent
from schemas.alert import Alert
from schemas.audience import AudienceMood
from schemas.comment import EnrichedComment
from schemas.moderation import ModerationItem
from schemas.reader_demand import ReaderDemand
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
    _came: dict[str, int] = field(default_factory=dict)
    """Readers who came to the story that breaks, by window."""

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
            case ReaderDemand() if record.begin_ms >= self.began_ms:
                read = {story.story_id: story.readers for story in record.most_read}
                self._came[record.key] = sum(read.get(story_id, 0) for story_id in self._story)
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
    def mood(self) -> AudienceMood | None:
        """The newest of the story that breaks; of several stories that its articles were taken for,
        that of which most was said.
        """
        newest = {mood.subject: mood for mood in sorted(self.moods, key=lambda mood: mood.at_ms)}
        return max(newest.values(), key=lambda mood: mood.comments, default=None)

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
    def followed(self) -> int:
        """How much has come of what follows the comments."""
        return len(self.moods) + len(self.queued)

    @property
    def comments(self) -> int:
        """Comments that were analysed."""
        return len(self._comments & self._awaited_comments)

    @property
    def came(self) -> int:
        """Readers who came to the story that breaks for the first time, as far as it was told; on a
        stack that saw them in an earlier run, none.
        """
        return sum(self._came.values())

    @property
    def readers(self) -> int:
        """Readers of whom there is a profile."""
        return len(self._readers & self._awaited_readers)


def mood_line(mood: AudienceMood) -> str:
    """Where a mood stands, where it stood before it turned, and whose weight was cut."""
    if mood.sentiment is None:
        return f"mood of the story unknown: no model answers for its {mood.comments} comments"
    line = f"mood of the story {mood.sentiment.mean:+.2f} of {mood.comments} comments"
    before = [
        moment.sentiment
        for moment in mood.history
        if mood.turned_ms is not None
        and moment.at_ms <= mood.turned_ms
        and moment.sentiment is not None
    ]
    if mood.turned_ms is not None and before:
        at = datetime.fromtimestamp(mood.turned_ms / 1000).strftime("%H:%M:%S")
        line += f", turned {mood.turned} at {at} from {before[-1]:+.2f}"
    return f"{line}; {mood.near_copies} copies and {mood.capped_authors} loud authors discounted"
