"""Numbers of an operator as Flink metrics."""

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any

from pyflink.metrics import MetricGroup


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
