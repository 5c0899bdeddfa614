"""Who may do what: keys, login links, sessions, tokens of a provider."""

import time

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from server_parts import NOW_MS
from sqlalchemy import select

from serving import access, tables
from serving.access import Access, Tokens, require_csrf
from serving.errors import Denied, Forbidden, Unavailable
from serving.settings import Role, ServeSettings

ISSUER = "https://id.example"


async def test_a_key_names_who_has_it_and_the_database_does_not_hold_it(services):
    key = await services.access.add_key("desk tool", Role.EDITOR)
    visitor = await services.access.bearer(key)
    assert (visitor.name, visitor.role, visitor.via) == ("desk tool", Role.EDITOR, "key")
    rows = await services.history.rows(select(tables.keys))
    assert key not in str(rows)


@pytest.mark.parametrize("secret", ["wd_x_y", "x", "wd_", "é"])
async def test_an_unknown_key_is_denied(services, secret):
    with pytest.raises(Denied):
        await services.access.bearer(secret)


async def test_a_revoked_key_and_one_that_has_ended_are_denied(services, monkeypatch):
    revoked = await services.access.add_key("a", Role.READER)
    ending = await services.access.add_key("b", Role.READER, days=1)
    assert await services.access.bearer(revoked)
    assert await services.access.revoke_key(revoked.split("_")[1])
    with pytest.raises(Denied, match="revoked"):
        await services.access.bearer(revoked)
    later_ms = access.now_ms() + 2 * 86_400_000
    monkeypatch.setattr(access, "now_ms", lambda: later_ms)
    with pytest.raises(Denied):
        await services.access.bearer(ending)


async def test_a_login_link_works_once(services):
    path = await services.access.add_login_link("ada", Role.EDITOR)
    token = path.removeprefix("/login/")
    session, visitor = await services.access.log_in(token)
    assert visitor.name == "ada"
    with pytest.raises(Denied, match="used"):
        await services.access.log_in(token)
    again = await services.access.visitor({}, {access.COOKIE: session.token})
    assert (again.role, again.csrf) == (Role.EDITOR, session.csrf)


async def test_a_login_link_runs_out(services, monkeypatch):
    path = await services.access.add_login_link("ada", Role.EDITOR)
    later_ms = access.now_ms() + 16 * 60_000
    monkeypatch.setattr(access, "now_ms", lambda: later_ms)
    with pytest.raises(Denied):
        await services.access.log_in(path.removeprefix("/login/"))


async def test_looking_at_a_login_link_does_not_use_it_up(services, stranger):
    path = await services.access.add_login_link("ada", Role.EDITOR)
    assert (await stranger.get(path)).status_code == 200
    answer = await stranger.post(path)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert (await stranger.get("/v1/me")).json()["name"] == "ada"


async def test_who_logs_out_is_nobody(services, stranger):
    path = await services.access.add_login_link("ada", Role.EDITOR)
    await stranger.post(path)
    cookie = stranger.cookies[access.COOKIE]
    csrf = (await stranger.get("/v1/me")).json()["csrf"]
    assert (await stranger.post("/logout")).status_code == 403
    assert (await stranger.post("/logout", headers={"x-csrf-token": csrf})).status_code == 303
    stranger.cookies.set(access.COOKIE, cookie)
    assert (await stranger.get("/v1/me")).status_code == 401


async def test_a_change_by_cookie_needs_the_sessions_token(services):
    _, visitor = await services.access.open_session("ada", Role.EDITOR)
    require_csrf(visitor, visitor.csrf)
    for given in (None, "", "wrong"):
        with pytest.raises(Forbidden):
            require_csrf(visitor, given)


@pytest.fixture(scope="module")
def signing_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider:
    """An OpenID provider that signs with one key."""

    def __init__(self, key):
        self.key = key
        self.asked = []
        self.away = False

    def __call__(self, request):
        self.asked.append(request.url.path)
        if self.away:
            return httpx.Response(500)
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(200, json={"jwks_uri": f"{ISSUER}/keys"})
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return httpx.Response(200, json={"keys": [public | {"kid": "k1", "use": "sig"}]})

    def token(self, *, key=None, kid="k1", **changes):
        claims = {
            "iss": ISSUER,
            "aud": "wiredesk",
            "sub": "u1",
            "email": "ada@example.org",
            "roles": ["editor"],
            "exp": time.time() + 60,
        }
        claims = {k: v for k, v in (claims | changes).items() if v is not None}
        return jwt.encode(claims, key or self.key, algorithm="RS256", headers={"kid": kid})


@pytest.fixture
def provider(signing_key):
    return Provider(signing_key)


@pytest.fixture
def tokens(provider):
    settings = ServeSettings(oidc_issuer=ISSUER, oidc_audience="wiredesk")
    http = httpx.AsyncClient(transport=httpx.MockTransport(provider))
    return Tokens(ISSUER, "wiredesk", settings, http)


async def test_a_token_names_person_and_role_and_the_keys_are_fetched_once(provider, tokens):
    for _ in range(3):
        visitor = await tokens.visitor(provider.token())
    assert (visitor.name, visitor.role, visitor.via) == ("ada@example.org", Role.EDITOR, "token")
    assert len(provider.asked) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"aud": "other"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"roles": ["janitor"]},
        {"kid": "unknown"},
    ],
)
async def test_a_token_that_is_not_for_us_is_denied(provider, tokens, changes):
    with pytest.raises(Denied):
        await tokens.visitor(provider.token(**changes))


async def test_a_forged_token_is_denied(provider, tokens):
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(Denied):
        await tokens.visitor(provider.token(key=other))
    unsigned = jwt.encode({"iss": ISSUER}, None, algorithm="none", headers={"kid": "k1"})
    with pytest.raises(Denied):
        await tokens.visitor(unsigned)


async def test_a_provider_that_is_away_is_said_to_be(provider, tokens):
    provider.away = True
    with pytest.raises(Unavailable, match=r"id\.example"):
        await tokens.visitor(provider.token())


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/v1/alerts", Role.READER),
        ("GET", "/v1/status", Role.READER),
        ("GET", "/metrics", Role.READER),
        ("GET", "/v1/history/labels", Role.EDITOR),
        ("POST", "/v1/editorial/commands", Role.EDITOR),
        ("GET", "/v1/history/actions", Role.ADMIN),
        ("GET", "/v1/subscriptions", Role.ADMIN),
        ("POST", "/v1/subscriptions", Role.ADMIN),
    ],
)
async def test_roles(as_role, stranger, role, method, path, needed):
    body = {"json": {"kind": "pin", "story_id": "s"}} if method == "POST" else {}
    answer = await (await as_role(role)).request(method, path, **body)
    assert (answer.status_code == 403) is not role.covers(needed)
    assert (await stranger.request(method, path, **body)).status_code == 401


async def test_sessions_and_links_that_ran_out_are_forgotten(services):
    assert isinstance(services.access, Access)
    await services.access.open_session("ada", Role.EDITOR)
    await services.history.prune(now_ms=NOW_MS * 2, days=1)
    assert await services.history.rows(select(tables.sessions)) == []
