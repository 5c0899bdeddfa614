"""Voices to the mood of their subject."""

import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pyflink.common import Row, Time, Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext, TimeDomain
from pyflink.datastream.state import MapStateDescriptor, ValueStateDescriptor

from models.audience.mood import MoodPolicy, kept, mood
from models.audience.voices import Voice, unpacked
from schemas.codec import RecordCodec
from schemas.registry import open_registry
from schemas.topics import AUDIENCE_SENTIMENT
from udfs.comment_rows import GONE, LATE, PLACED, SAID, story_voices_tag
from udfs.gauges import Numbers, expose
from udfs.state_ttl import expiring
from udfs.wall_clock import wall_clock_ms

_SPARE_LIFE = 2
"""State outlives the horizon so many times, lest a job that stood still forget too soon."""


@dataclass
class MoodStats(Numbers):
    """What the operator has done since it was opened."""

    voices: int = 0
    taken_back: int = 0
    late_ignored: int = 0
    moods: int = 0


@dataclass
class Subject:
    """What is kept of a subject beside its state.

    shift_ms  its stretches begin so much after those that begin at 0: not all end at once
    changed   whether something happened since the last mood
    told_ms   moment of the last mood, None before the first
    due_ms, clock_due_ms  the timers that were set last and have not fired: not set twice
    clock_watermark_ms    where event time stood when the clock's was set
    """

    voices: dict[str, Voice]
    story_id: str
    late: int
    shift_ms: int
    changed: bool = True
    told_ms: int | None = None
    due_ms: int | None = None
    clock_due_ms: int | None = None
    clock_watermark_ms: int | None = None

    @property
    def newest_ms(self) -> int | None:
        """Event time of the newest voice."""
        return max((v.published_ms for v in self.voices.values()), default=None)


