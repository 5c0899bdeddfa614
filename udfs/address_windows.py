"""Windows that have ended to every desk."""

from collections.abc import Iterator

from pyflink.common import Row
from pyflink.datastream import ProcessFunction

from models.packing import pack
from udfs.addressing import Post


class AddressWindows(ProcessFunction):
    """In: Row(kind, minutes, end_s, names, observed), the last two lists. Out: `addressed_type`,
    kind windows, a desk each. No state, no timers.
    """

    def __init__(self, *, desks: list[str]) -> None:
        self._desks = desks

    def process_element(self, value: Row, ctx: ProcessFunction.Context) -> Iterator[Row]:
        kind, minutes, end_s, names, observed = value
        packed = pack([kind, minutes, 1000 * end_s, list(names), list(observed)])
        told = Post()
        for desk in self._desks:
            told.add(desk, "windows", packed)
        yield from told.records()
