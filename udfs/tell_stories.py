"""Stories as they stand, told at most once a second."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from models.breaking import commands, told
from models.breaking.told import Told
from models.packing import pack, unpack
from models.stories import neighbourhood
from schemas.codec import RecordCodec
from schemas.editorial import AuditEntry
from schemas.registry import open_registry
from schemas.story import Story, StoryBurst, StoryScore
from schemas.topics import EDITORIAL_AUDIT, STORIES
from udfs.addressing import Message, messages
from udfs.gauges import Numbers, expose
from udfs.read_commands import audit_tag
from udfs.sparing_map import SparingMap
from udfs.wall_clock import wall_clock_ms
from udfs.write_stories import StoriesInRedis
from udfs.write_values import END_OF_INPUT

IN_MEMORY = 500
"""Stories of a shard that are not read from state again, the last ones changed."""


@dataclass
class TellStats(Numbers):
    """What the operator has done since it was opened."""

    heard: int = 0
    told: int = 0


class TellStories(KeyedProcessFunction):
    """Joins what neighbourhoods, desks and editors say of a story. Keyed by `shard_of` its id.

    In: `messages`, kind news, gone, scored, burst or command. Out: Row(key, value) of
    stories, which go to Redis, too, with the story of each article. Side output: answers to
    commands.

    State: `Told` by story, for `memory_s` seconds from its last change; the stories that wait to be
    told, each with its new articles. Timers: a shard tells when `every_ms` of processing time have
    passed since it had nothing to tell, and when the input ends.
    """

    def __init__(
        self,
        *,
        desks: list[str],
        redis: dict[str, object],
        every_ms: int,
        pin_ms: int,
        memory_s: int,
        registry_url: str | None,
        registry_auth: str | None,
    ) -> None:
        self._desks = desks
        self._redis = redis
        self._every_ms = every_ms
        self._pin_ms = pin_ms
        self._memory_s = memory_s
        self._registry = (registry_url, registry_auth)
        self._audit = audit_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        registry = open_registry(*self._registry)
        self._stories = RecordCodec(STORIES, registry)
        self._entries = RecordCodec(EDITORIAL_AUDIT, registry)
        self._told = SparingMap(
            runtime_context, "told-stories", lifetime_s=self._memory_s, recent=IN_MEMORY
        )
        self._waiting_state = runtime_context.get_map_state(
            MapStateDescriptor("waiting", Types.STRING(), Types.PICKLED_BYTE_ARRAY())
        )
        self._waiting: dict[str, dict[str, list[str]]] = {}
        self._armed: set[str] = set()  # shards with a timer; a forgotten one is only set again
        self._in_redis = StoriesInRedis(**self._redis)  # type: ignore[arg-type]
        self._stats = TellStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def close(self) -> None:
        self._in_redis.close()

    def process_element(
        self, value: bytes, ctx: KeyedProcessFunction.Context
    ) -> Iterator[tuple[OutputTag, Row]]:
        shard = ctx.get_current_key()
        by_story: dict[str, list[Message]] = {}
        for message in messages(value):
            by_story.setdefault(message.name, []).append(message)
        waiting: dict[str, list[str]] = {}
        for story_id, about in by_story.items():
            packed = self._told.get(shard, story_id)
            state = told.from_bytes(packed) if packed else None
            articles: list[str] = []
            for message in about:
                state, new, answer = self._step(state, message)
                articles += new
                if answer is not None:
                    yield self._audit, Row(answer.command_id.encode(), self._entries.encode(answer))
            if state is not None and state.changed:
                self._told.put(shard, story_id, told.to_bytes(state))
                waiting[story_id] = articles
        self._told.write()
        self._wait(shard, waiting)
        self._stats.heard += sum(map(len, by_story.values()))
        if waiting and shard not in self._armed:
            self._armed.add(shard)
            service = ctx.timer_service()
            due_ms = service.current_processing_time() + self._every_ms
            service.register_processing_time_timer(due_ms)
            service.register_event_time_timer(END_OF_INPUT)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        shard = ctx.get_current_key()
        self._armed.discard(shard)
        waiting = self._waiting_of(shard)
        homes: dict[str, str] = {}
        stories: list[Story] = []
        pins: dict[str, dict[str, int | None]] = {}
        for story_id, articles in waiting.items():
            packed = self._told.get(shard, story_id)
            state = told.from_bytes(packed) if packed else Told()
            homes |= dict.fromkeys(articles, told.home(story_id, state))
            if story := told.record(story_id, state):
                stories.append(story)
                pins[story_id] = told.pins(state, self._desks)
        if stories or homes:
            self._in_redis.write(stories, homes, pins)
        for story in stories:
            yield Row(story.story_id.encode(), self._stories.encode(story))
        self._stats.told += len(stories)
        self._waiting_state.clear()
        waiting.clear()

    def _wait(self, shard: str, more: Mapping[str, Sequence[str]]) -> None:
        """Stories wait to be told, each with more articles."""
        waiting = self._waiting_of(shard)
        changed = {}
        for story_id, articles in more.items():
            if story_id not in waiting or articles:
                known = waiting.setdefault(story_id, [])
                known += articles
                changed[story_id] = pack(known)
        if changed:
            self._waiting_state.put_all(changed)

    def _waiting_of(self, shard: str) -> dict[str, list[str]]:
        """The stories of the current key that wait, restored when the key is met first."""
        if shard not in self._waiting:
            kept = self._waiting_state.items()
            self._waiting[shard] = {story_id: unpack(packed) for story_id, packed in kept}
        return self._waiting[shard]

    def _step(
        self, state: Told | None, message: Message
    ) -> tuple[Told | None, tuple[str, ...], AuditEntry | None]:
        """The state after a message, its new articles, and an answer if it was a command."""
        _, kind, payload = message
        if kind == "command":
            given = commands.from_bytes(payload)
            wall_ms = wall_clock_ms()
            return state, (), told.command(state, given, pin_ms=self._pin_ms, wall_ms=wall_ms)
        state = state or Told()
        articles: tuple[str, ...] = ()
        if kind == "news":
            news = neighbourhood.from_bytes(payload)
            told.hear(state, news)
            articles = tuple(news.articles)
        elif kind == "gone":
            told.become(state, payload.decode())
        elif kind == "scored":
            told.score(state, StoryScore.model_validate(unpack(payload)))
        else:
            told.judge(state, StoryBurst.model_validate(unpack(payload)))
        return state, articles, None
