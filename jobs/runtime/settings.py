"""Every knob of a job: default, unit, meaning. The only reader of WIREDESK_* in the environment.

A setting comes from, strongest first: `--set key=value`, the environment (`WIREDESK_KEY`), the
settings file (TOML, flat), the default. An unknown or ill-typed one raises SettingError.
"""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from schemas.errors import SettingError
from schemas.settings import Given, KafkaSettings, RedisUrl, S, from_file, validated

ENVIRONMENT_PREFIX = "WIREDESK_"
NOT_SETTINGS = frozenset({"WIREDESK_STATE_DIR", "WIREDESK_STACK"})
"""Variables of the local stack (`local/`), which are no job's settings."""

SERVER = "serve"
"""Table of the server's settings in the file; its variables begin with WIREDESK_SERVE_."""

_SERVER_PREFIX = f"{ENVIRONMENT_PREFIX}{SERVER.upper()}_"


class DeliveryGuarantee(StrEnum):
    """What a consumer of an output topic may see after a failure."""

    AT_LEAST_ONCE = "at_least_once"
    EXACTLY_ONCE = "exactly_once"


class StartFrom(StrEnum):
    """Where a job begins to read when it has no checkpoint."""

    COMMITTED = "committed"
    EARLIEST = "earliest"
    LATEST = "latest"


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise PydanticCustomError(
            "relative_path", "Path should be absolute: Flink's workers run in folders of their own"
        )
    return path


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
"""A path that means the same wherever a job runs."""


def own_consumer_group(job: str) -> Any:
    """The field `consumer_group` of a job."""
    return Field(default=f"wiredesk-{job}", min_length=1, description="Kafka consumer group")


def own_transactional_ids(job: str) -> Any:
    """The field `transactional_id_prefix` of a job."""
    return Field(
        default=f"wiredesk-{job}",
        min_length=1,
        description="exactly_once: unique to this job on its Kafka cluster",
    )


class JobSettings(KafkaSettings):
    """Knobs that every job has; a job sets the defaults of the names that must be its own."""

    delivery: DeliveryGuarantee = Field(
        default=DeliveryGuarantee.AT_LEAST_ONCE,
        description="to Kafka: at_least_once (at once) or exactly_once (at checkpoints)",
    )
    transactional_id_prefix: str
    transaction_timeout_s: int = Field(
        default=600,
        gt=0,
        description="exactly_once: seconds; below the broker's transaction.max.timeout.ms",
    )
    consumer_group: str
    start_from: StartFrom = Field(
        default=StartFrom.COMMITTED,
        description="without a checkpoint: committed (earliest when none), earliest, latest",
    )
    redis_url: RedisUrl = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"), description="redis:// or rediss:// (TLS)"
    )
    redis_ttl_s: int = Field(
        default=7 * 24 * 3600, gt=0, description="seconds that what is written stays in Redis"
    )
    redis_retry_s: float = Field(
        default=60.0, gt=0, description="seconds to wait for a lost Redis before the job restarts"
    )

    @model_validator(mode="after")
    def _workers_find_the_certificates(self) -> Self:
        for name in ("kafka_ssl_ca_file", "kafka_ssl_keystore_file"):
            file = getattr(self, name)
            if file is not None and not Path(file).is_absolute():
                raise ValueError(
                    f"{name} {file} should be absolute: Flink's workers run in folders of their own"
                )
        return self

    def registry(self) -> dict[str, Any]:
        """Where schemas are registered, as operators take it."""
        return {
            "registry_url": self.schema_registry_url,
            "registry_auth": self.secret("schema_registry_auth"),
        }

    def redis(self) -> dict[str, Any]:
        """How Redis is written, as operators take it."""
        return {
            "redis_url": self.redis_url.get_secret_value(),
            "ttl_s": self.redis_ttl_s,
            "retry_s": self.redis_retry_s,
        }


def load(
    settings_type: type[S],
    *,
    file: Path | None = None,
    overrides: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    of_others: Collection[str] = (),
) -> S:
    """Settings from a file, the environment and `key=value` overrides.

    of_others  keys that other jobs know: passed over in the file and the environment, which serve
               all jobs; one in an override is unknown

    >>> load(KafkaSettings, overrides=["kafka_bootstrap=k:1"], environment={}).kafka_bootstrap
    'k:1'
    >>> load(KafkaSettings, overrides=["kafka_botstrap=k:1"], environment={})
    Traceback (most recent call last):
    schemas.errors.SettingError: setting kafka_botstrap (--set) is unknown; did you mean ...
    """
    found = _from_environment(os.environ if environment is None else environment)
    return validated(
        settings_type,
        [
            Given(f"file {file}", _without({SERVER, *of_others}, from_file(file))),
            Given("environment", _without(of_others, found)),
            Given("--set", _from_overrides(overrides)),
        ],
    )


def _without(names: Collection[str], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX)
        and not name.startswith(_SERVER_PREFIX)
        and name not in NOT_SETTINGS
    }


def _from_overrides(overrides: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            name = re.match(r"\w*", override)  # what follows may be a secret
            shown = name[0] if name else ""
            raise SettingError(f"--set {shown}… is not of the form key=value")
        pairs[key] = value
    return pairs
