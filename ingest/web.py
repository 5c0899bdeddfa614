"""Asking servers: polite, bounded in time and size, never where it is private.

| Server | Outcome, as FetchError's reason |
|---|---|
| an address that is private, also behind a name or a redirect | `private_address`, not asked |
| robots.txt forbids it | `robots`, not asked |
| more bytes than `max_bytes`, packed or not; an endless answer | `too_large` |
| slower than `timeout_s` in all, or silent for `stall_s` | `timeout` |
| a redirect to where we were; more than `max_redirects` | `redirect_loop`, `too_many_redirects` |
| 4xx, 5xx | `http_status`, with `status` and what Retry-After asks for; 410 is `gone` |
| no such host; refused; bad certificate | `dns`, `connection`, `tls` |
| broken gzip | `bad_encoding` |
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from ingest import guard, robots
from ingest.failures import FetchError, Reason, failures
from ingest.resolver import GuardedResolver
from ingest.schedule import retry_after_s
from ingest.unpacking import bounded

R = TypeVar("R")

_REDIRECTS = {301, 302, 303, 307, 308}
_PERMANENT = {301, 308}
_LONGEST_PAUSE_S = 30.0
_SECRETS = {"authorization", "cookie", "x-api-key"}


@dataclass(frozen=True)
class WebSettings:
    """How servers are asked.

    max_bytes     of an answer, unpacked
    timeout_s     for a whole answer, once it is our turn
    stall_s       between two pieces of it
    per_host      requests to one host at a time
    pause_s       between the beginnings of two requests to one host
    connections   to all hosts together; `run` shares them out
    """

    user_agent: str = "Wiredesk/0.1 (news ingest; wiredesk)"
    allow_private: bool = False
    respect_robots: bool = True
    max_bytes: int = 10 * 1024 * 1024
    max_redirects: int = 5
    timeout_s: float = 30.0
    connect_s: float = 10.0
    stall_s: float = 10.0
    per_host: int = 2
    pause_s: float = 0.5
    connections: int = 256


@dataclass(frozen=True)
class Answer:
    """What a server sent.

    url       where it came from in the end
    moved_to  the address to ask from now on, if the redirects were permanent; else empty
    headers   names in lower case
    """

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    moved_to: str = ""

    @property
    def content_type(self) -> str:
        """The media type with its parameters, as declared."""
        return self.headers.get("content-type", "")

    @property
    def charset(self) -> str | None:
        """The declared character set."""
        for part in self.content_type.split(";")[1:]:
            name, _, value = part.strip().partition("=")
            if name.lower() == "charset" and value:
                return value.strip("\"' ")
        return None


@dataclass
class _Host:
    """One host: how many may ask at a time, and when the next may."""

    slots: asyncio.Semaphore
    next_s: float = 0.0
    pause_s: float = 0.0
    rules: dict[str, tuple[robots.Rules, float]] = field(default_factory=dict)
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Compute(Protocol):
    """Calls a function elsewhere: a source's heavy reading must not hold up the others."""

    def __call__(self, function: Callable[..., R], /, *arguments: Any) -> Awaitable[R]: ...


async def in_thread(function: Callable[..., R], /, *arguments: Any) -> R:
    """Compute in a thread of this process."""
    return await asyncio.to_thread(function, *arguments)


class KnownRobots(Protocol):
    """What every robots.txt said, kept longer than a process lives; moments in ms since 1970."""

    def robots_of(self, site: str) -> tuple[robots.Rules, int] | None:
        """What a site's file said, and until when that holds."""

    def keep_robots(self, site: str, rules: robots.Rules, until_ms: int) -> None:
        """What it says from now on."""


