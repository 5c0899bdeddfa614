import json
from typing import get_args

import pytest
from newsroom_records import HOUR_MS, demo, enriched

from models.topics import concepts
from schemas.editorial import CommandKind, EditorialCommand
from serving.commands import require_whole
from serving.console import actions
from serving.console.actions import Form, FormError
from serving.console.articles import view

NOW = 1_790_000_000_000
TOPICS = concepts.read()
ARTICLE = view(enriched(demo(NOW)[0]["marenholm"][0], NOW, TOPICS), None, {})


def form(**fields: str | list[str]) -> Form:
    return Form({name: [v] if isinstance(v, str) else v for name, v in fields.items()})


def command(**fields: str | list[str]) -> EditorialCommand:
    return actions.command(form(**fields), author="ada", now_ms=NOW, command_id="c1")


WHOLE = [
    {"kind": "confirm", "alert_id": "a1"},
    {"kind": "dismiss", "alert_id": "a1", "reason": "old"},
    {"kind": "mute", "what": "story:s1", "until": "4h"},
    {"kind": "mute", "what": "entity:Q64", "until": "1h"},
    {"kind": "mute", "what": "source:loud.example", "until": "7d"},
    {"kind": "mute", "what": "desk:world", "until": "12h"},
    {"kind": "unmute", "what": "desk:world"},
    {"kind": "pin", "story_id": "s1", "until": "24h"},
    {"kind": "unpin", "story_id": "s1"},
    {"kind": "set_budget", "desk": "world", "value": "12"},
    {"kind": "override_score", "story_id": "s1", "percent": "90", "until": "4h"},
    {"kind": "clear_override", "story_id": "s1"},
    {"kind": "merge", "story_id": "s1", "other_story_id": "s2"},
    {"kind": "split", "story_id": "s1", "article_ids": ["a1", "a2"]},
    {"kind": "retract", "story_id": "s1", "reason": "a hoax"},
    {"kind": "moderate", "comment_id": "c1", "verdict": "remove"},
    {"kind": "undo", "undoes": "c0"},
]


@pytest.mark.parametrize("fields", WHOLE, ids=lambda fields: f"{fields['kind']}-{len(str(fields))}")
def test_every_form_becomes_a_command_that_the_server_takes(fields):
    given = command(**fields)
    require_whole(given)
    assert (given.kind, given.author, given.issued_ms) == (fields["kind"], "ada", NOW)
    assert actions.said(given)


def test_every_kind_of_command_but_the_correction_has_a_form():
    assert {fields["kind"] for fields in WHOLE} == set(get_args(CommandKind)) - {"correct_article"}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "what to do is missing"),
        ({"kind": "launch"}, "'launch' is nothing"),
        ({"kind": "confirm"}, "the alert is missing"),
        ({"kind": "dismiss", "alert_id": "a"}, "a reason is missing"),
        ({"kind": "mute", "what": "weather:rain", "until": "1h"}, "cannot be muted"),
        ({"kind": "mute", "what": "story:", "until": "1h"}, "cannot be muted"),
        ({"kind": "mute", "what": "story:s", "until": "3y"}, "'3y' is no length of time"),
        ({"kind": "pin", "story_id": "s"}, "how long is missing"),
        ({"kind": "set_budget", "desk": "d", "value": "many"}, "'many' is no number"),
        ({"kind": "set_budget", "desk": "d", "value": "nan"}, "'nan' is no number"),
        ({"kind": "set_budget", "desk": "d", "value": "0"}, "expected above 0"),
        ({"kind": "set_budget", "desk": "d", "value": "1e9"}, "at most 1000"),
        ({"kind": "override_score", "story_id": "s", "percent": "120"}, "expected 0 to 100"),
        ({"kind": "merge", "story_id": "s", "other_story_id": "s"}, "with itself"),
        ({"kind": "split", "story_id": "s"}, "no article is chosen"),
        ({"kind": "retract", "story_id": "s", "reason": " "}, "a reason is missing"),
        ({"kind": "moderate", "comment_id": "c", "verdict": "burn"}, "'burn' is no verdict"),
    ],
)
def test_form_that_is_no_command_says_what_is_wrong(fields, why):
    with pytest.raises(FormError, match=why):
        command(**fields)


def test_own_words_count_over_a_chosen_reason():
    given = command(kind="dismiss", alert_id="a", reason="Old news again", reason_other=" ad ")
    assert given.reason == "ad"


def test_mute_ends_when_the_editor_said():
    assert command(kind="mute", what="story:s", until="4h").until_ms == NOW + 4 * HOUR_MS


def correct(**fields: str | list[str]) -> EditorialCommand:
    return actions.correction(
        form(**fields), ARTICLE, TOPICS, author="ada", now_ms=NOW, command_id="c1"
    )


def test_correction_carries_only_what_changed_as_fields_of_the_article():
    given = correct(
        topics_shown="1",
        topics=[topic.code for topic in ARTICLE.topics],
        topic_added="climate change",
        tags=", ".join(ARTICLE.tags),
        sentiment="positive",
        importance="12.5",
    )
    require_whole(given)
    said = {name: json.loads(value) for name, value in given.corrections.items()}
    assert set(said) == {"topics", "sentiment", "importance"}
    assert said["topics"][-1]["name"] == "climate change"
    assert said["topics"][-1]["ancestors"] == ["medtop:06000000"]
    assert said["sentiment"] == {"label": "positive", "negative": 0, "neutral": 0, "positive": 1}
    assert said["importance"] == 0.125


def test_topics_and_tags_can_all_be_taken_away():
    said = correct(topics_shown="1", tags="").corrections
    assert json.loads(said["tags"]) == []
    assert said.get("topics", "[]") == "[]"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"sentiment": "negative"}, "nothing is changed"),
        ({"topic_added": "gossip", "topics_shown": "1"}, "'gossip' is no IPTC Media Topic"),
        ({"topics": "medtop:1", "topics_shown": "1"}, "'medtop:1' is no code"),
        ({"sentiment": "meh"}, "'meh' is no sentiment"),
        ({"importance": "101"}, "expected 0 to 100"),
    ],
)
def test_correction_that_cannot_be_says_what_is_wrong(fields, why):
    with pytest.raises(FormError, match=why):
        correct(**fields)
