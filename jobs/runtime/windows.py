"""Windows of the job `breaking`, in Flink SQL: the JVM counts, Python judges the counts."""

from pyflink.datastream import DataStream
from pyflink.table import Schema, StreamTableEnvironment

from jobs.runtime.endpoints import set_uids

WINDOWS = (("story", 5, 5), ("story", 15, 5), ("story", 60, 15), ("entity", 60, 5))
"""What is counted, length and slide in minutes."""

NAMES = {
    "story": "SELECT story AS name, source, at_time FROM mentions WHERE story IS NOT NULL",
    "entity": "SELECT name, source, at_time FROM mentions CROSS JOIN UNNEST(entities) AS e(name)",
}
"""Who is mentioned, by kind of window."""

FEWEST = 2
"""Independent sources that a window must have to be told; one alone is no burst."""

IDLE = "30 s"
"""A parallel instance without mentions for so long does not hold windows back."""


def count_per_window(mentions: DataStream, lateness_s: int) -> DataStream:
    """Distinct independent sources of each story and entity in sliding windows of event time.

    mentions    Row(story, entities, source, at_ms)
    lateness_s  how far behind the newest mention a window waits for late ones
    Returns     Row(kind, minutes, end_s, names, observed) for each window that has ended: lists of
                the names and of their sources; `end_s` is its end since 1970
    """
    tables = StreamTableEnvironment.create(mentions.get_execution_environment())
    tables.get_config().set_local_timezone("UTC")
    tables.get_config().set("table.exec.source.idle-timeout", IDLE)
    schema = (
        Schema.new_builder()
        .column("story", "STRING")
        .column("entities", "ARRAY<STRING>")
        .column("source", "STRING")
        .column("at_ms", "BIGINT")
        .column_by_expression("at_time", "TO_TIMESTAMP_LTZ(at_ms, 3)")
        .watermark("at_time", f"at_time - INTERVAL '{lateness_s}' SECOND")
        .build()
    )
    tables.create_temporary_view("mentions", mentions, schema)
    for kind, names in NAMES.items():
        tables.create_temporary_view(f"mentions_{kind}", tables.sql_query(names))
    counted = tables.sql_query(" UNION ALL ".join(_counted(*window) for window in WINDOWS))
    stream = tables.to_data_stream(counted)
    set_uids(stream, "breaking.count", above=mentions)
    return stream


def _counted(kind: str, minutes: int, slide: int) -> str:
    return f"""
        SELECT '{kind}' AS kind, {minutes} AS minutes,
               TIMESTAMPDIFF(SECOND, TIMESTAMP '1970-01-01 00:00:00', window_end) AS end_s,
               ARRAY_AGG(name) AS names, ARRAY_AGG(observed) AS observed
        FROM (
          SELECT name, window_start, window_end,
                 CAST(COUNT(DISTINCT source) AS INT) AS observed
          FROM TABLE(HOP(
            TABLE mentions_{kind}, DESCRIPTOR(at_time),
            INTERVAL '{slide}' MINUTES, INTERVAL '{minutes}' MINUTES
          ))
          GROUP BY name, window_start, window_end
          HAVING COUNT(DISTINCT source) >= {FEWEST}
        )
        GROUP BY window_start, window_end
    """
