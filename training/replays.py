"""Rows of `wiredesk evaluate` from public data: python -m training.replays.

`--data` is the folder that holds the sets, each in a folder of its own; rows go to standard output
or `--out`.
"""

import csv
import gzip
import hashlib
import json
import lzma
import random
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

_REUTERS_DATE = re.compile(r"(\d+-\w+-\d{4}) +(\d\d?:\d\d:\d\d)(\.\d+)")
"""Some dates carry control characters of the wire after them."""

app = typer.Typer(help=__doc__, no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="The folder with the data sets.")]
Out = Annotated[Path | None, typer.Option(help="JSONL file; standard output if absent.")]

GLOBO_UNTIL = "2017-10-17T00:00Z"
"""The portal's log is nearly empty from here on."""


@app.command()
def globo(
    data: Data,
    out: Out = None,
    born_before: Annotated[str, typer.Option(help="Stories first clicked later are left out.")] = (
        GLOBO_UNTIL
    ),
) -> None:
    """Clicks of a news portal: a story is an article, a source is a reader."""
    until_ms = int(datetime.fromisoformat(born_before).timestamp() * 1000)
    with lzma.open(data / "globo_clicks" / "clicks.csv.xz", "rt", encoding="utf-8") as lines:
        clicks = [
            (int(row["click_timestamp"]), row["click_article_id"], row["user_id"])
            for row in csv.DictReader(lines)
        ]
    clicks.sort()
    _write(_pickups(clicks, until_ms), out)


@app.command()
def google(data: Data, out: Out = None) -> None:
    """One day of a front page: a story is an article, a source is a section that shows it."""
    with gzip.open(data / "google_news_fr_day" / "2020-01-10.tsv.gz", "rt", encoding="utf-8") as f:
        sightings = list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = (
        {
            "id": str(number),
            "story": row["article_id"],
            "source": row["section"] or "front page",
            "published_ms": _ms(row["seen_at"]),
            "title": row["title"],
        }
        for number, row in enumerate(sightings)
    )
    _write(sorted(rows, key=_published), out)


@app.command()
def uci(data: Data, out: Out = None) -> None:
    """Headlines of a news aggregator with its stories."""
    path = data / "uci_news_aggregator_head" / "news.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [
            {
                "id": row["id"],
                "title": row["title"],
                "source": row["publisher"] or row["hostname"],
                "published_ms": int(row["timestamp_ms"]),
                "story": row["story"],
            }
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]
    _write(sorted(rows, key=_published), out)


