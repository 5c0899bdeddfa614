"""What goes wrong on the way to a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import aiohttp

from ingest import guard


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


@contextmanager
def failures(url: str, timeout_s: float) -> Iterator[None]:
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
