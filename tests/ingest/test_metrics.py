from collections import Counter

import aiohttp
import pytest

from ingest.counts import Counts
from ingest.metrics import exposition, served
from schemas.errors import SetupError


def test_counts_are_told_apart_by_reason():
    counts = Counts(polls=7, failed=Counter(timeout=2, html=1), signals=Counter(silent_source=1))
    lines = exposition(counts, {"outbox": 3}).splitlines()
    assert "wiredesk_ingest_polls_total 7" in lines
    assert 'wiredesk_ingest_failures_total{reason="timeout"} 2' in lines
    assert 'wiredesk_ingest_signals_total{kind="silent_source"} 1' in lines
    assert "wiredesk_ingest_outbox 3" in lines


async def test_they_are_served():
    text = "wiredesk_ingest_polls_total 7\n"
    async with served(lambda: text, 0) as port, aiohttp.ClientSession() as session:
        answer = await session.get(f"http://127.0.0.1:{port}/metrics")
        assert await answer.text() == text
        with pytest.raises(SetupError, match=f"port {port}"):
            await served(lambda: text, port).__aenter__()
