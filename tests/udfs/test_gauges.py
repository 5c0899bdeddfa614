"""Numbers of an operator as Flink metrics: live, and each under its own name."""

from dataclasses import dataclass, field

from udfs.gauges import expose, expose_value


@dataclass
class Stats:
    seen: int = 0
    lost: dict[str, int] = field(default_factory=lambda: {"early": 0, "late": 0})


def test_every_number_is_published_under_its_name(runtime_context):
    expose(runtime_context.metrics, Stats(seen=3))
    assert runtime_context.metrics.values == {
        "seen": 3,
        "lost.early.total": 0,
        "lost.late.total": 0,
    }


def test_gauges_follow_the_numbers(runtime_context):
    stats = Stats()
    expose(runtime_context.metrics, stats)
    stats.seen += 2
    stats.lost["late"] += 1
    assert runtime_context.metrics.values == {
        "seen": 2,
        "lost.early.total": 0,
        "lost.late.total": 1,
    }


def test_single_value_is_asked_each_time(runtime_context):
    answers = iter([1, 2])
    expose_value(runtime_context.metrics, "depth", lambda: next(answers))
    assert runtime_context.metrics.values == {"depth": 1}
    assert runtime_context.metrics.values == {"depth": 2}
