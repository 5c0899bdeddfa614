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


def test_single_headlines_are_each_a_story_of_their_own(tmp_path):
    folder = tmp_path / "huffpost"
    folder.mkdir()
    told = [{"headline": f"h{n}", "short_description": "d"} for n in range(5)]
    with gzip.open(folder / "news_category_v3_head.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in [*told, {"headline": " "}])
    found = written("singles", "--data", str(tmp_path), "--count", "4")
    assert len({row["story"] for row in found}) == len(found) == 4
    assert found == written("singles", "--data", str(tmp_path), "--count", "4")
    titles = written("singles", "--data", str(tmp_path), "--count", "4", "--titles-only")
    assert titles == [row | {"body": ""} for row in found]


def test_wire_articles_without_a_time_are_left_out(tmp_path):
    folder = tmp_path / "reuters21578"
    folder.mkdir()
    dates = [
        "26-FEB-1987 15:01:01.79&#5;RM",
        "31-MAR-1987 605:12:19.12",
        " 3-MAR-1987  09:15:05.40",
    ]
    with gzip.open(folder / "reuters21578.jsonl.gz", "wt", encoding="utf-8") as file:
        for number, date in enumerate(dates):
            row = {"id": number, "title": "t", "body": "b", "date": date}
            file.write(json.dumps(row) + "\n")
    found = written("reuters", "--data", str(tmp_path))
    assert [row["id"] for row in found] == ["0", "2"]


def test_a_sighting_outside_of_any_section_is_one_of_the_front_page(tmp_path):
    rows = [{"title": "t", "seen_at": "2020-01-10T08:00:00", "article_id": "a", "section": ""}]
    packed(tmp_path / "google_news_fr_day" / "2020-01-10.tsv.gz", rows, "\t", gzip.open)
    [found] = written("google", "--data", str(tmp_path))
    assert found["source"] == "front page"
