"""What becomes of servers that are slow, hostile or merely elsewhere."""

import asyncio
import gzip
import socket
import zlib

import pytest
from aiohttp import web

from ingest.failures import FetchError, Reason
from ingest.state import State
from ingest.web import Web


async def reason_of(fetcher, url, **more):
    with pytest.raises(FetchError) as caught:
        await fetcher.get(url, **more)
    return caught.value


async def test_answer_has_content_headers_and_charset(serve, quick):
    site = await serve()
    site.pages["/a"] = (200, {"Content-Type": "text/html; charset=latin-1", "ETag": '"7"'}, b"\xe9")
    async with Web(quick()) as fetcher:
        answer = await fetcher.get(f"{site.url}/a")
    assert (answer.content, answer.charset, answer.headers["etag"]) == (b"\xe9", "latin-1", '"7"')


async def test_gzip_and_headerless_deflate_are_unpacked(serve, quick):
    site = await serve()
    raw = zlib.compressobj(wbits=-15)
    deflated = raw.compress(b"deflated") + raw.flush()
    site.pages["/gzip"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(b"packed"))
    site.pages["/deflate"] = (200, {"Content-Encoding": "deflate"}, deflated)
    async with Web(quick()) as fetcher:
        assert (await fetcher.get(f"{site.url}/gzip")).content == b"packed"
        assert (await fetcher.get(f"{site.url}/deflate")).content == b"deflated"


async def test_broken_and_cut_gzip_is_refused(serve, quick):
    site = await serve()
    site.pages["/broken"] = (200, {"Content-Encoding": "gzip"}, b"\x1f\x8bno gzip at all")
    site.pages["/cut"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(b"packed" * 99)[:-9])
    async with Web(quick()) as fetcher:
        for path in ("/broken", "/cut"):
            assert (await reason_of(fetcher, site.url + path)).reason is Reason.BAD_ENCODING


async def test_feed_of_too_many_bytes_is_dropped_also_when_packed(serve, quick):
    site = await serve()
    site.pages["/plain"] = (200, {}, b"x" * 5_000)
    site.pages["/bomb"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(3_000_000)))
    async with Web(quick(max_bytes=1_000)) as fetcher:
        for path in ("/plain", "/bomb"):
            assert (await reason_of(fetcher, site.url + path)).reason is Reason.TOO_LARGE


async def test_endless_answer_ends_at_the_size_limit(serve, quick):
    async def endless(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"<item/>" * 100)
            await asyncio.sleep(0)

    site = await serve()
    site.pages["/endless"] = endless
    async with Web(quick(max_bytes=50_000)) as fetcher:
        assert (await reason_of(fetcher, f"{site.url}/endless")).reason is Reason.TOO_LARGE


async def test_dripping_and_silent_servers_run_out_of_time(serve, quick):
    async def drip(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b".")
            await asyncio.sleep(0.01)

    async def silent(request):
        await asyncio.sleep(9)
        return web.Response()

    site = await serve()
    site.pages |= {"/drip": drip, "/silent": silent}
    async with Web(quick(timeout_s=0.1)) as fetcher:
        for path in ("/drip", "/silent"):
            assert (await reason_of(fetcher, site.url + path)).reason is Reason.TIMEOUT
    async with Web(quick(stall_s=0.1)) as fetcher:
        assert (await reason_of(fetcher, f"{site.url}/silent")).reason is Reason.TIMEOUT


async def test_redirects_are_followed_and_permanent_ones_reported(serve, quick):
    site = await serve()
    site.pages |= {
        "/old": (301, {"Location": "/new"}, b""),
        "/new": (200, {}, b"here"),
        "/for-now": (302, {"Location": "/old"}, b""),
    }
    async with Web(quick()) as fetcher:
        assert (await fetcher.get(f"{site.url}/old")).moved_to == f"{site.url}/new"
        answer = await fetcher.get(f"{site.url}/for-now")
    assert (answer.content, answer.moved_to) == (b"here", "")


async def test_redirect_loops_and_long_chains_end(serve, quick):
    site = await serve()
    site.pages |= {
        "/a": (302, {"Location": "/b"}, b""),
        "/b": (302, {"Location": "/a"}, b""),
    }
    site.pages |= {f"/{n}": (302, {"Location": f"/{n + 1}"}, b"") for n in range(9)}
    async with Web(quick(max_redirects=3)) as fetcher:
        assert (await reason_of(fetcher, f"{site.url}/a")).reason is Reason.REDIRECT_LOOP
        assert (await reason_of(fetcher, f"{site.url}/0")).reason is Reason.TOO_MANY_REDIRECTS


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433", "169.254.169.254"]
)
async def test_private_addresses_are_not_asked(quick, host):
    async with Web(quick(allow_private=False)) as fetcher:
        error = await reason_of(fetcher, f"http://{host}:9/latest/meta-data")
    assert error.reason is Reason.PRIVATE_ADDRESS
    assert "allow_private" in str(error)


async def test_public_name_with_a_private_address_is_not_asked(quick, monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 80))]
    monkeypatch.setattr("ingest.resolver.socket.getaddrinfo", lambda *_: found)
    async with Web(quick(allow_private=False)) as fetcher:
        error = await reason_of(fetcher, "http://rebinding.example/")
    assert (error.reason, "10.0.0.7" in str(error)) == (Reason.PRIVATE_ADDRESS, True)


