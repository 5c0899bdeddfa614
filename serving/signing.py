"""Signed messages over HTTP, as the Standard Webhooks specification 1.0.0 has them, both ways.

Headers: `webhook-id`, `webhook-timestamp` (seconds), `webhook-signature`, one or several of
`v1,BASE64`, each HMAC-SHA256 over `id.timestamp.body`.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping

from serving.errors import BadSignature

TOLERANCE_S = 300
"""How far a sender's clock may be off, and how old a message may be."""

_PREFIX = "whsec_"


def new_secret() -> str:
    """A secret of 32 random bytes."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def headers(secret: str, message_id: str, body: bytes, *, now_s: int) -> dict[str, str]:
    """The headers of a message.

    >>> headers("whsec_MDEyMw==", "m1", b"{}", now_s=7)["webhook-signature"]
    'v1,T8P3f+8Wve/CeQlOzsrvjxsj74VryBMC7cdoSiL4kuI='
    """
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": f"v1,{_signature(secret, message_id, now_s, body)}",
    }


def verify(secret: str, given: Mapping[str, str], body: bytes, *, now_s: int) -> str:
    """The id of a message that is signed with the secret. Raises BadSignature."""
    message_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not message_id or not timestamp.isascii() or not timestamp.isdigit():
        raise BadSignature("webhook-id and webhook-timestamp (seconds) are needed")
    if abs(now_s - int(timestamp)) > TOLERANCE_S:
        raise BadSignature(f"webhook-timestamp is more than {TOLERANCE_S} s off our clock")
    expected = _signature(secret, message_id, int(timestamp), body).encode()
    for signature in given.get("webhook-signature", "").split():
        version, _, value = signature.partition(",")
        if version == "v1" and hmac.compare_digest(value.encode(), expected):
            return message_id
    raise BadSignature("webhook-signature does not match the body")


def check_secret(secret: str) -> None:
    """Raises ValueError for what is no secret."""
    if len(_key(secret)) < 16:
        raise ValueError("a secret needs at least 16 bytes")


def _signature(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()


def _key(secret: str) -> bytes:
    """`whsec_` and base64, or the text itself."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a secret that begins with whsec_ goes on in base64") from error
