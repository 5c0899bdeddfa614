"""Every knob of the server: default, unit, meaning.

A setting comes from, strongest first: the environment (`WIREDESK_SERVE_KEY`), the table `[serve]`
of the settings file (TOML), the default. Kafka, the registry and Redis may also be set as the jobs
set them: `WIREDESK_KAFKA_BOOTSTRAP`, or without a table. A secret may lie in a file of its own:
`smtp_password_file` names the file that holds `smtp_password`.
"""

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Self, get_args

from pydantic import Field, SecretStr, model_validator

from schemas.errors import SettingError
from schemas.settings import Given, KafkaSettings, RedisUrl, from_file, validated

ENVIRONMENT_PREFIX = "WIREDESK_SERVE_"
SHARED_PREFIX = "WIREDESK_"
TABLE = "serve"
_IN_FILE = "_file"


class Role(StrEnum):
    """What someone may do; each role may do what those before it may."""

    READER = "reader"
    EDITOR = "editor"
    ADMIN = "admin"

    def covers(self, other: "Role") -> bool:
        """
        >>> Role.EDITOR.covers(Role.READER), Role.EDITOR.covers(Role.ADMIN)
        (True, False)
        """
        order = list(Role)
        return order.index(self) >= order.index(other)


class SmtpSecurity(StrEnum):
    """How mail is protected on its way."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class ServeSettings(KafkaSettings):
    """Knobs of the server."""

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8080, ge=0, le=65535, description="0 chooses a free one")
    public_url: str | None = Field(
        default=None, description="address that people use, for links; unset: http://host:port"
    )
    tls_certificate_file: Path | None = Field(
        default=None, description="PEM file; unset: plain HTTP, for a proxy in front"
    )
    tls_key_file: Path | None = Field(default=None, description="PEM file of its private key")
    redis_url: RedisUrl = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"), description="redis:// or rediss:// (TLS)"
    )
    redis_timeout_s: float = Field(default=1.0, gt=0, description="seconds Redis may take")
    stale_s: float = Field(
        default=600, ge=0, description="without Redis: seconds that a kept answer is still given"
    )
    database_url: SecretStr = Field(
        default=SecretStr("sqlite:///wiredesk-serve.sqlite"),
        description="history: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME",
    )
    history_days: int = Field(default=365, gt=0, description="days that history is kept")

    window_h: float = Field(default=48, gt=0, description="hours of topics that are kept at hand")
    most_alerts: int = Field(default=2_000, gt=0, description="alerts at hand")
    most_stories: int = Field(default=20_000, gt=0, description="stories at hand")
    most_articles: int = Field(default=50_000, gt=0, description="articles at hand, for search")

    stream_queue: int = Field(
        default=256, gt=0, description="events that wait for a subscriber before it is let go"
    )
    stream_replay: int = Field(
        default=10_000, gt=0, description="events of each kind kept for who comes back"
    )
    most_streams: int = Field(default=2_000, gt=0, description="event streams at once")
    heartbeat_s: float = Field(default=15, gt=0, description="seconds between signs of life")

    session_h: float = Field(default=12, gt=0, description="hours of a login to the console")
    login_link_min: float = Field(default=15, gt=0, description="minutes that a login link is good")
    oidc_issuer: str | None = Field(
        default=None, description="address of the OpenID provider whose tokens are taken"
    )
    oidc_audience: str | None = Field(default=None, description="what its tokens must be for")
    oidc_roles_claim: str = Field(
        default="roles", description="claim that names the role; realm_access.roles reaches inside"
    )
    oidc_name_claim: str = Field(default="email", description="claim that names the person")
    rate_per_minute: int = Field(default=1_200, gt=0, description="requests of a key or address")
    rate_burst: int = Field(default=200, gt=0, description="of these, at once")
    max_body_kib: int = Field(default=1_024, gt=0, description="KiB of a request")
    max_push_kib: int = Field(default=8_192, gt=0, description="KiB of a publisher's push")
    cors_origins: str = Field(
        default="", description="origins whose pages may call, separated by commas"
    )
    trusted_proxies: str = Field(
        default="", description="addresses whose X-Forwarded-For is believed, by commas"
    )
    metrics_public: bool = Field(default=False, description="/metrics without a key")
    publishers_file: Path | None = Field(
        default=None, description="TOML file of publishers who may push articles"
    )

    desks_file: Path | None = Field(
        default=None, description="desks and their budgets, as the job `breaking` has them"
    )
    feed_languages: str = Field(
        default="en", description="of a feed for someone of whom none is known, by commas"
    )
    profile_keys_file: Path | None = Field(
        default=None,
        description="key ring that opens readers' profiles; unset: every feed is for a stranger",
    )

    long_half_life_s: float = Field(
        default=14 * 24 * 3600, gt=0, description="seconds; as the job `profiles` has it"
    )
    session_half_life_s: float = Field(
        default=1800, gt=0, description="seconds; as the job `profiles` has it"
    )

    analyze: bool = Field(default=True, description="load the models, for /v1/analyze and search")
    models_manifest: Path | None = Field(
        default=None, description="manifest.toml of models of your own; unset: the shipped ones"
    )
    inference_threads: int = Field(default=2, gt=0, description="CPU threads of the models")
    analyze_waiting: int = Field(default=64, gt=0, description="texts in work before 503")
    non_commercial_models: bool = Field(
        default=False, description="also use models whose training data forbids commercial use"
    )

    grpc_port: int | None = Field(default=None, ge=0, le=65535, description="unset: no gRPC")

    webhook_timeout_s: float = Field(default=10, gt=0, description="seconds for one delivery")
    webhook_attempts: int = Field(default=8, gt=0, description="tries before it is a dead letter")
    webhook_first_retry_s: float = Field(default=5, gt=0, description="doubles with each try")
    webhook_private: bool = Field(default=False, description="let private addresses be called")
    smtp_host: str | None = Field(default=None, description="mail server; unset: no mail")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="port of smtp_host")
    smtp_security: SmtpSecurity = Field(
        default=SmtpSecurity.STARTTLS, description="none, starttls, tls"
    )
    smtp_username: str | None = Field(default=None, description="user of smtp_host")
    smtp_password: SecretStr | None = Field(default=None, description="their password")
    smtp_from: str = Field(default="wiredesk@localhost", description="sender of mail")

    log_json: bool = Field(default=True, description="log lines as JSON; else for people")
    shutdown_s: float = Field(default=10, gt=0, description="seconds that requests may still take")

    @property
    def origins(self) -> list[str]:
        """The origins of `cors_origins`."""
        return _listed(self.cors_origins)

    @property
    def languages(self) -> list[str]:
        """The languages of `feed_languages`."""
        return _listed(self.feed_languages)

    @property
    def proxies(self) -> list[str]:
        """The addresses of `trusted_proxies`."""
        return _listed(self.trusted_proxies)

    @property
    def is_https(self) -> bool:
        """Whether people come by TLS, ours or a proxy's: then cookies are for TLS alone."""
        return self.tls_certificate_file is not None or (self.public_url or "").startswith("https:")

    @model_validator(mode="after")
    def _what_belongs_together(self) -> Self:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_certificate_file and tls_key_file belong together")
        if self.oidc_issuer and not self.oidc_audience:
            raise ValueError("oidc_issuer needs oidc_audience: what its tokens must be for")
        if "*" in self.origins:
            raise ValueError("cors_origins takes no *: name the origins")
        return self


