import csv
import gzip
import json
import lzma
from io import StringIO

from typer.testing import CliRunner

from training.replays import app


def packed(path, rows, delimiter, opener):
    path.parent.mkdir()
    text = StringIO()
    writer = csv.DictWriter(text, rows[0], delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with opener(path, "wt", encoding="utf-8") as file:
        file.write(text.getvalue())


def written(*arguments: str) -> list[dict]:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_clicks_become_pickups_of_stories_born_in_time(tmp_path):
    clicks = [("7", "b", 1508198400000), ("8", "a", 1508198300000), ("9", "a", 1508198500000)]
    rows = [
        {"user_id": user, "click_article_id": article, "click_timestamp": at}
        for user, article, at in clicks
    ]
    packed(tmp_path / "globo_clicks" / "clicks.csv.xz", rows, ",", lzma.open)
    found = written("globo", "--data", str(tmp_path))
    assert [(row["story"], row["source"], row["published_ms"]) for row in found] == [
        ("a", "8", 1508198300000),
        ("a", "9", 1508198500000),
    ]


def test_headlines_come_in_order_of_time(tmp_path):
    rows = [
        {"id": n, "title": f"t{n}", "publisher": "p", "story": "s", "timestamp_ms": at}
        for n, at in (("1", 20), ("2", 10))
    ]
    packed(tmp_path / "uci_news_aggregator_head" / "news.tsv.gz", rows, "\t", gzip.open)
    found = written("uci", "--data", str(tmp_path))
    assert [row["id"] for row in found] == ["2", "1"]
    assert set(found[0]) == {"id", "title", "source", "published_ms", "story"}
