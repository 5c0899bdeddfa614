"""Alerts to Redis."""

from redis.asyncio.client import Pipeline

from models.breaking.watched import LIVE
from schemas.alert import Alert
from schemas.redis_keys import (
    REPLACE_UNLESS_NEWER,
    STAND_UNTIL,
    alert_key,
    open_alerts_key,
    override_key,
    record_fields,
)
from schemas.topics import ALERTS_BREAKING
from udfs.write_records import WriteRecords


class WriteAlerts(WriteRecords[Alert]):
    """The newest state of each alert to `alert:{id}`; those that stand also to `alerts:open:{desk}`
    and `override:{language}`, which end with them.
    """

    topic = ALERTS_BREAKING

    def queue(self, pipeline: Pipeline, record: Alert) -> None:
        arguments: list[object] = ["sequence", record.sequence, self._ttl_s]
        for field in record_fields(record).items():
            arguments += field
        pipeline.eval(REPLACE_UNLESS_NEWER, 1, alert_key(record.alert_id), *arguments)
        lists = [open_alerts_key(record.desk), *map(override_key, record.languages)]
        for standing in lists:
            if record.state in LIVE:
                until = (record.alert_id, record.expires_ms, record.raised_ms)
                pipeline.eval(STAND_UNTIL, 1, standing, *until)
            else:
                pipeline.zrem(standing, record.alert_id)
