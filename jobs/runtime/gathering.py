"""Records of a moment as one: the JVM gathers them, so that Python is called once for many."""

from collections.abc import Mapping

from pyflink.datastream import DataStream
from pyflink.table import Schema, StreamTableEnvironment

from jobs.runtime.endpoints import set_uids

ARRIVAL = {
    "keys": "`key`",
    "values": "`value`",
    "offsets": "`offset`",
    "times": "1000 * EXTRACT(EPOCH FROM `timestamp`) + EXTRACT(MILLISECOND FROM `timestamp`)",
}
"""What is gathered of records of Kafka, see `udfs.deliveries.gathered_deliveries`."""


def gathered(
    stream: DataStream,
    tables: StreamTableEnvironment,
    identity: str,
    *,
    by: str,
    lists: Mapping[str, str],
    every_ms: int,
) -> DataStream:
    """Row(`by`, each of `lists`): once for all records with the same key that come in `every_ms`
    of the clock, in the order in which they come.

    by     column of the key
    lists  expressions of columns by the names that their lists get

    What is gathered lies in state: a failure loses nothing, and a job that is taken up again goes
    on with it. The input must not end, or the last records stay there.
    """
    view = f"input of {identity}"
    tables.create_temporary_view(f"`{view}`", tables.from_data_stream(stream, _timed()))
    query = gathering_query(view, by, lists, every_ms)
    moments = tables.to_data_stream(tables.sql_query(query))
    set_uids(moments, identity, above=stream)
    return moments


def gathering_query(view: str, by: str, lists: Mapping[str, str], every_ms: int) -> str:
    """One row a key for all rows of a view within `every_ms` of processing time."""
    seconds, milliseconds = divmod(every_ms, 1000)
    columns = ", ".join(f"ARRAY_AGG({what}) AS `{name}`" for name, what in lists.items())
    return f"""
        SELECT `{by}`, {columns}
        FROM TUMBLE(TABLE `{view}`, DESCRIPTOR(`gathered_at`),
          INTERVAL '{seconds}.{milliseconds:03}' SECOND(9, 3))
        GROUP BY `window_start`, `window_end`, `{by}`
    """


def _timed() -> Schema:
    """A stream's own columns, the clock's time, and an event time that nobody reads: without one,
    a table holds the watermarks of its stream back.
    """
    return (
        Schema.new_builder()
        .column_by_expression("gathered_at", "PROCTIME()")
        .column_by_expression("event_time", "TO_TIMESTAMP_LTZ(0, 3)")
        .watermark("event_time", "SOURCE_WATERMARK()")
        .build()
    )
