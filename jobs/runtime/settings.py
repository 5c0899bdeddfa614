"""Every knob of a job: default, unit, meaning. The only reader of WIREDESK_* in the environment.

A setting comes from, strongest first: `--set key=value`, the environment (`WIREDESK_KEY`), the
settings file (TOML, flat), the default. An unknown or ill-typed one raises SettingError.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
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


class ProviderChoice(StrEnum):
    """Where models run; `auto` takes the first that this machine has: CUDA, OpenVINO, CPU."""

    AUTO = "auto"
    CUDA = "cuda"
    OPENVINO = "openvino"
    CPU = "cpu"


class LanguageAccuracy(StrEnum):
    """How hard the language detector looks at texts that are not plain at first sight."""

    FAST = "fast"
    HIGH = "high"


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


class EnrichSettings(KafkaSettings):
    """Knobs of the job `enrich`."""

    delivery: DeliveryGuarantee = Field(
        default=DeliveryGuarantee.AT_LEAST_ONCE,
        description="to Kafka: at_least_once (at once) or exactly_once (at checkpoints)",
    )
    transactional_id_prefix: str = Field(
        default="wiredesk-enrich",
        min_length=1,
        description="exactly_once: unique to this job on its Kafka cluster",
    )
    transaction_timeout_s: int = Field(
        default=600,
        gt=0,
        description="exactly_once: seconds; below the broker's transaction.max.timeout.ms",
    )
    consumer_group: str = Field(
        default="wiredesk-enrich", min_length=1, description="Kafka consumer group"
    )
    start_from: StartFrom = Field(
        default=StartFrom.COMMITTED,
        description="without a checkpoint: committed (earliest when none), earliest, latest",
    )
    redis_url: SecretStr = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"), description="redis:// or rediss:// (TLS)"
    )
    redis_ttl_s: int = Field(
        default=7 * 24 * 3600, gt=0, description="seconds an article stays in Redis"
    )
    redis_retry_s: float = Field(
        default=60.0, gt=0, description="seconds to wait for a lost Redis before the job restarts"
    )
    models_manifest: Annotated[Path, AfterValidator(_absolute)] | None = Field(
        default=None,
        description="manifest.toml of models of your own, on every worker; unset: the shipped ones",
    )
    inference_provider: ProviderChoice = Field(
        default=ProviderChoice.AUTO, description="auto, cuda, openvino or cpu"
    )
    inference_threads: int = Field(
        default=2, gt=0, description="CPU threads of one inference process"
    )
    inference_streams: int = Field(
        default=2,
        gt=0,
        description="batches in work at once, sharing the threads; 1 answers a lone article sooner",
    )
    batch_max_tokens: int = Field(
        default=4096, gt=0, description="tokens in a batch, padding included"
    )
    batch_max_count: int = Field(default=32, gt=0, description="texts in a batch")
    batch_deadline_ms: float = Field(
        default=2.0, ge=0, description="milliseconds the oldest text waits for company"
    )
    in_flight_max: int = Field(
        default=1024, gt=0, description="articles in work at once; at least 2 x the bundle size"
    )
    cache_entries: int = Field(
        default=20_000, ge=0, description="texts whose answers are kept; 0 keeps none"
    )
    cache_ttl_s: int = Field(default=6 * 3600, gt=0, description="seconds an answer is kept")
    language_accuracy: LanguageAccuracy = Field(
        default=LanguageAccuracy.FAST,
        description="fast (0.1 GB) or high (1.3 GB and slower, better on short texts)",
    )
    language_min_confidence: float = Field(
        default=0.5, ge=0, le=1, description="below it a text's language is und"
    )
    topics_precision: float = Field(
        default=0.8,
        ge=0.5,
        le=0.9,
        description="share of topics that should be right; a higher one gives fewer of them",
    )
    entities_min_score: float = Field(
        default=0.5, ge=0, le=1, description="entities the model is less sure of are left out"
    )
    summary_max_sentences: int = Field(default=3, ge=1, le=10, description="of a summary")
    summary_max_characters: int = Field(default=600, ge=50, description="of a summary")
    summary_url: str | None = Field(
        default=None,
        description="OpenAI-compatible API (…/v1) that writes summaries; what it does not write, "
        "or invents, stays extractive",
    )
    summary_model: str = Field(default="", description="model of summary_url")
    summary_api_key: SecretStr | None = Field(default=None, description="key of summary_url")
    summary_timeout_s: float = Field(default=10, gt=0, description="seconds for one summary")
    tags_max: int = Field(default=8, ge=0, description="tags of an article")
    non_commercial_models: bool = Field(
        default=False,
        description="also answer with models whose training data forbids commercial use",
    )
    future_tolerance_s: int = Field(
        default=3600, ge=0, description="seconds an article may be published after its arrival"
    )
    earliest_published: date = Field(
        default=date(1971, 1, 1), description="articles published before it are rejected"
    )

    @model_validator(mode="after")
    def _summary_url_needs_a_model(self) -> Self:
        if self.summary_url and not self.summary_model:
            raise ValueError("summary_url needs summary_model: what the endpoint calls the model")
        return self


JOBS: dict[str, type[KafkaSettings]] = {"enrich": EnrichSettings}
"""The settings of each job."""

S = TypeVar("S", bound=KafkaSettings)


def load(
    settings_type: type[S],
    *,
    file: Path | None = None,
    overrides: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> S:
    """Settings from a file, the environment and `key=value` overrides.

    >>> load(EnrichSettings, overrides=["batch_max_count=8"], environment={}).batch_max_count
    8
    >>> load(EnrichSettings, overrides=["batch_size=8"], environment={})
    Traceback (most recent call last):
    schemas.errors.SettingError: setting batch_size (--set) is unknown; did you mean ...
    """
    origins: dict[str, str] = {}
    values: dict[str, Any] = {}
    for origin, found in (
        (f"file {file}", _from_file(file)),
        ("environment", _from_environment(os.environ if environment is None else environment)),
        ("--set", _from_overrides(overrides)),
    ):
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
