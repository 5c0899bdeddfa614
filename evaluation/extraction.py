"""How well articles are read from their pages, beside trafilatura's default and readability.

A folder holds HTML files and `ground_truth.jsonl`, rows {"file", "body", "title"?, "published"?};
several rows of one file are versions of its truth, and the one that fits the text best counts.

body   F1 of the words (multiset; NFKC, lower case, runs of letters and digits), mean over pages
title  equal after normalising: NFKC, case, spaces, kinds of quotes and dashes, hidden hyphens
date   the same day, in the zone of the truth
"""

import json
import re
import statistics
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from schemas.errors import SetupError, missing_extra

TRUTH = "ground_truth.jsonl"
_WITHOUT_DATES = {"readability"}
_QUOTES = str.maketrans(
    dict.fromkeys("‘’‚‛′`´", "'")
    | dict.fromkeys("“”„‟″«»", '"')
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys("\xad\u200b\u200c\u200d\u2060\ufeff", None)
)


@dataclass(frozen=True)
class Truth:
    """One version of what a page holds."""

    body: str
    title: str | None = None
    published: str | None = None


@dataclass(frozen=True)
class Read:
    """What an extractor read from a page."""

    title: str = ""
    body: str = ""
    published: datetime | None = None


Extractor = Callable[[bytes], Read]


@dataclass(frozen=True)
class Scores:
    """How well one extractor read the pages; shares 0..1, None where no truth was given.

    pages_per_s  by processor time, so that a busy machine does not count: of all processes together
    """

    body_f1: float
    body_f1_median: float
    title_accuracy: float | None
    date_accuracy: float | None
    pages_per_s: float


@dataclass(frozen=True)
class Report:
    """Ours, the others by name, and our misses: (file, what, read, true)."""

    pages: int
    ours: Scores
    others: Mapping[str, Scores]
    misses: Sequence[tuple[str, str, str, str]] = field(default_factory=tuple)

    def as_json(self) -> dict[str, Any]:
        """The report as `--json` writes it."""
        scores = {name: vars(one) for name, one in self.others.items()}
        return {"pages": self.pages, "metrics": vars(self.ours), "others": scores}


def evaluate_extraction(folder: Path, *, processes: int = 1, others: bool = True) -> Report:
    """Read every page of a folder with each extractor. Raises SetupError.

    processes  that read side by side, a core each
    """
    truths = load_truth(folder)
    ours, misses = _score(folder, truths, "wiredesk", processes)
    found = {
        name: _score(folder, truths, name, processes)[0]
        for name in (("trafilatura", "readability") if others else ())
    }
    return Report(len(truths), ours, found, misses)


