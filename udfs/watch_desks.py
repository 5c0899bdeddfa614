"""News to alerts, desk by desk."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pyflink.common import Row
from pyflink.datastream import KeyedProcessFunction, OutputTag, RuntimeContext

from models.breaking import commands, scorer
from models.breaking.desk import DeskAtWork
from models.breaking.desks import Desk
from models.breaking.outs import Burst, Out, Scored, Windows
from models.breaking.readership import Demand
from models.breaking.watching import Terms
from models.packing import pack, unpack
from models.stories import neighbourhood
from schemas.alert import Alert
from schemas.codec import RecordCodec
from schemas.editorial import AuditEntry
from schemas.quality_signal import QualitySignal
from schemas.registry import open_registry
from schemas.topics import ALERTS_BREAKING, EDITORIAL_AUDIT, QUALITY_SIGNALS
from udfs.addressing import Message, Post, messages
from udfs.gauges import Numbers, expose
from udfs.kept_state import KeptState
from udfs.place_articles import news_for_telling_tag
from udfs.read_commands import audit_tag
from udfs.route_outcomes import kafka_record_type
from udfs.wall_clock import wall_clock_ms

IDLE_MS = 30_000
"""A desk without news for so long lets event time pass by itself while an alert stands."""

STATES = ("opened", "escalated", "confirmed", "dismissed", "corrected", "closed")

Emitted = Iterator[Row | tuple[OutputTag, Row]]


def signals_tag() -> OutputTag:
    """Side output of Kafka records of quality.signals."""
    return OutputTag("quality-signals", kafka_record_type())


@dataclass
class DeskStats(Numbers):
    """What the operator has done since it was opened."""

    news: int = 0
    scored: int = 0
    scoring_us: int = 0
    event_time_lag_ms: int = 0
    alerts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    commands: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("applied", "refused", "repeated"), 0)
    )


class WatchDesks(KeyedProcessFunction):
    """Scores stories as sources take them up, and alerts. Keyed by desk.

    In: `messages`, kind news, windows, demand or command. Out: Row(key, value) of
    alerts.breaking.
    Side outputs: scores and judged windows for the telling, answers to commands, quality signals.

    State: the pieces of the desk, in memory, too, restored when the desk is met for the first time.
    Timer, processing time: alerts end even if no news comes.
    """

    def __init__(
        self,
        *,
        desks: tuple[Desk, ...],
        scorer_file: Path,
        terms: Terms,
        registry_url: str | None,
        registry_auth: str | None,
    ) -> None:
        self._desks = {desk.name: desk for desk in desks}
        self._tells_bursts = desks[0].name
        self._scorer_file = scorer_file
        self._terms = terms
        self._registry = (registry_url, registry_auth)
        self._for_telling = news_for_telling_tag()
        self._audit = audit_tag()
        self._signals = signals_tag()

    def open(self, runtime_context: RuntimeContext) -> None:
        registry = open_registry(*self._registry)
        self._alerts = RecordCodec(ALERTS_BREAKING, registry)
        self._entries = RecordCodec(EDITORIAL_AUDIT, registry)
        self._quality = RecordCodec(QUALITY_SIGNALS, registry)
        self._scorer = scorer.read(self._scorer_file)
        self._kept = KeptState(runtime_context, "desk")
        self._at_work: dict[str, DeskAtWork] = {}
        self._heard: dict[str, tuple[float, int]] = {}
        self._stats = DeskStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Emitted:
        desk = self._desk(ctx.get_current_key())
        if desk is None:  # of a savepoint; the file has it no more
            return
        begun = time.perf_counter_ns()
        told = list(messages(value))
        wall_ms = wall_clock_ms()
        outs = [out for message in told for out in self._step(desk, message, wall_ms)]
        if news := sum(message.kind == "news" for message in told):
            self._heard[desk.desk.name] = (time.monotonic(), desk.now_ms)
            self._stats.news += news
            self._stats.event_time_lag_ms = wall_ms - desk.now_ms
        self._stats.scoring_us = (time.perf_counter_ns() - begun) // 1000 // len(told)
        yield from self._emit(desk, outs)
        self._kept.write(desk.changes())
        if any(isinstance(out, Alert) for out in outs) and desk.live():
            _wake(ctx)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Emitted:
        name = ctx.get_current_key()
        desk = self._desk(name)
        if desk is None:
            return
        heard_s, heard_ms = self._heard.setdefault(name, (time.monotonic(), desk.now_ms))
        idle_ms = int((time.monotonic() - heard_s) * 1000)
        wall_ms = wall_clock_ms()
        now_ms = min(wall_ms, heard_ms + idle_ms)
        outs = desk.tick(now_ms, wall_ms) if idle_ms >= IDLE_MS else []
        yield from self._emit(desk, outs)
        self._kept.write(desk.changes())
        if desk.live():
            _wake(ctx)

    def _step(self, desk: DeskAtWork, message: Message, wall_ms: int) -> list[Out]:
        _, kind, payload = message
        if kind == "news":
            return desk.hear(neighbourhood.from_bytes(payload), wall_ms)
        if kind == "windows":
            return desk.judge(Windows(*unpack(payload)))
        if kind == "demand":
            return desk.hear_readers(Demand(*unpack(payload)), wall_ms)
        given = commands.from_bytes(payload)
        if given.undo is not None:
            return desk.take_back(given.undo, given.command, wall_ms)
        return desk.command(given.command, wall_ms)

    def _emit(self, desk: DeskAtWork, outs: list[Out]) -> Emitted:
        tellings = Post()
        for out in outs:
            if isinstance(out, Alert):
                self._stats.alerts[out.state] += 1
                yield Row(out.desk.encode(), self._alerts.encode(out))
            elif isinstance(out, AuditEntry):
                self._stats.commands[out.outcome] += 1
                yield self._audit, Row(out.command_id.encode(), self._entries.encode(out))
            elif isinstance(out, QualitySignal):
                yield self._signals, Row(out.key.encode(), self._quality.encode(out))
            elif isinstance(out, Scored):
                tellings.add_about(out.story_id, "scored", pack(out.score.model_dump()))
            elif isinstance(out, Burst) and desk.desk.name == self._tells_bursts:
                tellings.add_about(out.story_id, "burst", pack(out.burst.model_dump()))
        self._stats.scored += sum(isinstance(out, Scored) for out in outs)
        for record in tellings.records():
            yield self._for_telling, record

    def _desk(self, name: str) -> DeskAtWork | None:
        if name not in self._at_work and name in self._desks:
            desk = DeskAtWork(self._desks[name], self._scorer, self._terms)
            pieces = dict(self._kept.pieces())
            if pieces:
                desk.restore(pieces)
            self._at_work[name] = desk
        return self._at_work.get(name)


def _wake(ctx: KeyedProcessFunction.Context) -> None:
    service = ctx.timer_service()
    now_ms = service.current_processing_time()
    service.register_processing_time_timer((now_ms // IDLE_MS + 1) * IDLE_MS)
