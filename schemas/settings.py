"""How Kafka is reached, and how values become settings: shared by jobs, commands and the server."""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar
from urllib.parse import urlsplit

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

BROKER_ANSWERS_S = 8
"""Seconds a broker may take to answer the first request."""


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


def _brokers(text: str) -> str:
    if not all(map(_is_address, text.split(","))):
        raise PydanticCustomError("brokers", "Should be HOST:PORT, several separated by commas")
    return text


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and " " not in host and port.isdecimal() and 0 < int(port) < 65536


def _redis(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    try:
        sound = text.startswith(("redis://", "rediss://", "unix://")) and urlsplit(text).port != 0
    except ValueError:  # the port is no number
        sound = False
    if not sound:
        raise PydanticCustomError("redis", "Should be like redis://:PASSWORD@HOST:6379/0")
    return url


RedisUrl = Annotated[SecretStr, AfterValidator(_redis)]
"""Where Redis is: redis://, rediss:// (TLS) or unix://; it may hold a password."""


class KafkaSettings(BaseModel):
    """Where Kafka is and how it is spoken to; jobs and commands share these."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kafka_bootstrap: Annotated[str, AfterValidator(_brokers)] = Field(
        default="127.0.0.1:9092", description="Kafka brokers, host:port, separated by commas"
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


S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True)
class Given:
    """Values by setting, and where they come from, for people."""

    origin: str
    values: Mapping[str, Any]


def validated(settings_type: type[S], given: Sequence[Given]) -> S:
    """Settings from several places, the weakest first. Raises SettingError.

    >>> weak = Given("file f", {"kafka_bootstrap": "a:1"})
    >>> strong = Given("--set", {"kafka_bootstrap": "b:1"})
    >>> validated(KafkaSettings, [weak, strong]).kafka_bootstrap
    'b:1'
    """
    origins = {name: place.origin for place in given for name in place.values}
    values = {name: value for place in given for name, value in place.values.items()}
    try:
        return settings_type.model_validate(values)
    except ValidationError as error:
        raise SettingError(_explain(error, origins, settings_type)) from error


def from_file(file: Path | None) -> dict[str, Any]:
    """The values in a TOML file, none where there is no file. Raises SettingError."""
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingError(f"settings file {file} cannot be read: {error.strerror}") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise SettingError(f"settings file {file} is not TOML: {error}") from error


def client_arguments(settings: KafkaSettings) -> dict[str, Any]:
    """Settings in kafka-python's words, SASL and TLS included.

    >>> client_arguments(KafkaSettings(kafka_bootstrap="a:9092,b:9092"))["bootstrap_servers"]
    ['a:9092', 'b:9092']
    """
    protocol = settings.kafka_security_protocol
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap.split(","),
        "client_id": "wiredesk",
        "bootstrap_timeout_ms": BROKER_ANSWERS_S * 1000,
        "security_protocol": str(protocol),
    }
    if protocol in (SecurityProtocol.SSL, SecurityProtocol.SASL_SSL):
        arguments |= {
            "ssl_cafile": settings.kafka_ssl_ca_file,
            "ssl_certfile": settings.kafka_ssl_keystore_file,  # holds the private key, too
        }
    if protocol in (SecurityProtocol.SASL_PLAINTEXT, SecurityProtocol.SASL_SSL):
        arguments |= {
            "sasl_mechanism": str(settings.kafka_sasl_mechanism),
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": settings.secret("kafka_sasl_password"),
        }
    return arguments


def _explain(
    error: ValidationError, origins: Mapping[str, str], settings_type: type[BaseModel]
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