def load_truth(folder: Path) -> dict[str, list[Truth]]:
    """The versions of the truth of each file. Raises SetupError, which names the line."""
    path = folder / TRUTH
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    truths: dict[str, list[Truth]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name, truth = row["file"], Truth(row["body"], row.get("title"), row.get("published"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SetupError(
                f'{path}:{number}: expected {{"file", "body", "title"?, "published"?}}: {error!r}'
            ) from error
        if not isinstance(truth.body, str) or not (folder / str(name)).is_file():
            raise SetupError(f"{path}:{number}: {name!r} is no file beside it, or has no body text")
        truths.setdefault(name, []).append(truth)
    if not truths:
        raise SetupError(f"{path} has no rows")
    return truths


def words(text: str) -> list[str]:
    """Runs of letters and digits, lower case.

    >>> words("Rain, in the North: 7°")
    ['rain', 'in', 'the', 'north', '7']
    """
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).lower())


def token_f1(text: str, truth: str) -> float:
    """Harmonic mean of precision and recall over the words, as multisets.

    >>> token_f1("rain and wind", "rain and more rain")
    0.5714285714285714
    """
    read, true = Counter(words(text)), Counter(words(truth))
    if not read or not true:
        return float(read == true)
    both = sum((read & true).values())
    return 2 * both / (sum(read.values()) + sum(true.values()))


def same_title(read: str, truth: str) -> bool:
    """Whether two titles are equal after normalising.

    >>> same_title("“Rain”  – again", '"rain" - again')
    True
    """
    return _normal(read) == _normal(truth)


def same_day(read: datetime | None, truth: str) -> bool:
    """Whether a time lies on the day of an ISO 8601 time, in the latter's zone.

    >>> same_day(datetime.fromisoformat("2026-03-01T23:30+00:00"), "2026-03-02T00:30:00+01:00")
    True
    """
    true = datetime.fromisoformat(truth)
    if read is None:
        return False
    local = read.astimezone(true.tzinfo) if read.tzinfo and true.tzinfo else read
    return local.date() == true.date()


def extractor(name: str) -> Extractor:
    """An extractor by name: wiredesk, trafilatura or readability."""
    return {
        "wiredesk": _wiredesk,
        "trafilatura": _trafilatura,
        "readability": _readability,
    }[name]


def _score(
    folder: Path, truths: Mapping[str, Sequence[Truth]], name: str, processes: int
) -> tuple[Scores, list[tuple[str, str, str, str]]]:
    tasks = [(name, str(folder / file)) for file in truths]
    if processes == 1:
        _read(tasks[0])  # what is loaded once is not counted
        timed = [_read(task) for task in tasks]
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            list(pool.map(_read, tasks[:1] * 4 * processes))
            timed = list(pool.map(_read, tasks, chunksize=4))
    reads = [read for read, _ in timed]
    seconds = sum(cpu_s for _, cpu_s in timed) / processes
    bodies, titles, dates, misses = [], [], [], []
    for (file, versions), read in zip(truths.items(), reads, strict=True):
        fits = [token_f1(read.body, truth.body) for truth in versions]
        best = max(range(len(fits)), key=fits.__getitem__)
        truth = versions[best]
        bodies.append(fits[best])
        if truth.title:
            titles.append(same_title(read.title, truth.title))
            if not titles[-1]:
                misses.append((file, "title", read.title, truth.title))
        if truth.published and name not in _WITHOUT_DATES:
            dates.append(same_day(read.published, truth.published))
            if not dates[-1]:
                misses.append((file, "date", str(read.published), truth.published))
    scores = Scores(
        body_f1=statistics.fmean(bodies),
        body_f1_median=statistics.median(bodies),
        title_accuracy=statistics.fmean(titles) if titles else None,
        date_accuracy=statistics.fmean(dates) if dates else None,
        pages_per_s=len(tasks) / seconds,
    )
    return scores, misses


def _read(task: tuple[str, str]) -> tuple[Read, float]:
    """What was read, and the seconds of processor time that it took."""
    name, file = task
    content = Path(file).read_bytes()
    began = time.process_time()
    return extractor(name)(content), time.process_time() - began


def _wiredesk(content: bytes) -> Read:
    from ingest.page.extract import NoPage, extract

    try:
        page = extract(content)
    except NoPage:
        return Read()
    return Read(page.title, page.body, page.published)


def _trafilatura(content: bytes) -> Read:
    """Its default, metadata included."""
    import trafilatura
    from trafilatura.settings import Document

    found = trafilatura.bare_extraction(content, with_metadata=True)
    if not isinstance(found, Document):
        return Read()
    day = datetime.fromisoformat(found.date) if found.date else None
    return Read(found.title or "", found.text or "", day)


def _readability(content: bytes) -> Read:
    """readability-lxml, which gives no date."""
    try:
        from readability import Document
        from readability.readability import Unparseable
    except ImportError as error:
        raise missing_extra(error, "evaluation") from error

    from ingest.plain import plain

    try:
        document = Document(content.decode("utf-8", "replace"))
        return Read(document.short_title(), plain(document.summary(html_partial=True)))
    except (Unparseable, ValueError):  # the latter for control characters, from lxml
        return Read()


def _normal(title: str) -> str:
    plain = unicodedata.normalize("NFKC", title).translate(_QUOTES)
    return " ".join(plain.casefold().split())
