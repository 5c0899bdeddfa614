import pytest

from ingest.sources_file import load
from schemas.errors import SetupError


def written(tmp_path, text):
    path = tmp_path / "feeds.toml"
    path.write_text(text, "utf-8")
    return path


def test_short_form_is_a_list_of_addresses(tmp_path):
    found = load(written(tmp_path, 'feeds = ["https://a.example/rss", "https://b.example/rss"]'))
    assert [(s.kind, s.label) for s in found.sources] == [
        ("feed", "https://a.example/rss"),
        ("feed", "https://b.example/rss"),
    ]


def test_defaults_hold_for_every_source(tmp_path):
    text = """
[defaults]
language = "de"
interval_s = 120
[web]
per_host = 1
[[source]]
url = "https://a.example/rss"
timezone = "Europe/Berlin"
[[source]]
kind = "folder"
path = "drop"
language = "en"
"""
    found = load(written(tmp_path, text))
    feed, folder = found.sources
    assert (feed.language, feed.limits.first_s, feed.origin.zone.key) == (
        "de",
        120,
        "Europe/Berlin",
    )
    assert (folder.language, folder.path) == ("en", tmp_path / "drop")
    assert found.web.per_host == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("feeds = [", "is no TOML"),
        ("", "names no source"),
        ('feed = ["https://a.example"]', r"has \['feed'\]"),
        ('feeds = ["a.example/rss"]', "expected http"),
        ('feeds = ["https://a.example", "https://a.example"]', "two sources are called"),
        ('[[source]]\nurl = "https://a.example"\nkind = "feeed"', "no source of kind 'feeed'"),
        ('[[source]]\nurl = "https://a.example"\nintervall_s = 5', "intervall_s"),
        ('[[source]]\nurl = "https://a.example"\ntimezone = "Berlin"', "no time zone"),
        ('[[source]]\nurl = "https://a.example"\ninterval_s = -1', "interval_s"),
        ('feeds = ["https://a.example"]\n[web]\nper_host = 0', "per_host"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    with pytest.raises(SetupError, match=message):
        load(written(tmp_path, text))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(SetupError, match=r"none\.toml cannot be read"):
        load(tmp_path / "none.toml")
