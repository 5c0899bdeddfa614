"""Who is asking, and what they may do: API keys, tokens of an OpenID provider, console sessions.

Secrets are random, 32 bytes: a plain SHA-256 keeps them (there is nothing to guess, a slow hash
would only slow every request). The database never holds one.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import jwt
from cachetools import TTLCache
from sqlalchemy import delete, select, update

from serving import tables
from serving.errors import Denied, Forbidden, Unavailable
from serving.history import History
from serving.settings import Role, ServeSettings

COOKIE = "wiredesk_session"
CSRF_HEADER = "x-csrf-token"
KEY_PREFIX = "wd"
_KNOWN_S = 15
"""Seconds a key that was looked up is believed: so long after it is revoked it may still work."""
_JWKS_KEPT_S = 3600
_JWKS_AGAIN_S = 30
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
_LEEWAY_S = 30


@dataclass(frozen=True)
class Visitor:
    """Who is asking.

    via              key, token or session
    csrf             what a change that comes with the session's cookie must bring in X-CSRF-Token
    rate_per_minute  None: the server's
    """

    name: str
    role: Role
    via: Literal["key", "token", "session"]
    identity: str
    csrf: str | None = None
    rate_per_minute: int | None = None

    def require(self, role: Role) -> None:
        """Raises Forbidden unless the visitor's role covers `role`."""
        if not self.role.covers(role):
            raise Forbidden(f"{self.name} has the role {self.role}; this needs {role}")


@dataclass(frozen=True)
class Session:
    """A login to the console; `token` is the cookie's value."""

    token: str
    csrf: str
    expires_ms: int

    @property
    def expires_at(self) -> datetime:
        """When it ends."""
        return datetime.fromtimestamp(self.expires_ms / 1000, UTC)


