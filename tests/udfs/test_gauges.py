"""Numbers of an operator as Flink metrics: live, and each under its own name."""

from dataclasses import dataclass, field

import pytest

from udfs.gauges import Numbers, expose, expose_value


@dataclass
class Stats(Numbers):
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


@dataclass
class Silent:
    seen: int = 0


class Told:
    """A number as Java holds it in thread mode, and how often it was told."""

    def __init__(self):
        self.value, self.times = 0, 0

    def update(self, value):
        self.value = value
        self.times += 1


class ThreadMetrics:
    """The metric group of thread mode; it cannot be asked by Flink, so it has no gauges."""

    __module__ = "pyflink.fn_execution.metrics.embedded.metric_impl"

    def __init__(self, path="", told=None):
        self._path, self.told = path, {} if told is None else told

    def add_group(self, name, extra):
        return ThreadMetrics(f"{self._path}{name}.{extra}.", self.told)

    def distribution(self, name):
        return self.told.setdefault(f"{self._path}{name}", Told())

    @property
    def values(self):
        return {path: told.value for path, told in self.told.items()}


def test_in_thread_mode_java_is_told_each_change():
    metrics, stats = ThreadMetrics(), Stats(seen=3)
    expose(metrics, stats)
    assert metrics.values == {"seen": 3, "lost.early.total": 0, "lost.late.total": 0}
    stats.seen += 2
    stats.lost["late"] += 1
    assert (stats.seen, stats.lost) == (5, {"early": 0, "late": 1})
    assert metrics.values == {"seen": 5, "lost.early.total": 0, "lost.late.total": 1}


def test_what_did_not_change_is_not_told():
    metrics, stats = ThreadMetrics(), Stats()
    expose(metrics, stats)
    stats.seen += 0
    assert metrics.told["seen"].times == 1


def test_numbers_that_cannot_tell_are_refused_in_thread_mode():
    with pytest.raises(TypeError, match="Silent must be Numbers"):
        expose(ThreadMetrics(), Silent())