async def test_redirect_to_a_private_address_is_not_followed(serve, quick, monkeypatch):
    site = await serve()
    site.pages["/a"] = (302, {"Location": "http://192.168.0.1/admin"}, b"")
    monkeypatch.setattr("ingest.guard.is_public", lambda address: address == "127.0.0.1")
    async with Web(quick(allow_private=False)) as fetcher:
        assert (await reason_of(fetcher, f"{site.url}/a")).reason is Reason.PRIVATE_ADDRESS
    assert site.paths() == ["/a"]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://news.example/", "news", "http://"])
async def test_what_is_no_web_address_is_not_asked(quick, url):
    async with Web(quick()) as fetcher:
        assert (await reason_of(fetcher, url)).reason is Reason.BAD_ADDRESS


async def test_status_tells_what_the_server_wants(serve, quick):
    site = await serve()
    site.pages |= {
        "/busy": (503, {"Retry-After": "120"}, b""),
        "/slow-down": (429, {"Retry-After": "7"}, b""),
        "/gone": (410, {}, b""),
    }
    async with Web(quick()) as fetcher:
        busy = await reason_of(fetcher, f"{site.url}/busy")
        limited = await reason_of(fetcher, f"{site.url}/slow-down")
        gone = await reason_of(fetcher, f"{site.url}/gone")
        missing = await reason_of(fetcher, f"{site.url}/missing")
    assert (busy.status, busy.retry_after_s, busy.is_final) == (503, 120, False)
    assert (limited.retry_after_s, limited.is_final) == (7, False)
    assert (gone.reason, gone.is_final) == (Reason.GONE, True)
    assert (missing.reason, missing.is_final) == (Reason.HTTP_STATUS, True)


async def test_refused_connections_and_unknown_hosts_are_told_apart(
    quick, unused_tcp_port, monkeypatch
):
    def resolve(host, *rest, **more):
        if host == "nowhere.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "")
        return known(host, *rest, **more)

    known = socket.getaddrinfo
    monkeypatch.setattr("ingest.resolver.socket.getaddrinfo", resolve)
    async with Web(quick()) as fetcher:
        refused = await reason_of(fetcher, f"http://127.0.0.1:{unused_tcp_port}/")
        unknown = await reason_of(fetcher, "http://nowhere.invalid/")
    assert (refused.reason, unknown.reason) == (Reason.CONNECTION, Reason.DNS)


async def test_robots_txt_is_asked_once_in_two_runs(serve, quick):
    site = await serve()
    site.pages |= {
        "/robots.txt": (200, {}, b"User-agent: *\nDisallow: /private/"),
        "/a": (200, {}, b"a"),
    }
    with State(":memory:") as state:
        for _ in range(2):
            async with Web(quick(respect_robots=True), known=state) as fetcher:
                await fetcher.get(f"{site.url}/a")
                refused = await reason_of(fetcher, f"{site.url}/private/b")
                assert refused.reason is Reason.ROBOTS
    assert site.paths().count("/robots.txt") == 1


async def test_robots_txt_is_asked_once_and_obeyed(serve, quick):
    site = await serve()
    site.pages |= {
        "/robots.txt": (200, {}, b"User-agent: wiredesk\nDisallow: /private/"),
        "/a": (200, {}, b"a"),
        "/private/b": (200, {}, b"b"),
    }
    async with Web(quick(respect_robots=True)) as fetcher:
        assert (await fetcher.get(f"{site.url}/a")).content == b"a"
        error = await reason_of(fetcher, f"{site.url}/private/b")
    assert (error.reason, error.is_final) == (Reason.ROBOTS, True)
    assert site.paths() == ["/robots.txt", "/a"]


async def test_robots_txt_that_fails_closes_a_host_for_a_while(serve, quick):
    site = await serve()
    site.pages |= {"/robots.txt": (500, {}, b""), "/a": (200, {}, b"a")}
    async with Web(quick(respect_robots=True)) as fetcher:
        error = await reason_of(fetcher, f"{site.url}/a")
    assert (error.reason, error.retry_after_s) == (Reason.ROBOTS, 600)
    assert site.paths() == ["/robots.txt"]


async def test_robots_txt_that_stalls_is_waited_for_once(serve, quick):
    async def stall(request):
        await asyncio.sleep(9)

    site = await serve()
    site.pages |= {"/robots.txt": stall, "/a": (200, {}, b"a")}
    async with Web(quick(respect_robots=True, timeout_s=1)) as fetcher:
        for _ in range(2):
            assert (await reason_of(fetcher, f"{site.url}/a")).reason is Reason.ROBOTS
    assert site.paths() == ["/robots.txt"]


async def test_host_is_asked_by_few_at_a_time(serve, quick):
    at_once, most = 0, 0

    async def slow(request):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        return web.Response()

    site = await serve()
    site.pages |= {f"/{n}": slow for n in range(8)}
    async with Web(quick(per_host=2)) as fetcher:
        await asyncio.gather(*(fetcher.get(f"{site.url}/{n}") for n in range(8)))
    assert most == 2


async def test_secrets_stay_with_their_host(serve, quick):
    mine, other = await serve(), await serve("127.0.0.2")
    mine.pages["/a"] = (302, {"Location": f"{other.url}/b"}, b"")
    other.pages["/b"] = (200, {}, b"b")
    async with Web(quick()) as fetcher:
        await fetcher.get(f"{mine.url}/a", {"Authorization": "Bearer 7", "Accept": "x/y"})
    assert "Authorization" in mine.asked[0].headers
    assert "Authorization" not in other.asked[0].headers
    assert other.asked[0].headers["Accept"] == "x/y"