class Access:
    """Keys, login links and sessions in the database; tokens by the provider's public keys."""

    def __init__(
        self, settings: ServeSettings, history: History, http: httpx.AsyncClient | None = None
    ) -> None:
        self._settings = settings
        self._history = history
        self._known: TTLCache[str, Visitor | None] = TTLCache(10_000, _KNOWN_S)
        self._tokens = (
            Tokens(settings.oidc_issuer, settings.oidc_audience or "", settings, http)
            if settings.oidc_issuer
            else None
        )

    async def visitor(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Visitor:
        """Who sent a request, by `Authorization: Bearer` or the console's cookie. Raises Denied."""
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        if bearer:
            if kind.lower() != "bearer":
                raise Denied(f"Authorization: {kind[:20]} is not known here; expected Bearer")
            return await self.bearer(bearer.strip())
        if cookie := cookies.get(COOKIE):
            found = await self._remembered(cookie, self._session)
            if found is None:
                raise Denied("the session has ended; log in again")
            return found
        raise Denied("this needs a key: Authorization: Bearer KEY")

    async def bearer(self, secret: str) -> Visitor:
        """Who has a key or a token. Raises Denied."""
        if secret.startswith(f"{KEY_PREFIX}_"):
            found = await self._remembered(secret, self._key)
            if found is None:
                raise Denied("the key is not known, has ended, or was revoked")
            return found
        if self._tokens is None:
            raise Denied("the key is not known: keys begin with wd_, and no OpenID issuer is set")
        return await self._tokens.visitor(secret)

    async def add_key(
        self,
        name: str,
        role: Role,
        *,
        days: int | None = None,
        rate_per_minute: int | None = None,
    ) -> str:
        """A new key; it is shown once, here."""
        identity, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        key = f"{KEY_PREFIX}_{identity}_{secret}"
        row = {
            "id": identity,
            "name": name,
            "role": role.value,
            "digest": digest(key),
            "rate_per_minute": rate_per_minute,
            "created_ms": now_ms(),
            "expires_ms": now_ms() + days * 86_400_000 if days else None,
            "revoked_ms": None,
        }
        await self._history.add(tables.keys, [row])
        return key

    async def keys(self) -> list[dict[str, Any]]:
        """Every key there was, without what proves it."""
        shown = [column for column in tables.keys.c if column.name != "digest"]
        return await self._history.rows(select(*shown).order_by(tables.keys.c.created_ms))

    async def revoke_key(self, identity: str) -> bool:
        """End a key; whether there was one to end."""
        async with self._history.transaction() as connection:
            done = await connection.execute(
                update(tables.keys)
                .where(tables.keys.c.id == identity, tables.keys.c.revoked_ms.is_(None))
                .values(revoked_ms=now_ms())
            )
        self._known.clear()
        return bool(done.rowcount)

    async def add_login_link(self, name: str, role: Role) -> str:
        """The path of a link that logs someone in, once."""
        token = secrets.token_urlsafe(32)
        row = {
            "digest": digest(token),
            "name": name,
            "role": role.value,
            "expires_ms": now_ms() + round(self._settings.login_link_min * 60_000),
            "used_ms": None,
        }
        await self._history.add(tables.login_links, [row])
        return f"/login/{token}"

    async def log_in(self, token: str) -> tuple[Session, Visitor]:
        """The session that a login link opens; the link is used up. Raises Denied."""
        links = tables.login_links
        async with self._history.transaction() as connection:
            taken = await connection.execute(
                update(links)
                .where(
                    links.c.digest == digest(token),
                    links.c.used_ms.is_(None),
                    links.c.expires_ms > now_ms(),
                )
                .values(used_ms=now_ms())
            )
            if not taken.rowcount:
                raise Denied("this link was used or has run out: ask for another")
            found = await connection.execute(
                select(links.c.name, links.c.role).where(links.c.digest == digest(token))
            )
            name, role = found.one()
        return await self.open_session(name, Role(role))

    async def open_session(self, name: str, role: Role) -> tuple[Session, Visitor]:
        """A new session of someone who has proved who they are."""
        session = Session(
            token=secrets.token_urlsafe(32),
            csrf=secrets.token_urlsafe(32),
            expires_ms=now_ms() + round(self._settings.session_h * 3_600_000),
        )
        kept = digest(session.token)
        row = {
            "digest": kept,
            "name": name,
            "role": role.value,
            "csrf": session.csrf,
            "created_ms": now_ms(),
            "expires_ms": session.expires_ms,
        }
        await self._history.add(tables.sessions, [row])
        return session, Visitor(name, role, "session", kept[:16], session.csrf)

    async def log_out(self, token: str) -> None:
        """End a session."""
        async with self._history.transaction() as connection:
            await connection.execute(
                delete(tables.sessions).where(tables.sessions.c.digest == digest(token))
            )
        self._known.pop(digest(token), None)

    async def _remembered(self, secret: str, look_up: Any) -> Visitor | None:
        key = digest(secret)
        if key not in self._known:
            self._known[key] = await look_up(key)
        return self._known[key]

    async def _key(self, key_digest: str) -> Visitor | None:
        rows = await self._history.rows(
            select(tables.keys).where(tables.keys.c.digest == key_digest)
        )
        if not rows or rows[0]["revoked_ms"] or _is_over(rows[0]["expires_ms"]):
            return None
        row = rows[0]
        return Visitor(
            row["name"],
            Role(row["role"]),
            "key",
            row["id"],
            rate_per_minute=row["rate_per_minute"],
        )

    async def _session(self, session_digest: str) -> Visitor | None:
        rows = await self._history.rows(
            select(tables.sessions).where(tables.sessions.c.digest == session_digest)
        )
        if not rows or _is_over(rows[0]["expires_ms"]):
            return None
        row = rows[0]
        return Visitor(row["name"], Role(row["role"]), "session", session_digest[:16], row["csrf"])


class Tokens:
    """Tokens of one OpenID provider (OpenID Connect Core 1.0, 3.1.3.7)."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        settings: ServeSettings,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._roles_claim = settings.oidc_roles_claim
        self._name_claim = settings.oidc_name_claim
        self._http = http or httpx.AsyncClient(timeout=5)
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_s = -_JWKS_KEPT_S * 1.0

    async def visitor(self, token: str) -> Visitor:
        """Who a token names. Raises Denied, or Unavailable."""
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid", "")))
            claims = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise Denied(f"the token is not valid: {error}") from error
        role = role_in(claims, self._roles_claim)
        if role is None:
            raise Denied(f"the token names no role of ours in {self._roles_claim}")
        name = str(claims.get(self._name_claim) or claims["sub"])
        return Visitor(name[:200], role, "token", str(claims["sub"])[:200])

    async def _key(self, key_id: str) -> jwt.PyJWK:
        age_s = time.monotonic() - self._asked_s
        if age_s > _JWKS_KEPT_S or (key_id not in self._keys and age_s > _JWKS_AGAIN_S):
            await self._fetch()
        if key_id not in self._keys:
            raise jwt.InvalidKeyError("it is signed with a key that the provider does not publish")
        return self._keys[key_id]

    async def _fetch(self) -> None:
        try:
            about = await self._http.get(
                f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            )
            about.raise_for_status()
            found = await self._http.get(about.json()["jwks_uri"])
            found.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(found.json()).keys
        except (httpx.HTTPError, ValueError, KeyError, jwt.PyJWKSetError) as error:
            raise Unavailable(f"the OpenID issuer {self._issuer} gives no keys: {error}") from error
        self._keys = {key.key_id or "": key for key in keys}
        self._asked_s = time.monotonic()


def role_in(claims: Mapping[str, Any], path: str) -> Role | None:
    """The highest of our roles that a claim names; a dotted path reaches inside.

    >>> role_in({"realm_access": {"roles": ["x", "editor", "reader"]}}, "realm_access.roles")
    <Role.EDITOR: 'editor'>
    """
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    named = {found} if isinstance(found, str) else set(found if isinstance(found, list) else ())
    ours = [role for role in Role if role.value in named]
    return ours[-1] if ours else None


def require_csrf(visitor: Visitor, given: str | None) -> None:
    """Raises Forbidden when a change comes by cookie without the session's token."""
    if visitor.via == "session" and not hmac.compare_digest(visitor.csrf or "", given or ""):
        raise Forbidden(f"a change from the console needs the session's token in {CSRF_HEADER}")


def digest(secret: str) -> str:
    """What the database keeps of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _is_over(expires_ms: int | None) -> bool:
    return expires_ms is not None and expires_ms <= now_ms()
