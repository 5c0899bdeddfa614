"""NeMig's files as rows of `wiredesk evaluate feed`, on made-up files."""

import gzip
import json

from typer.testing import CliRunner

from evaluation import feed_rows
from training import replays


def test_the_rows_are_those_that_evaluate_feed_reads(tmp_path):
    folder = tmp_path / "nemig"
    folder.mkdir()
    news = {
        "title": "Vote today",
        "datePublished": "24.05.2022",
        "publisher": ["wd:Q1"],
        "title_entities": [["Leeds", "LOC", "Q39121"], ["Someone", "PER", ""]],
    }
    with gzip.open(folder / "en_news.jsonl.gz", "wt") as lines:
        for name in ("n1", "n2", "unused"):
            lines.write(json.dumps({"id": name} | news) + "\n")
    with gzip.open(folder / "en_behaviors.tsv.gz", "wt") as lines:
        lines.write("7\tU1\tn1\tn2-1 n1-0\n8\tU2\t\tn1-1\n")
    articles, impressions = tmp_path / "a.jsonl", tmp_path / "i.jsonl"
    told = CliRunner().invoke(
        replays.app,
        [
            "nemig",
            "--data",
            str(tmp_path),
            "--language",
            "en",
            "--articles",
            str(articles),
            "--impressions",
            str(impressions),
        ],
    )
    assert told.exit_code == 0, told.output
    rows = feed_rows.read(str(articles), str(impressions))
    assert [a.article_id for a in rows.articles] == ["n1", "n2"]
    assert rows.articles[0].published_ms == 1_653_350_400_000
    assert dict(rows.articles[0].entities) == {"Q39121": "Q39121"}
    first, second = rows.impressions
    assert (first.history.tolist(), first.shown.tolist()) == ([0], [1, 0])
    assert first.clicked.tolist() == [True, False]
    assert second.history.tolist() == []
