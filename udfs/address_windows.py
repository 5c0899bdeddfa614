"""Windows that have ended to every desk."""

from collections.abc import Iterator

from pyflink.common import Row
from pyflink.datastream import ProcessFunction

from models.packing import pack
from udfs.addressing import addressed


class AddressWindows(ProcessFunction):
    """In: Row(kind, name, minutes, end_s, observed). Out: `addressed_type`, kind window, a desk
    each. No state, no timers.
    """

    def __init__(self, *, desks: list[str]) -> None:
        self._desks = desks

    def process_element(self, value: Row, ctx: ProcessFunction.Context) -> Iterator[Row]:
        kind, name, minutes, end_s, observed = value
        packed = pack([kind, name, minutes, 1000 * end_s, observed])
        for desk in self._desks:
            yield addressed(desk, "window", packed)
