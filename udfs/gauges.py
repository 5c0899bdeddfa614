"""Numbers of an operator as Flink metrics."""

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

from pyflink.metrics import MetricGroup

if TYPE_CHECKING:  # operators without models must not load their runtime
    from models.inference import Inference


def expose(group: MetricGroup, stats: Any) -> None:
    """Publish every number of a dataclass under its name, mappings as one labelled group a key.

    Gauges, because Flink reads them at the end of a bundle on its own thread; a counter that is
    increased on the event loop of an AsyncFunction is silently lost (PyFlink 2.3).
    """
    for field in fields(stats):
        value = getattr(stats, field.name)
        if isinstance(value, dict):
            for key in value:
                group.add_group(field.name, key).gauge("total", partial(value.__getitem__, key))
        else:
            group.gauge(field.name, partial(getattr, stats, field.name))


def expose_value(group: MetricGroup, name: str, value: Callable[[], int]) -> None:
    """Publish one number."""
    group.gauge(name, value)


def expose_models(group: MetricGroup, inference: "Inference[Any]") -> None:
    """Publish what each model of an analyzer does, in a group of its own."""
    for model, encoder in inference.encoders.items():
        of_model = group.add_group("model", model)
        expose(of_model, encoder.stats)
        expose_value(of_model, "queue_depth", lambda m=model: inference.batchers[m].depth)
        expose_value(of_model, "devices_lost", lambda m=model: inference.sessions[m].devices_lost)
