"""Made-up events of readers."""

from collections import Counter

from bench import profiles
from models.profiles.signals import require_usable


def test_each_reader_clicks_once():
    known = profiles.articles(5, "a")
    clicks = list(profiles.first_clicks(300, known, "r"))
    assert Counter(click.kind for click in clicks) == {"click": 300}
    assert len({click.user_key for click in clicks}) == 300
    assert {click.article_id for click in clicks} == {article.article_id for article in known}


def test_every_event_of_a_run_can_be_used_and_readers_take_turns():
    known = profiles.articles(5, "a")
    events = list(profiles.events(2_000, 40, known, "r"))
    for event in events:
        require_usable(event)
    assert len({event.event_id for event in events}) == 2_000
    assert len({event.user_key for event in events}) == 40
    assert 0.6 < Counter(event.kind for event in events)["impression"] / 2_000 < 0.8
