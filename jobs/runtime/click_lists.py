"""Lists of what is read, counted by windows in Flink SQL: the JVM counts, Python sees the lists."""

from typing import NamedTuple

from pyflink.datastream import DataStream
from pyflink.table import Schema, StreamTableEnvironment

from jobs.runtime.endpoints import set_uids
from jobs.runtime.profiles_settings import ProfilesSettings

QUARTER_S = 15 * 60
HOUR_S = 4 * QUARTER_S
DAY_S = 24 * HOUR_S


def click_schema(time: str, at: str) -> Schema:
    """Of `udfs.update_profiles.click_type`, with a column of event time.

    time  its name
    at    milliseconds since 1970, an expression
    """
    return (
        Schema.new_builder()
        .column("language", "STRING")
        .column("article_id", "STRING")
        .column("read_before", "STRING")
        .column("at_ms", "BIGINT")
        .column("came_to", "STRING")
        .column_by_expression(time, f"TO_TIMESTAMP_LTZ({at}, 3)")
        .watermark(time, "SOURCE_WATERMARK()")
        .build()
    )


_POPULAR = "SELECT `language` AS `subject`, `article_id`, `at` FROM `clicks`"
"""What is read in a language."""

_COVISITED = """
    SELECT `article_id` AS `subject`, `article_id`, `at` FROM `clicks`
    UNION ALL
    SELECT `read_before` AS `subject`, `article_id`, `at` FROM `clicks`
    WHERE `read_before` IS NOT NULL
"""
"""What the readers of an article read next; the article itself stands for its own clicks."""


class ListWindow(NamedTuple):
    """A list of the most clicked articles of a window.

    name       of the list in Redis, before the subject
    counted    view of the clicks by subject that count
    slide_s    a new list comes so often
    least      clicks below which an article is left out
    """

    name: str
    counted: str
    size_s: int
    slide_s: int
    longest: int
    least: int


def list_windows(s: ProfilesSettings) -> list[ListWindow]:
    """The lists there are. One reader alone is not told from: a pair needs two."""
    slide_s = s.lists_slide_s
    return [
        ListWindow("popular:quarter:", "popular", QUARTER_S, slide_s, s.popular_max, 1),
        ListWindow("popular:hour:", "popular", HOUR_S, slide_s, s.popular_max, 1),
        ListWindow("popular:day:", "popular", DAY_S, 15 * slide_s, s.popular_max, 1),
        ListWindow("covisited:", "covisited", 6 * HOUR_S, 5 * slide_s, s.covisited_max, 2),
    ]


def count_lists(
    clicks: DataStream, tables: StreamTableEnvironment, s: ProfilesSettings
) -> DataStream:
    """Every list, once a slide: Row(name in Redis, end of the window, clicks as JSON, lifetime).

    clicks  `udfs.update_profiles.click_type`
    """
    tables.create_temporary_view(
        "clicks", tables.from_data_stream(clicks, click_schema("at", "`at_ms`"))
    )
    tables.create_temporary_view("popular", tables.sql_query(_POPULAR))
    tables.create_temporary_view("covisited", tables.sql_query(_COVISITED))
    queries = " UNION ALL ".join(list_query(window) for window in list_windows(s))
    counted = tables.to_data_stream(tables.sql_query(queries))
    set_uids(counted, "profiles.lists", above=clicks)
    return counted


def list_query(window: ListWindow) -> str:
    """The newest list of each subject, once a slide: name in Redis, clicks as JSON, lifetime."""
    return f"""
        SELECT
          '{window.name}' || `subject` AS `name`,
          TIMESTAMPDIFF(SECOND, TIMESTAMP '1970-01-01 00:00:00', `window_end`) AS `window_end_s`,
          JSON_OBJECTAGG(KEY `article_id` VALUE `clicks`) AS `clicks`,
          {2 * window.size_s} AS `ttl_s`
        FROM (
          SELECT *, ROW_NUMBER() OVER (
            PARTITION BY `window_start`, `window_end`, `subject`
            ORDER BY `clicks` DESC, `article_id`) AS `place`
          FROM (
            SELECT `window_start`, `window_end`, `subject`, `article_id`, COUNT(*) AS `clicks`
            FROM HOP(TABLE `{window.counted}`, DESCRIPTOR(`at`),
              INTERVAL '{window.slide_s}' SECOND(9), INTERVAL '{window.size_s}' SECOND(9))
            GROUP BY `window_start`, `window_end`, `subject`, `article_id`
            HAVING COUNT(*) >= {window.least}))
        WHERE `place` <= {window.longest}
        GROUP BY `window_start`, `window_end`, `subject`
    """
