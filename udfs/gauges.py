"""Numbers of an operator as Flink metrics."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from pyflink.metrics import Distribution, MetricGroup

if TYPE_CHECKING:  # operators without models must not load their runtime
    from models.inference import Inference

_IN_THREADS = "pyflink.fn_execution.metrics.embedded"
"""Where PyFlink keeps the metrics of thread mode; to import it anywhere else fails."""


class Numbers:
    """Base of a dataclass of numbers that operators of thread mode expose: Flink is told changes.

    Flink must not ask there: it calls a Python gauge on a thread of its own, even after the task
    has closed the interpreter, and the TaskManager ends by SIGSEGV (PyFlink 2.3).
    """

    _told: ClassVar[Mapping[str, Distribution]] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._told and value != getattr(self, name):
            self._told[name].update(value)
        super().__setattr__(name, value)


class _Labelled(dict[str, int]):
    """Numbers by label of which Flink is told each change."""

    def __init__(self, numbers: Mapping[str, int], told: Mapping[str, Distribution]) -> None:
        super().__init__(numbers)
        self._told = told

    def __setitem__(self, label: str, value: int) -> None:
        self._told[label].update(value)
        super().__setitem__(label, value)


def expose(group: MetricGroup, stats: Any) -> None:
    """Publish every number of a dataclass under its name, mappings as one labelled group a key.

    In worker processes gauges, which Flink reads at the end of a bundle; a counter that is
    increased on the event loop of an AsyncFunction is silently lost there (PyFlink 2.3).

    Raises:
        TypeError: in thread mode, unless the dataclass is one of `Numbers`.
    """
    if type(group).__module__.startswith(_IN_THREADS):
        _tell(group, stats)
        return
    for field in fields(stats):
        value = getattr(stats, field.name)
        if isinstance(value, dict):
            for label in value:
                of_label = group.add_group(field.name, label)
                of_label.gauge("total", partial(value.__getitem__, label))
        else:
            group.gauge(field.name, partial(getattr, stats, field.name))


def _tell(group: MetricGroup, stats: Any) -> None:
    if not isinstance(stats, Numbers):
        raise TypeError(f"{type(stats).__name__} must be Numbers to be exposed in thread mode")
    told: dict[str, Distribution] = {}
    for field in fields(stats):  # type: ignore[arg-type]
        value = getattr(stats, field.name)
        if isinstance(value, dict):
            of_labels = {
                label: _told(group.add_group(field.name, label), "total", number)
                for label, number in value.items()
            }
            setattr(stats, field.name, _Labelled(value, of_labels))
        else:
            told[field.name] = _told(group, field.name, value)
    object.__setattr__(stats, "_told", told)


def _told(group: MetricGroup, name: str, value: int) -> Distribution:
    """What Flink is told a number by."""
    number = group.distribution(name)
    number.update(value)
    return number


def expose_value(group: MetricGroup, name: str, value: Callable[[], int]) -> None:
    """Publish one number of an operator that runs in a worker process."""
    group.gauge(name, value)


def expose_models(group: MetricGroup, inference: "Inference[Any]") -> None:
    """Publish what each model of an analyzer does, in a group of its own."""
    for model, encoder in inference.encoders.items():
        of_model = group.add_group("model", model)
        expose(of_model, encoder.stats)
        expose_value(of_model, "queue_depth", lambda m=model: inference.batchers[m].depth)
        expose_value(of_model, "devices_lost", lambda m=model: inference.sessions[m].devices_lost)
