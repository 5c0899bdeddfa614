"""Time to live of keyed state, as operators in thread mode can ask for it."""

from pyflink.common import Time
from pyflink.datastream.state import StateTtlConfig

KEYS = 5
"""Keys that each access to a state on the heap looks at; Flink's default."""

ENTRIES = 1000
"""Entries that a compaction looks at before it asks for the time again; Flink's default."""


def expiring(life: Time) -> StateTtlConfig:
    """Expired entries go: a few with each access on the heap, in RocksDB when files are compacted.

    Those are Flink's defaults, but they have to be said: for a default, PyFlink 2.3 asks a gateway
    for a Java Duration, and in thread mode that starts another JVM or fails. The one given here is
    read by nobody.
    """
    return (
        StateTtlConfig.new_builder(life)
        .disable_cleanup_in_background()
        .cleanup_incrementally(KEYS, run_cleanup_for_every_record=False)
        .cleanup_in_rocksdb_compact_filter(ENTRIES, Time.days(30))
        .build()
    )
