"""Which stories readers come to, counted by windows in Flink SQL."""

from pyflink.datastream import DataStream
from pyflink.table import StreamTableEnvironment

from jobs.runtime.click_lists import click_schema
from jobs.runtime.endpoints import set_uids
from jobs.runtime.profiles_settings import ProfilesSettings

_CAME = "SELECT `came_to` AS `story`, `due` FROM `arrivals` WHERE `came_to` IS NOT NULL"


def count_demand(
    clicks: DataStream, tables: StreamTableEnvironment, s: ProfilesSettings
) -> DataStream:
    """Readers who came to a story, by story: Row(end of the window in seconds, readers as JSON).

    A reader comes to a story once, so windows lie side by side and their counts add up to any
    longer stretch; no reader has to be told from another here.

    clicks  `udfs.update_profiles.click_type`
    """
    due = f"`at_ms` + {1000 * s.demand_lateness_s}"  # as late as a window waits for a click
    arrivals = tables.from_data_stream(clicks, click_schema("due", due))
    tables.create_temporary_view("arrivals", arrivals)
    tables.create_temporary_view("came", tables.sql_query(_CAME))
    query = demand_query(s.demand_every_s, s.demand_lateness_s)
    counted = tables.to_data_stream(tables.sql_query(query))
    set_uids(counted, "profiles.demand", above=clicks)
    return counted


def demand_query(every_s: int, lateness_s: int) -> str:
    """Readers by story of each window in which anyone came to one; windows begin at whole multiples
    of their length.
    """
    return f"""
        SELECT
          TIMESTAMPDIFF(SECOND, TIMESTAMP '1970-01-01 00:00:00', `window_end`)
            - {lateness_s} AS `end_s`,
          JSON_OBJECTAGG(KEY `story` VALUE `readers`) AS `readers`
        FROM (
          SELECT `window_start`, `window_end`, `story`, COUNT(*) AS `readers`
          FROM TUMBLE(TABLE `came`, DESCRIPTOR(`due`),
            INTERVAL '{every_s}' SECOND(9), INTERVAL '{lateness_s % every_s}' SECOND(9))
          GROUP BY `window_start`, `window_end`, `story`)
        GROUP BY `window_start`, `window_end`
    """
