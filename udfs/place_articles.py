"""Articles into stories."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pyflink.common import Row, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext

from models.breaking import commands
from models.breaking.commands import Addressed, audited
from models.breaking.desks import Desk
from models.packing import pack, unpack
from models.stories import cluster, density
from models.stories import received as articles
from models.stories.clustering import Clustering
from models.stories.neighbourhood import Answer, Neighbourhood, News, Tidying, to_bytes
from models.stories.received import Received
from schemas.codec import RecordCodec
from schemas.errors import CommandRefused
from schemas.registry import open_registry
from schemas.topics import EDITORIAL_AUDIT, STORIES_ARTICLES
from udfs.addressing import Post, addressed_type, messages
from udfs.collector import collect_seldom
from udfs.gauges import Numbers, expose
from udfs.kept_state import KeptState
from udfs.read_commands import audit_tag
from udfs.sparing_map import SparingMap
from udfs.wall_clock import wall_clock_ms

IDLE_MS = 60_000
"""A slot without an article for so long lets event time pass by itself."""

HOMES_IN_MEMORY = 1000
"""Of the newest articles of a slot; an article that comes again often does so at once."""

Emitted = Iterator[Row | tuple[OutputTag, Row]]


def news_for_desks_tag() -> OutputTag:
    """Side output of news for the desks, `addressed_type`, kind news."""
    return OutputTag("news-for-desks", addressed_type())


def news_for_telling_tag() -> OutputTag:
    """Side output of news for the telling of a story, `addressed_type`, kind news or gone."""
    return OutputTag("news-for-telling", addressed_type())


def mention_type() -> TypeInformation:
    """(story, entities, source, at_ms): an independent source takes up a story, null where it does
    not, and names entities.
    """
    names = Types.BASIC_ARRAY(Types.STRING())
    return Types.ROW_NAMED(
        ["story", "entities", "source", "at_ms"],
        [Types.STRING(), names, Types.STRING(), Types.LONG()],
    )


def mentions_tag() -> OutputTag:
    """Side output of what the windows count, `mention_type`."""
    return OutputTag("mentions", mention_type())


@dataclass
class PlaceStats(Numbers):
    """What the operator has done since it was opened; times of the newest article."""

    articles: int = 0
    repeated: int = 0
    new_versions: int = 0
    late: int = 0
    opened: int = 0
    copies: int = 0
    merged: int = 0
    split: int = 0
    stories_active: int = 0
    placing_us: int = 0
    event_time_lag_ms: int = 0


@dataclass
class _Said:
    """What a step says when it is over: to the telling, to the desks, and for `PlaceStats`."""

    to_telling: Post = field(default_factory=Post)
    to_desks: Post = field(default_factory=Post)
    counts: Counter[str] = field(default_factory=Counter)


class PlaceArticles(KeyedProcessFunction):
    """Lets each article join its story or open one. Keyed by slot, see `models.stories.partition`.

    In: `messages`, kind article or command. Out: Row(key, value) of
    stories.articles. Side outputs: news for the desks and for the telling, what the windows count,
    answers to commands.

    State: the pieces of each language of the slot, in memory, too, restored when the slot is
    met for the first time; where each article went, for `memory_s` seconds, so that an article that
    comes again is passed over and a new version of it counts nothing. Timer, processing time: a
    slot without articles goes on merging, splitting and expiring.
    """

    def __init__(
        self,
        *,
        clustering: Clustering,
        tidying: Tidying,
        desks: tuple[Desk, ...],
        memory_s: int,
        registry_url: str | None,
        registry_auth: str | None,
    ) -> None:
        self._clustering = clustering
        self._tidying = tidying
        self._desks = desks
        self._memory_s = memory_s
        self._registry = (registry_url, registry_auth)
        self._for_desks = news_for_desks_tag()
        self._for_telling = news_for_telling_tag()
        self._mentions = mentions_tag()
        self._audit = audit_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        collect_seldom()
        density.hdbscan()
        registry = open_registry(*self._registry)
        self._placed = RecordCodec(STORIES_ARTICLES, registry)
        self._entries = RecordCodec(EDITORIAL_AUDIT, registry)
        self._kept = KeptState(runtime_context, "neighbourhoods")
        self._homes = SparingMap(
            runtime_context, "homes", lifetime_s=self._memory_s, recent=HOMES_IN_MEMORY
        )
        self._slots: dict[str, dict[str, Neighbourhood]] = {}
        self._seen_at: dict[str, tuple[float, int]] = {}
        self._stats = PlaceStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Emitted:
        slot = ctx.get_current_key()
        places = self._slot(slot)
        said = _Said()
        received = []
        begun = time.perf_counter_ns()
        for _, kind, payload in messages(value):
            if kind == "command":
                yield from self._obey(commands.from_bytes(payload), places, said)
            else:
                article = articles.from_bytes(payload)
                received.append(article)
                yield from self._emit(self._place(article, slot, places, said), article, said)
        yield from self._finish(said, places)
        if received:
            self._watch_idleness(slot, ctx)
            self._stats.placing_us = (time.perf_counter_ns() - begun) // 1000 // len(received)
            self._stats.event_time_lag_ms = wall_clock_ms() - received[-1].at_ms

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Emitted:
        slot = ctx.get_current_key()
        places = self._slot(slot)
        if slot not in self._seen_at:  # the job has begun anew, and no article came since
            self._watch_idleness(slot, ctx)
        heard_s, newest_ms = self._seen_at[slot]
        idle_ms = int((time.monotonic() - heard_s) * 1000)
        if idle_ms >= IDLE_MS:
            said = _Said()
            for neighbourhood in places.values():
                answer = neighbourhood.tidy(newest_ms + idle_ms, newest_ms + idle_ms)
                yield from self._emit(answer, None, said)
            yield from self._finish(said, places)
        _wake(ctx)

    def _place(
        self, article: Received, slot: str, places: dict[str, Neighbourhood], said: _Said
    ) -> Answer:
        """Place an article unless it was."""
        said.counts["articles"] += 1
        where = article.language
        home = self._homes.get(slot, article.article_id)
        if home is None:
            answer = self._neighbourhood(where, places).place(article)
            story_id = answer.placed[-1].story_id if answer.placed else ""
            self._settle(article, slot, where, story_id)
            return answer
        lives, story_id, content_hash = unpack(home)
        if content_hash == article.content_hash:
            said.counts["repeated"] += 1
            return Answer()
        said.counts["new_versions"] += 1
        self._settle(article, slot, lives, story_id)
        return self._neighbourhood(lives, places).revise(article, story_id)

    def _settle(self, article: Received, slot: str, where: str, story_id: str) -> None:
        home = pack([where, story_id, article.content_hash])
        self._homes.put(slot, article.article_id, home)

    def _obey(self, given: Addressed, places: dict[str, Neighbourhood], said: _Said) -> Emitted:
        """Merge or split where the story is; the other slots keep silent."""
        command = given.command
        story_id = str(command.story_id)
        where = next((w for w, each in places.items() if each.knows(story_id)), None)
        if where is None:
            return
        now_ms = wall_clock_ms()
        try:
            if command.kind == "merge":
                other = str(command.other_story_id)
                answer = places[where].merge(story_id, other, now_ms)
                done = f"{other} is part of {places[where].stories.current(story_id)} now"
            else:
                answer = places[where].part(story_id, command.article_ids, now_ms)
                done = f"{len(answer.placed)} articles are {answer.placed[0].story_id} now"
        except CommandRefused as refusal:
            entry = audited(command, "refused", str(refusal), at_ms=now_ms)
        else:
            yield from self._emit(answer, None, said)
            entry = audited(command, "applied", done, at_ms=now_ms)
        yield self._audit, Row(entry.command_id.encode(), self._entries.encode(entry))

    def _emit(self, answer: Answer, article: Received | None, said: _Said) -> Emitted:
        """What leaves at once; news waits until all of the step is said."""
        for placed in answer.placed:
            yield Row(placed.article_id.encode(), self._placed.encode(placed))
        for news in answer.news:
            packed = to_bytes(news)
            said.to_telling.add_about(news.story_id, "news", packed)
            if news.kind == "merged":
                said.to_telling.add_about(news.other, "gone", news.story_id.encode())
            for desk in self._listeners(news, article):
                said.to_desks.add(desk, "news", packed)
        said.counts.update(_counted(answer))
        if article is not None and answer.placed[-1:]:
            yield from self._mentioned(answer, article)

    def _mentioned(self, answer: Answer, article: Received) -> Emitted:
        """What the windows count of an article; a copy names nothing."""
        story_id = next((news.story_id for news in answer.news if news.kind == "pickup"), None)
        counts = article.counts and not _copied(answer)
        names = [name.key for name in article.names] if counts else []
        if story_id is not None or names:
            yield self._mentions, Row(story_id, names, article.independent, article.at_ms)

    def _listeners(self, news: News, article: Received | None) -> list[str]:
        """Desks that must know; of a pick-up those that follow the article."""
        if news.kind == "told":
            return []
        if news.kind != "pickup" or article is None:
            return [desk.name for desk in self._desks]
        codes = {code for c in article.concepts for code in (c.code, *c.broader)}
        return [desk.name for desk in self._desks if desk.follows(article.language, codes)]

    def _slot(self, slot: str) -> dict[str, Neighbourhood]:
        """The languages of a slot, restored if it is met for the first time."""
        if slot not in self._slots:
            states: dict[str, dict[str, object]] = {}
            for name, piece in self._kept.pieces():
                where, _, own_name = name.partition("\x1f")
                states.setdefault(where, {})[own_name] = piece
            places: dict[str, Neighbourhood] = {}
            for where, state in states.items():
                self._neighbourhood(where, places).restore(state)
            self._slots[slot] = places
        return self._slots[slot]

    def _neighbourhood(self, where: str, places: dict[str, Neighbourhood]) -> Neighbourhood:
        if where not in places:
            places[where] = Neighbourhood(self._clustering, self._tidying, width=cluster.WIDTH)
        return places[where]

    def _finish(self, said: _Said, places: dict[str, Neighbourhood]) -> Emitted:
        """Say what waited, and write what has changed."""
        for record in said.to_telling.records():
            yield self._for_telling, record
        for record in said.to_desks.records():
            yield self._for_desks, record
        self._homes.write()
        for where, neighbourhood in places.items():
            changes = neighbourhood.changes()
            self._kept.write({f"{where}\x1f{name}": piece for name, piece in changes.items()})
        for name, more in said.counts.items():
            setattr(self._stats, name, getattr(self._stats, name) + more)
        self._stats.stories_active = sum(
            len(n.stories.active) for places in self._slots.values() for n in places.values()
        )

    def _watch_idleness(self, slot: str, ctx: KeyedProcessFunction.Context) -> None:
        newest_ms = max((n.stories.newest_ms for n in self._slots[slot].values()), default=0)
        if slot not in self._seen_at:
            _wake(ctx)
        self._seen_at[slot] = (time.monotonic(), newest_ms)


def _wake(ctx: KeyedProcessFunction.Context) -> None:
    """A timer on the next mark: one that a savepoint brings back and a new one are the same."""
    service = ctx.timer_service()
    now_ms = service.current_processing_time()
    service.register_processing_time_timer((now_ms // IDLE_MS + 1) * IDLE_MS)


def _counted(answer: Answer) -> dict[str, int]:
    """What an answer adds to `PlaceStats`."""
    new = [each for each in answer.placed if each.previous_story_id is None]
    return {
        "late": answer.late,
        "merged": answer.merged,
        "split": answer.split,
        "opened": sum(each.article_id == each.story_id for each in new),
        "copies": sum(each.copy_of is not None for each in new),
    }


def _copied(answer: Answer) -> bool:
    """Whether the article that was placed last repeats another."""
    return answer.placed[-1].copy_of is not None
