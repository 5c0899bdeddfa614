"""Readers' profiles, sealed with the newest secret of a key ring."""

import hmac
import os
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastavro import schemaless_reader, schemaless_writer

from models.keyring import KeyringFile, Secret
from schemas import avro_schemas
from schemas.errors import SealError
from schemas.reader_profile import READER_PROFILE, ReaderProfile, SealedProfile

NONCE_BYTES = 12
_HEADER = b"\xc3\x01"
_HEADER_BYTES = 10
_READER_KEY = b"wiredesk reader profile\x00"


class Sealed(NamedTuple):
    """The fields of a SealedProfile; a record of its own would cost as much as the encryption."""

    user_key: str
    updated_ms: int
    key_version: int
    nonce: bytes
    sealed: bytes


def seal(user_key: str, record: Mapping[str, Any], secret: Secret) -> SealedProfile:
    """Encrypt the fields of a ReaderProfile for one reader."""
    return SealedProfile.model_construct(**close(user_key, record, secret)._asdict())


def close(user_key: str, record: Mapping[str, Any], secret: Secret) -> Sealed:
    """As `seal`."""
    plain = BytesIO()
    schema = avro_schemas.current(READER_PROFILE)
    plain.write(_HEADER + _fingerprint())
    schemaless_writer(plain, schema, record)
    nonce = os.urandom(NONCE_BYTES)
    return Sealed(
        user_key=user_key,
        updated_ms=record["updated_ms"],
        key_version=secret.version,
        nonce=nonce,
        sealed=_cipher(user_key, secret).encrypt(nonce, plain.getvalue(), user_key.encode()),
    )


def unseal(sealed: Sealed | SealedProfile, secret: Secret | None) -> dict[str, Any]:
    """The fields of the ReaderProfile inside. Raises SealError."""
    if secret is None:
        raise SealError(f"key {sealed.key_version} of profiles is not in the key ring")
    try:
        plain = _cipher(sealed.user_key, secret).decrypt(
            sealed.nonce, sealed.sealed, sealed.user_key.encode()
        )
    except InvalidTag as error:
        raise SealError(
            f"a profile does not open with key {secret.version}: another key, another reader's "
            "profile, or changed bytes"
        ) from error
    writer = avro_schemas.by_fingerprint(READER_PROFILE).get(plain[2:_HEADER_BYTES])
    if not plain.startswith(_HEADER) or writer is None:
        raise SealError("a profile was written with a schema that this version does not know")
    body = BytesIO(plain)
    body.seek(_HEADER_BYTES)
    current = avro_schemas.current(READER_PROFILE)
    same = plain[2:_HEADER_BYTES] == _fingerprint()  # then nothing is to be resolved: faster
    return cast(dict[str, Any], schemaless_reader(body, writer, None if same else current))


def opened_profile(sealed: SealedProfile, ring: KeyringFile) -> ReaderProfile:
    """The profile inside, typed. Raises SealError."""
    return ReaderProfile.model_validate(unseal(sealed, ring.secret(sealed.key_version)))


@lru_cache(maxsize=1)
def _cipher(user_key: str, secret: Secret) -> AESGCM:
    """Each reader has a key of their own: random nonces stay safe for 2**32 writes of one reader,
    not of all (NIST SP 800-38D, 8.3). A profile that is opened is mostly sealed again at once.
    """
    return AESGCM(hmac.digest(secret.value, _READER_KEY + user_key.encode(), "sha256"))


def _fingerprint() -> bytes:
    return next(reversed(avro_schemas.by_fingerprint(READER_PROFILE)))