def load(
    *,
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> ServeSettings:
    """The server's settings. Raises SettingError.

    >>> load(environment={"WIREDESK_SERVE_PORT": "9000", "WIREDESK_REDIS_URL": "redis://r"}).port
    9000
    """
    given = from_file(file)
    variables = os.environ if environment is None else environment
    return validated(
        ServeSettings,
        [
            Given(f"file {file}", _shared(given)),
            Given(f"file {file}", _opened(given.get(TABLE, {}))),
            Given("environment", _shared(_prefixed(variables, SHARED_PREFIX))),
            Given("environment", _opened(_prefixed(variables, ENVIRONMENT_PREFIX))),
            Given("command line", dict(overrides or {})),
        ],
    )


def address(settings: ServeSettings, port: int | None = None) -> str:
    """Where people find the server.

    >>> address(ServeSettings(host="127.0.0.1", port=8080))
    'http://127.0.0.1:8080'
    """
    if settings.public_url:
        return settings.public_url.rstrip("/")
    scheme = "https" if settings.tls_certificate_file else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{port or settings.port}"


SHARED = frozenset(
    {
        *KafkaSettings.model_fields,
        "redis_url",
        "desks_file",
        "profile_keys_file",
        "long_half_life_s",
        "session_half_life_s",
    }
)
"""Settings that mean the same to the jobs."""


def _shared(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in SHARED}


def _prefixed(variables: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(prefix).lower(): value
        for name, value in variables.items()
        if name.startswith(prefix)
    }


def _opened(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values with the secrets that lie in files of their own. Raises SettingError."""
    opened: dict[str, Any] = {}
    for name, value in values.items():
        secret = name.removesuffix(_IN_FILE)
        if name.endswith(_IN_FILE) and _is_secret(secret):
            if secret in values:
                raise SettingError(f"{secret} and {name} are both set; expected one of them")
            opened[secret] = _read_secret(name, str(value))
        else:
            opened[name] = value
    return opened


def _is_secret(name: str) -> bool:
    field = ServeSettings.model_fields.get(name)
    return field is not None and SecretStr in (field.annotation, *get_args(field.annotation))


def _read_secret(name: str, file: str) -> str:
    try:
        return Path(file).read_text("utf-8").strip()
    except OSError as error:
        raise SettingError(f"setting {name}: {file} cannot be read: {error.strerror}") from error


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
