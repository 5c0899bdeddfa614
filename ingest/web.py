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
import socket
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from ingest import guard, robots
from ingest.schedule import retry_after_s

R = TypeVar("R")

_REDIRECTS = {301, 302, 303, 307, 308}
_PERMANENT = {301, 308}
_LONGEST_PAUSE_S = 30.0
_SECRETS = {"authorization", "cookie", "x-api-key"}


class Reason(StrEnum):
    """Why nothing was fetched; a metric and a column that people filter by."""

    BAD_ADDRESS = "bad_address"
    PRIVATE_ADDRESS = "private_address"
    ROBOTS = "robots"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    REDIRECT_LOOP = "redirect_loop"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    HTTP_STATUS = "http_status"
    GONE = "gone"
    DNS = "dns"
    CONNECTION = "connection"
    TLS = "tls"
    BAD_ENCODING = "bad_encoding"


class FetchError(Exception):
    """Nothing was fetched; the message says why, `reason` counts it."""

    def __init__(
        self, reason: Reason, detail: str, *, status: int = 0, retry_after_s: float = 0.0
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.status = status
        self.retry_after_s = retry_after_s

    @property
    def is_final(self) -> bool:
        """Whether asking again soon is of no use."""
        given_up = self.reason in (Reason.ROBOTS, Reason.PRIVATE_ADDRESS, Reason.BAD_ADDRESS)
        refused = self.reason is Reason.HTTP_STATUS and 400 <= self.status < 500
        return given_up or self.reason is Reason.GONE or (refused and self.status not in (408, 429))


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
        with _failures(url, self.settings.timeout_s):
            return await self._follow(url, dict(headers or {}), robots_too)

    async def post(self, url: str, form: Mapping[str, str]) -> int:
        """Status of a server that was sent a form; a redirect is an answer. Raises FetchError."""
        self._require_askable(url)
        with _failures(url, self.settings.timeout_s):
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
            content = await _bounded(
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


@contextmanager
def _failures(url: str, timeout_s: float) -> Iterator[None]:
    """Whatever goes wrong on the way to a server, as FetchError."""
    try:
        yield
    except TimeoutError as error:
        raise FetchError(
            Reason.TIMEOUT, f"{url} did not answer whole within {timeout_s:g} s"
        ) from error
    except guard.Refused as error:
        raise FetchError(Reason.PRIVATE_ADDRESS, str(error)) from error
    except aiohttp.InvalidURL as error:
        raise FetchError(Reason.BAD_ADDRESS, f"{url[:200]!r} is no address") from error
    except aiohttp.ClientConnectorDNSError as error:
        raise FetchError(Reason.DNS, f"{url}: there is no such host ({error})") from error
    except (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch) as error:
        raise FetchError(Reason.TLS, f"{url}: {error}") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        why = str(error) or type(error).__name__
        raise FetchError(Reason.CONNECTION, f"{url}: {why}") from error


class GuardedResolver(AbstractResolver):
    """Names to addresses, none of them private unless allowed.

    What is checked is what is connected to: a name that changes its mind (DNS rebinding) gains
    nothing. Has threads of its own, so that slow names do not hold up others' work.
    """

    def __init__(self, *, allow_private: bool, threads: int = 16) -> None:
        self._allow_private = allow_private
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._pool, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        )
        results = [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=int(socket.AI_NUMERICHOST),
            )
            for kind, _, protocol, _, address in found
        ]
        if not self._allow_private:
            guard.require_public(host, [result["host"] for result in results])
        return results

    async def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _as_given(url: str) -> URL:
    """An address that is sent as it is: quoting it anew would break signed ones."""
    return URL(url, encoded=url.isascii() and " " not in url)


async def _bounded(pieces: AsyncIterator[bytes], encoding: str, max_bytes: int, url: str) -> bytes:
    """The pieces of an answer, unpacked, as long as they are no more than `max_bytes`."""
    unpack = _Unpacker(encoding)
    found: list[bytes] = []
    size = 0
    async for piece in pieces:
        try:
            unpacked = unpack.more(piece, max_bytes + 1 - size)
        except zlib.error as error:
            raise FetchError(Reason.BAD_ENCODING, f"{url}: broken {encoding}: {error}") from error
        size += len(unpacked)
        if size > max_bytes:
            raise FetchError(Reason.TOO_LARGE, f"{url} sends more than {max_bytes:,} bytes")
        found.append(unpacked)
    if not unpack.is_whole:
        raise FetchError(Reason.BAD_ENCODING, f"{url}: the {encoding} answer ends too soon")
    return b"".join(found)


class _Unpacker:
    """gzip and deflate, never more than asked for at a time."""

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        self._packed = name in ("gzip", "x-gzip", "deflate")
        self._decoder = zlib.decompressobj(47)
        self._untouched = True

    @property
    def is_whole(self) -> bool:
        """Whether the packed stream has come to its end."""
        return not self._packed or self._untouched or self._decoder.eof

    def more(self, piece: bytes, most: int) -> bytes:
        """The unpacked bytes of one more piece, at most `most`; the rest would be too much."""
        if not self._packed:
            return piece
        try:
            unpacked = self._decoder.decompress(piece, most)
        except zlib.error:
            if not self._untouched:
                raise
            self._decoder = zlib.decompressobj(-15)  # deflate without its header
            unpacked = self._decoder.decompress(piece, most)
        self._untouched = False
        return unpacked
