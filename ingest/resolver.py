"""Names of hosts to addresses that may be asked."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult

from ingest import guard


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
