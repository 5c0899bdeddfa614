"""The JVM gathers records of a moment: one row a key, in their order."""

import time

import pytest
from pyflink.common import Row, Types
from pyflink.common.time import Instant
from pyflink.datastream import MapFunction
from pyflink.table import StreamTableEnvironment

from jobs.runtime.gathering import ARRIVAL, gathered

pytestmark = pytest.mark.flink

NOW_MS = 1_790_000_000_123


@pytest.fixture(scope="module")
def execution_mode():
    return "thread"


class Lasting(MapFunction):
    """Holds the last record back: what came before it is gathered while the input lasts."""

    def map(self, row):
        if row[1] is None:
            time.sleep(2)
        return row


def test_records_of_a_moment_are_one_row_a_key_in_their_order(env):
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    kafka = Types.ROW_NAMED(
        ["key", "value", "partition", "offset", "timestamp"],
        [octets, octets, Types.INT(), Types.LONG(), Types.INSTANT()],
    )
    rows = [
        Row(None if n == 3 else b"k", b"%d" % n, n % 2, n, Instant.of_epoch_milli(NOW_MS + n))
        for n in range(6)
    ]
    rows.append(Row(b"k", None, 5, 6, Instant.of_epoch_milli(NOW_MS)))
    records = env.from_collection(rows, kafka).map(Lasting(), kafka)
    tables = StreamTableEnvironment.create(env)
    tables.get_config().set("table.local-time-zone", "UTC")
    found = gathered(records, tables, "test", by="partition", lists=ARRIVAL, every_ms=300)
    with found.map(_plain, Types.PICKLED_BYTE_ARRAY()).execute_and_collect() as told:
        moments = list(told)
    times = [NOW_MS + n for n in range(6)]
    assert sorted(_joined(moments, 0)) == [(b"k", f"{n}".encode(), n, times[n]) for n in (0, 2, 4)]
    assert _joined(moments, 1)[1] == (None, b"3", 3, times[3])
    assert [offset for _, _, offset, _ in _joined(moments, 1)] == [1, 3, 5]
    assert len(moments) < 6


def _plain(moment):
    """The lists of a moment as plain values."""
    partition, keys, values, *numbers = moment
    octets = [
        [each if each is None else bytes(each) for each in column] for column in (keys, values)
    ]
    return partition, *octets, *map(list, numbers)


def _joined(moments, partition):
    """Records of a partition, however many moments they were gathered in."""
    return [
        record
        for found, *columns in moments
        if found == partition
        for record in zip(*columns, strict=True)
    ]
