"""Every knob of a job: default, unit, meaning. The only reader of WIREDESK_* in the environment.

A setting comes from, strongest first: `--set key=value`, the environment (`WIREDESK_KEY`), the
settings file (TOML, flat), the default. An unknown or ill-typed one raises SettingError.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from schemas.errors import SettingError

ENVIRONMENT_PREFIX = "WIREDESK_"
NOT_SETTINGS = frozenset({"WIREDESK_STATE_DIR", "WIREDESK_STACK"})
"""Variables of the local stack (`local/`), which are no job's settings."""


class DeliveryGuarantee(StrEnum):
    """What a consumer of an output topic may see after a failure."""

    AT_LEAST_ONCE = "at_least_once"
    EXACTLY_ONCE = "exactly_once"


class StartFrom(StrEnum):
    """Where a job begins to read when it has no checkpoint."""

    COMMITTED = "committed"
    EARLIEST = "earliest"
    LATEST = "latest"


class SecurityProtocol(StrEnum):
    """How Kafka is spoken to."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class SaslMechanism(StrEnum):
    """How a user proves who they are to Kafka."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class KafkaSettings(BaseModel):
    """Where Kafka is and how it is spoken to; jobs and commands share these."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kafka_bootstrap: str = Field(
        default="127.0.0.1:9092",
        pattern=r"^[^,\s]+:\d+(,[^,\s]+:\d+)*$",
        description="Kafka brokers, host:port, separated by commas",
    )
    kafka_security_protocol: SecurityProtocol = Field(
        default=SecurityProtocol.PLAINTEXT, description="PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"
    )
    kafka_sasl_mechanism: SaslMechanism = Field(
        default=SaslMechanism.SCRAM_SHA_512, description="PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"
    )
    kafka_sasl_username: str | None = Field(default=None, description="user for SASL")
    kafka_sasl_password: SecretStr | None = Field(default=None, description="password for SASL")
    kafka_ssl_ca_file: str | None = Field(
        default=None, description="PEM file of the authority that signed the brokers' certificates"
    )
    kafka_ssl_keystore_file: str | None = Field(
        default=None, description="PEM file with our private key and certificate, for mutual TLS"
    )
    schema_registry_url: str | None = Field(
        default=None,
        description="Confluent-compatible schema registry; unset: Avro single-object encoding",
    )
    schema_registry_auth: SecretStr | None = Field(
        default=None, description="user:password of the schema registry"
    )

    @model_validator(mode="after")
    def _sasl_needs_a_login(self) -> Self:
        login = self.kafka_sasl_username and self.kafka_sasl_password
        if self.kafka_security_protocol.startswith("SASL") and not login:
            raise ValueError(
                f"kafka_security_protocol {self.kafka_security_protocol} needs "
                "kafka_sasl_username and kafka_sasl_password"
            )
        return self

    def secret(self, name: str) -> str | None:
        """The plain text of a secret setting, None when it is not set."""
        value: SecretStr | None = getattr(self, name)
        return value.get_secret_value() if value else None


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
    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"), description="redis:// or rediss:// (TLS)"
    )
    redis_ttl_s: int = Field(
        default=7 * 24 * 3600, gt=0, description="seconds that what is written stays in Redis"
    )
    redis_retry_s: float = Field(
        default=60.0, gt=0, description="seconds to wait for a lost Redis before the job restarts"
    )


S = TypeVar("S", bound=KafkaSettings)


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
    origins: dict[str, str] = {}
    values: dict[str, Any] = {}
    for origin, found, passed_over in (
        (f"file {file}", _from_file(file), of_others),
        (
            "environment",
            _from_environment(os.environ if environment is None else environment),
            of_others,
        ),
        ("--set", _from_overrides(overrides), ()),
    ):
        found = {key: value for key, value in found.items() if key not in passed_over}
        values |= found
        origins |= dict.fromkeys(found, origin)
    try:
        return settings_type.model_validate(values)
    except ValidationError as error:
        raise SettingError(_explain(error, origins, settings_type)) from error


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingError(f"settings file {file} cannot be read: {error.strerror}") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise SettingError(f"settings file {file} is not TOML: {error}") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX) and name not in NOT_SETTINGS
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


def _explain(
    error: ValidationError, origins: Mapping[str, str], settings_type: type[KafkaSettings]
) -> str:
    """One line for the first thing that is wrong."""
    first = error.errors(include_url=False)[0]
    if not first["loc"]:  # several settings do not go together
        return str(first["msg"]).removeprefix("Value error, ")
    name = str(first["loc"][0])
    place = f"setting {name} ({origins.get(name, 'default')})"
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(name, settings_type.model_fields, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else "`wiredesk settings` lists the known ones"
        return f"{place} is unknown; {hint}"
    secret = "SecretStr" in str(settings_type.model_fields[name].annotation)
    received = "" if secret else f", got {first['input']!r}"
    return f"{place}: {first['msg']}{received}"
