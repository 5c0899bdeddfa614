"""Key rings, and readers' pseudonyms.

A key ring is a TOML file of numbered secrets; the newest one is used, the older ones still open
what they closed. Rings keep duties apart: senders of events and who erases hold the one of
pseudonyms, the job `profiles` and the server the one of profiles. Authors of comments need one of
their own: under one ring equal ids have equal keys.
"""

import base64
import binascii
import hashlib
import hmac
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.errors import SetupError

SECRET_BYTES = 32
PSEUDONYM_BYTES = 16


@dataclass(frozen=True)
class Secret:
    """One key of a ring; never printed."""

    version: int
    created: datetime
    value: bytes = field(repr=False)


@dataclass(frozen=True)
class Keyring:
    """Secrets by version, oldest first; never empty."""

    secrets: Mapping[int, Secret]

    @property
    def newest(self) -> Secret:
        """The one that closes."""
        return self.secrets[max(self.secrets)]

    def rotated(self, now: datetime) -> "Keyring":
        """With a fresh secret, which is used from now on."""
        made = Secret(max(self.secrets, default=0) + 1, now, os.urandom(SECRET_BYTES))
        return Keyring({**self.secrets, made.version: made})

    def without(self, version: int) -> "Keyring":
        """Without a secret: what it closed can never be opened again. Raises SetupError."""
        if version not in self.secrets:
            raise SetupError(f"there is no key {version}; there are {_versions(self.secrets)}")
        if version == self.newest.version:
            raise SetupError(f"key {version} is in use; rotate first")
        return Keyring({v: s for v, s in self.secrets.items() if v != version})


def new_keyring(now: datetime) -> Keyring:
    """A ring with one fresh secret."""
    return Keyring({}).rotated(now)


def read_keyring(path: Path) -> Keyring:
    """The ring in a file. Raises SetupError, without a word of what the secrets are."""
    try:
        entries = tomllib.loads(path.read_text("utf-8"))["keys"]
        secrets = [_secret(entry) for entry in entries]
    except OSError as error:
        raise SetupError(f"key ring {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise SetupError(
            f"{path} is no key ring ({type(error).__name__}); `wiredesk keys create` makes one"
        ) from None
    if not secrets or len({secret.version for secret in secrets}) < len(secrets):
        raise SetupError(f"key ring {path} is empty or has a version twice")
    return Keyring({secret.version: secret for secret in sorted(secrets, key=lambda s: s.version)})


def write_keyring(ring: Keyring, path: Path, *, replace: bool) -> None:
    """Write a ring as a file of mode 600, whole or not at all. Raises SetupError."""
    lines = ["# A key ring of Wiredesk. Secret: whoever reads it knows your readers."]
    for secret in ring.secrets.values():
        encoded = base64.b64encode(secret.value).decode()
        lines += ["", "[[keys]]", f"version = {secret.version}"]
        lines += [f"created = {secret.created.isoformat()}", f'secret = "{encoded}"']
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("\n".join([*lines, ""]))
            file.flush()
            os.fsync(file.fileno())
        if replace:
            fresh.replace(path)
        else:
            path.hardlink_to(fresh)
            fresh.unlink()
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise SetupError(f"key ring {path} cannot be written: {error.strerror}") from error


class KeyringFile:
    """A ring that follows its file: a rotation needs no restart.

    The file is looked at again when a version is asked for that the ring lacks, and every
    `every_s` seconds of the clock that is passed in.
    """

    def __init__(self, path: Path, *, every_s: float = 10.0) -> None:
        self._path = path
        self._every_s = every_s
        self._looked_s = float("-inf")
        self._changed_ns = 0
        self._ring = read_keyring(path)

    def newest(self, now_s: float) -> Secret:
        """The secret that closes, as of a moment of a monotonic clock."""
        if now_s - self._looked_s >= self._every_s:
            self._looked_s = now_s
            self._reread()
        return self._ring.newest

    def secret(self, version: int) -> Secret | None:
        """The secret of a version, None where it is gone."""
        if version not in self._ring.secrets:
            self._reread()
        return self._ring.secrets.get(version)

    def _reread(self) -> None:
        try:
            changed_ns = self._path.stat().st_mtime_ns
        except OSError as error:
            raise SetupError(f"key ring {self._path} is gone: {error.strerror}") from error
        if changed_ns != self._changed_ns:
            self._ring = read_keyring(self._path)
            self._changed_ns = changed_ns


def pseudonym(user_id: str, secret: Secret) -> str:
    """The user key of a raw reader id: version, and HMAC-SHA256 cut to 128 bits.

    >>> fixed = Secret(1, datetime(2026, 1, 1, tzinfo=UTC), bytes(32))
    >>> pseudonym("ada@example.org", fixed)
    '1.rFpsDjHa2_4uKCuuO09ebA'
    """
    digest = hmac.digest(secret.value, user_id.encode(), hashlib.sha256)[:PSEUDONYM_BYTES]
    return f"{secret.version}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def pseudonyms(user_id: str, ring: Keyring) -> list[str]:
    """Every user key that a reader may have had, the newest first."""
    return [pseudonym(user_id, secret) for secret in reversed(list(ring.secrets.values()))]


def _secret(entry: Mapping[str, Any]) -> Secret:
    value = base64.b64decode(entry["secret"], validate=True)
    created = entry["created"]
    if len(value) != SECRET_BYTES or entry["version"] < 1 or not isinstance(created, datetime):
        raise ValueError("secret of another length, or a version below 1")
    return Secret(int(entry["version"]), created.astimezone(UTC), value)


def _versions(secrets: Mapping[int, Secret]) -> str:
    return ", ".join(str(version) for version in secrets)
