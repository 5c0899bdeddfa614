"""Time to live of keyed state for operators that run in thread mode."""

from pyflink.common import Time
from pyflink.datastream.state import StateTtlConfig

ENTRIES = 1000
"""Entries that a compaction looks at before it asks for the time again; Flink's default."""


def compacted(life: Time) -> StateTtlConfig:
    """Expired entries go when RocksDB compacts its files.

    That is Flink's default, but it has to be said: for a default, PyFlink 2.3 asks a gateway for a
    Java Duration, and in thread mode that starts another JVM or fails. The one given here is read
    by nobody.
    """
    return (
        StateTtlConfig.new_builder(life)
        .disable_cleanup_in_background()
        .cleanup_in_rocksdb_compact_filter(ENTRIES, Time.days(30))
        .build()
    )