class Web:
    """Fetches over HTTP; an asynchronous context manager.

    compute  where what was fetched is read
    known    what robots.txt of the sites said before; None: each is asked anew
    """

    def __init__(
        self,
        settings: WebSettings | None = None,
        *,
        compute: Compute = in_thread,
        known: KnownRobots | None = None,
    ) -> None:
        self.settings = settings or WebSettings()
        self.compute = compute
        self._known = known
        self._hosts: dict[str, _Host] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        s = self.settings
        connector = aiohttp.TCPConnector(
            limit=0,  # who asks keeps to it: waiting for a connection would count as silence
            limit_per_host=s.per_host,
            resolver=GuardedResolver(allow_private=s.allow_private),
            ttl_dns_cache=300,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=s.connect_s, sock_read=s.stall_s
            ),
            headers={"User-Agent": s.user_agent, "Accept-Encoding": "gzip, deflate"},
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session:
            await self._session.close()

    async def get(
        self, url: str, headers: Mapping[str, str] | None = None, *, robots_too: bool = True
    ) -> Answer:
        """The answer of a server, redirects followed; 304 is one. Raises FetchError."""
        with failures(url, self.settings.timeout_s):
            return await self._follow(url, dict(headers or {}), robots_too)

    async def post(self, url: str, form: Mapping[str, str]) -> int:
        """Status of a server that was sent a form; a redirect is an answer. Raises FetchError."""
        self._require_askable(url)
        with failures(url, self.settings.timeout_s):
            status, headers, _ = await self._ask(url, {}, form)
        return self._answered(url, status, headers, b"", "").status

    async def _follow(self, url: str, headers: dict[str, str], robots_too: bool) -> Answer:
        seen, moved_to, permanent = {url}, "", True
        for _ in range(self.settings.max_redirects + 1):
            self._require_askable(url)
            if robots_too and self.settings.respect_robots:
                await self._require_allowed(url)
            status, found, content = await self._ask(url, headers)
            if status not in _REDIRECTS:
                return self._answered(url, status, found, content, moved_to)
            target = urljoin(url, found.get("location", ""))
            if target in seen:
                raise FetchError(Reason.REDIRECT_LOOP, f"{url} leads back to {target}")
            permanent = permanent and status in _PERMANENT
            moved_to = target if permanent else moved_to
            if urlsplit(target).netloc != urlsplit(url).netloc:
                headers = {k: v for k, v in headers.items() if k.lower() not in _SECRETS}
            seen.add(target)
            url = target
        raise FetchError(
            Reason.TOO_MANY_REDIRECTS, f"more than {self.settings.max_redirects} redirects to {url}"
        )

    def _answered(
        self, url: str, status: int, headers: Mapping[str, str], content: bytes, moved_to: str
    ) -> Answer:
        if status < 400:
            return Answer(url, status, headers, content, moved_to)
        wait_s = retry_after_s(headers.get("retry-after", ""), datetime.now(UTC))
        reason = Reason.GONE if status == 410 else Reason.HTTP_STATUS
        raise FetchError(
            reason, f"{url} answers with status {status}", status=status, retry_after_s=wait_s
        )

    def _require_askable(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise FetchError(
                Reason.BAD_ADDRESS, f"{url[:200]!r} is no address of the web; expected http(s)://"
            )
        address = guard.literal(parts.hostname)
        if address and not self.settings.allow_private:
            guard.require_public(parts.hostname, [address])

    async def _require_allowed(self, url: str) -> None:
        host = self._host(url)
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        async with host.asking:
            rules, until_s = host.rules.get(site) or self._remembered(site)
            if until_s <= time.time():
                rules = await self._rules(f"{site}/robots.txt")
                until_s = time.time() + rules.kept_s
                if self._known is not None:
                    self._known.keep_robots(site, rules, round(until_s * 1000))
            if site not in host.rules or host.rules[site][1] != until_s:
                host.rules[site] = (rules, until_s)
                host.pause_s = min(max(self.settings.pause_s, rules.delay_s), _LONGEST_PAUSE_S)
        if not rules.allows(url):
            why = "cannot be read just now" if rules.closed else "forbids it"
            raise FetchError(
                Reason.ROBOTS,
                f"{url} is not asked: {site}/robots.txt {why}",
                retry_after_s=rules.kept_s if rules.closed else 0.0,
            )

    def _remembered(self, site: str) -> tuple[robots.Rules, float]:
        found = self._known.robots_of(site) if self._known is not None else None
        return (robots.Rules(), 0.0) if found is None else (found[0], found[1] / 1000)

    async def _rules(self, url: str) -> robots.Rules:
        try:
            answer = await self._follow(url, {}, robots_too=False)
        except FetchError as error:
            status = 0 if error.reason is not Reason.HTTP_STATUS else error.status
            return robots.rules(404 if error.reason is Reason.GONE else status, b"")
        except (aiohttp.ClientError, OSError):  # a timeout is an OSError, too
            return robots.rules(0, b"")
        return robots.rules(answer.status, answer.content)

    async def _ask(
        self, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request, in its turn: a GET, or a POST of a form."""
        session = self._session
        if session is None:
            raise RuntimeError("Web is a context manager: `async with Web() as web`")
        async with (
            self._turn(url),
            asyncio.timeout(self.settings.timeout_s),
            session.request(
                "GET" if form is None else "POST",
                _as_given(url),
                headers=headers,
                data=form,
                allow_redirects=False,
            ) as response,
        ):
            found = {name.lower(): value for name, value in response.headers.items()}
            if response.status in _REDIRECTS or response.status >= 400 or response.status == 304:
                return response.status, found, b""
            content = await bounded(
                response.content.iter_any(),
                found.get("content-encoding", ""),
                self.settings.max_bytes,
                url,
            )
            return response.status, found, content

    @asynccontextmanager
    async def _turn(self, url: str) -> AsyncIterator[None]:
        """Our turn at a host: not too many at a time, not too soon after another."""
        host = self._host(url)
        async with host.slots:
            now_s = time.monotonic()
            start_s = max(now_s, host.next_s)
            host.next_s = start_s + host.pause_s
            if start_s > now_s:
                await asyncio.sleep(start_s - now_s)
            yield

    def _host(self, url: str) -> _Host:
        name = urlsplit(url).hostname or ""
        found = self._hosts.get(name)
        if found is None:
            found = _Host(asyncio.Semaphore(self.settings.per_host), pause_s=self.settings.pause_s)
            self._hosts[name] = found
        return found


def _as_given(url: str) -> URL:
    """An address that is sent as it is: quoting it anew would break signed ones."""
    return URL(url, encoded=url.isascii() and " " not in url)