class FollowMoods(KeyedProcessFunction):
    """Keyed by article or story. Emits Row(key, value) of audience.sentiment.

    In: `mood_event_type`. State: the voices by comment id (msgpack), the article's story, how many
    came late; twice the horizon. A copy of both is held in memory for the subjects used last, and
    read back lazily. Timers: in event time the end of each stretch of `every_s` in which someone
    spoke, each subject's at another moment, and the moment at which all is forgotten; in processing
    time `patience_ms`, so that the last comments are heard although no later one moves the
    watermark. Under backlog only the newest of several moods that are due is told. Side output:
    what an article's story hears.
    """

    def __init__(
        self,
        *,
        kind: Literal["article", "story"],
        policy: MoodPolicy,
        lateness_s: int,
        every_s: int,
        patience_ms: int,
        in_memory: int,
        registry_url: str | None,
        registry_auth: str | None,
    ) -> None:
        self._kind = kind
        self._policy = policy
        self._lateness_ms = lateness_s * 1000
        self._every_ms = every_s * 1000
        self._patience_ms = patience_ms
        self._in_memory = in_memory
        self._registry = (registry_url, registry_auth)
        self._stories = story_voices_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        self._moods = RecordCodec(AUDIENCE_SENTIMENT, open_registry(*self._registry))
        life = Time.milliseconds(_SPARE_LIFE * self._policy.horizon_ms)
        voices = MapStateDescriptor("voices", Types.STRING(), Types.PICKLED_BYTE_ARRAY())
        story = ValueStateDescriptor("story", Types.STRING())
        late = ValueStateDescriptor("late", Types.LONG())
        for described in (voices, story, late):
            described.enable_time_to_live(expiring(life))
        self._voices = runtime_context.get_map_state(voices)
        self._story = runtime_context.get_state(story)
        self._late = runtime_context.get_state(late)
        self._subjects: OrderedDict[str, Subject] = OrderedDict()
        self._stats = MoodStats()
        metrics = runtime_context.get_metrics_group().add_group("wiredesk", self._kind)
        expose(metrics, self._stats)

    def process_element(
        self, value: Row, ctx: KeyedProcessFunction.Context
    ) -> Iterator[Row | tuple[OutputTag, Row]]:
        key, kind, comment_id, event_ms, packed, story_id = value
        subject = self._subject(key)
        watermark_ms = ctx.timer_service().current_watermark()
        if kind == SAID and self._kind == "article" and self._is_late(event_ms, watermark_ms):
            kind = LATE
        if kind == PLACED:
            yield from self._place(subject, story_id)
            return
        if kind in (GONE, LATE) and comment_id in subject.voices:
            self._take_back(subject, comment_id)
        if kind == LATE:
            subject.late += 1
            self._late.update(subject.late)
            self._stats.late_ignored += 1
        if kind == SAID:
            packed = bytes(packed)
            said = unpacked(packed)
            subject.voices[comment_id] = said
            self._voices.put(comment_id, packed)
            self._stats.voices += 1
            self._wait_for_stretch(subject, said.published_ms, ctx)
        subject.changed = True
        self._wait_for_clock(subject, ctx)
        if subject.story_id:
            yield self._stories, Row(subject.story_id, kind, comment_id, event_ms, packed, "")

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        key = ctx.get_current_key()
        subject = self._subject(key)
        newest_ms = subject.newest_ms
        if ctx.time_domain() == TimeDomain.PROCESSING_TIME:
            subject.clock_due_ms = None
            if self._event_time_will_tell(subject, ctx):
                self._wait_for_clock(subject, ctx)
                return
            at_ms = newest_ms or subject.told_ms or wall_clock_ms()
        else:
            subject.due_ms = None
            at_ms = timestamp
            watermark_ms = ctx.timer_service().current_watermark()
            if newest_ms is not None and (
                timestamp < self._stretch_end(subject, newest_ms) <= watermark_ms
            ):
                return  # a later mood is due at once
        at_ms = max(at_ms, subject.told_ms or at_ms)
        unheard = newest_ms is not None and (subject.told_ms is None or newest_ms > subject.told_ms)
        self._forget(subject, at_ms)
        if subject.changed or unheard:
            yield self._tell(key, subject, at_ms)
        if subject.voices:
            end_ms = self._stretch_end(subject, (newest_ms or at_ms) + self._policy.horizon_ms)
            ctx.timer_service().register_event_time_timer(end_ms)

    def _tell(self, key: str, subject: Subject, at_ms: int) -> Row:
        name = f"{self._kind}/{key}"
        found = mood(
            name,
            subject.voices,
            at_ms,
            self._policy,
            late_ignored=subject.late,
            updated_ms=wall_clock_ms(),
        )
        subject.changed, subject.told_ms = False, at_ms
        self._stats.moods += 1
        return Row(name.encode(), self._moods.encode(found))

    def _place(self, subject: Subject, story_id: str) -> Iterator[tuple[OutputTag, Row]]:
        """The article belongs to a story: what was said under it is said there, not elsewhere."""
        if story_id == subject.story_id:
            return
        for comment_id, said in subject.voices.items():
            if subject.story_id:
                yield self._stories, Row(subject.story_id, GONE, comment_id, 0, b"", "")
            packed = bytes(self._voices.get(comment_id))
            yield self._stories, Row(story_id, SAID, comment_id, said.published_ms, packed, "")
        subject.story_id = story_id
        self._story.update(story_id)

    def _take_back(self, subject: Subject, comment_id: str) -> None:
        del subject.voices[comment_id]
        self._voices.remove(comment_id)
        self._stats.taken_back += 1

    def _forget(self, subject: Subject, at_ms: int) -> None:
        """Drop the voices that are too old or too many for any later mood."""
        newest_ms = max(at_ms, subject.newest_ms or at_ms)
        remembered = kept(subject.voices, newest_ms, self._policy)
        aged = [i for i, v in subject.voices.items() if v.published_ms <= at_ms]
        for comment_id in aged:
            if comment_id not in remembered:
                del subject.voices[comment_id]
                self._voices.remove(comment_id)

    def _subject(self, key: str) -> Subject:
        """The subject from memory, else from state; the one used longest ago leaves memory."""
        if key not in self._subjects:
            self._subjects[key] = Subject(
                voices={i: unpacked(bytes(packed)) for i, packed in self._voices.items()},
                story_id=self._story.value() or "",
                late=self._late.value() or 0,
                shift_ms=zlib.crc32(key.encode()) % self._every_ms,
            )
            if len(self._subjects) > self._in_memory:
                self._subjects.popitem(last=False)
        self._subjects.move_to_end(key)
        return self._subjects[key]

    def _is_late(self, event_ms: int, watermark_ms: int) -> bool:
        return event_ms < watermark_ms - self._lateness_ms

    def _stretch_end(self, subject: Subject, moment_ms: int) -> int:
        """The end of the subject's stretch that a moment lies in."""
        stretches = -((subject.shift_ms - moment_ms) // self._every_ms)
        return stretches * self._every_ms + subject.shift_ms

    def _wait_for_stretch(
        self, subject: Subject, moment_ms: int, ctx: KeyedProcessFunction.Context
    ) -> None:
        """Tell the mood when event time has passed the stretch of a moment."""
        end_ms = self._stretch_end(subject, moment_ms)
        if subject.due_ms != end_ms:
            ctx.timer_service().register_event_time_timer(end_ms)
            subject.due_ms = end_ms

    def _wait_for_clock(self, subject: Subject, ctx: KeyedProcessFunction.Context) -> None:
        """Tell the mood soon, should event time stand still; one timer for many comments."""
        if subject.clock_due_ms is None:
            subject.clock_due_ms = wall_clock_ms() + self._patience_ms
            subject.clock_watermark_ms = ctx.timer_service().current_watermark()
            ctx.timer_service().register_processing_time_timer(subject.clock_due_ms)

    def _event_time_will_tell(
        self, subject: Subject, ctx: KeyedProcessFunction.OnTimerContext
    ) -> bool:
        """Whether a mood is due in event time, and that has moved while the clock was waited for.

        Where it has not been waited for (the timer is of an operator that was restored), the clock
        tells.
        """
        before_ms = subject.clock_watermark_ms
        moved = before_ms is not None and ctx.timer_service().current_watermark() > before_ms
        return moved and subject.due_ms is not None