@app.command()
def ecbplus(data: Data, out: Out = None) -> None:
    """Articles about 86 events. They carry no times: an even, shuffled minute each stands in."""
    with gzip.open(data / "ecbplus" / "docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        docs = [json.loads(line) for line in lines]
    docs.sort(key=lambda doc: _shuffled(doc["id"]))
    start = datetime(2013, 1, 1, tzinfo=UTC)
    _write((_ecb_row(doc, start + timedelta(minutes=i)) for i, doc in enumerate(docs)), out)


@app.command()
def singles(
    data: Data,
    out: Out = None,
    count: Annotated[int, typer.Option(help="How many.")] = 3000,
    seed: Annotated[int, typer.Option(help="Of the choice.")] = 3,
    titles_only: Annotated[bool, typer.Option(help="Leave the descriptions out.")] = False,
) -> None:
    """Headlines of four years, drawn by chance: hardly two of one story, so each is its own."""
    with gzip.open(
        data / "huffpost" / "news_category_v3_head.jsonl.gz", "rt", encoding="utf-8"
    ) as f:
        headlines = [row for line in f if (row := json.loads(line))["headline"].strip()]
    random.Random(seed).shuffle(headlines)
    start = datetime(2022, 1, 1, tzinfo=UTC)
    _write(
        (
            {
                "id": str(number),
                "title": row["headline"],
                "body": "" if titles_only else row["short_description"],
                "source": "huffpost",
                "published_ms": round((start + timedelta(minutes=number)).timestamp() * 1000),
                "story": str(number),
            }
            for number, row in enumerate(headlines[:count])
        ),
        out,
    )


@app.command()
def reuters(data: Data, out: Out = None) -> None:
    """A wire of 1987 without gold stories: each article is one of its own; for quiet streams."""
    with gzip.open(data / "reuters21578" / "reuters21578.jsonl.gz", "rt", encoding="utf-8") as f:
        docs = [json.loads(line) for line in f]
    rows = (
        {
            "id": str(doc["id"]),
            "title": doc["title"],
            "body": doc["body"],
            "source": "reuters",
            "published_ms": at_ms,
            "story": str(doc["id"]),
        }
        for doc in docs
        if doc["title"] and doc["date"] and (at_ms := _reuters_ms(doc["date"])) is not None
    )
    _write(sorted(rows, key=_published), out)


@app.command()
def nemig(
    data: Data,
    language: Annotated[str, typer.Option(help="en or de.")],
    articles: Annotated[Path, typer.Option(help="JSONL file for the articles.")],
    impressions: Annotated[Path, typer.Option(help="JSONL file for the impressions.")],
) -> None:
    """Rows of `wiredesk evaluate feed`: readers of a study about news on one theme (CC BY-NC-SA).

    Articles that no reader was shown or had read are left out.
    """
    with gzip.open(data / "nemig" / f"{language}_behaviors.tsv.gz", "rt", encoding="utf-8") as f:
        shown = [_nemig_impression(line.rstrip("\n").split("\t")) for line in f]
    needed = {name for row in shown for name in row["history"]}
    needed |= {candidate["id"] for row in shown for candidate in row["candidates"]}
    with gzip.open(data / "nemig" / f"{language}_news.jsonl.gz", "rt", encoding="utf-8") as lines:
        news = [json.loads(line) for line in lines]
    _write((_nemig_article(row) for row in news if row["id"] in needed), articles)
    _write(shown, impressions)


def _nemig_impression(columns: list[str]) -> dict[str, Any]:
    _, user, history, shown = columns
    pairs = [candidate.rsplit("-", 1) for candidate in shown.split()]
    return {
        "user": user,
        "history": history.split(),
        "candidates": [{"id": name, "clicked": clicked == "1"} for name, clicked in pairs],
    }


def _nemig_article(row: dict[str, Any]) -> dict[str, Any]:
    published = datetime.strptime(row["datePublished"], "%d.%m.%Y").replace(tzinfo=UTC)
    return {
        "id": row["id"],
        "title": row["title"],
        "abstract": row.get("abstract") or "",
        "published_ms": round(published.timestamp() * 1000),
        "source": (row["publisher"] or [""])[0],
        "entities": [entity[2] for entity in row["title_entities"] if entity[2]],
    }


def _pickups(clicks: Iterable[tuple[int, str, str]], until_ms: int) -> Iterator[dict[str, Any]]:
    """Clicks in order of time, of stories that were born in time."""
    born: dict[str, int] = {}
    for number, (at_ms, story, source) in enumerate(clicks):
        if born.setdefault(story, at_ms) < until_ms:
            yield {"id": str(number), "story": story, "source": source, "published_ms": at_ms}


def _ecb_row(doc: dict[str, Any], at: datetime) -> dict[str, Any]:
    title, *body = doc["sentences"]
    return {
        "id": doc["id"],
        "title": title,
        "body": " ".join(body),
        "source": doc["id"],
        "published_ms": round(at.timestamp() * 1000),
        "story": doc["subtopic"],
    }


def _shuffled(name: str) -> str:
    """The same arbitrary order everywhere."""
    return hashlib.sha256(name.encode()).hexdigest()


def _reuters_ms(date: str) -> int | None:
    """Milliseconds of a Reuters date; None for the few that are none.

    >>> _reuters_ms("26-FEB-1987 15:01:01.79"), _reuters_ms("31-MAR-1987 605:12:19.12")
    (541350061790, None)
    """
    found = _REUTERS_DATE.match(date.strip())
    if not found:
        return None
    moment = datetime.strptime(" ".join(found.groups("")), "%d-%b-%Y %H:%M:%S .%f")
    return round(moment.replace(tzinfo=UTC).timestamp() * 1000)


def _ms(moment: str) -> int:
    at = datetime.fromisoformat(moment)
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _published(row: dict[str, Any]) -> int:
    published: int = row["published_ms"]
    return published


def _write(rows: Iterable[dict[str, Any]], out: Path | None) -> None:
    with out.open("w", encoding="utf-8") if out else nullcontext(sys.stdout) as lines:
        for row in rows:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    app()
