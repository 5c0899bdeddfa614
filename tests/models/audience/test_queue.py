"""The moderators' queue: calibrated, within its budget, with reasons."""

import pytest

from models.audience.queue import (
    HOUR_MS,
    Load,
    QueuePolicy,
    QueueRules,
    admit,
    item,
    packed,
    rank,
    reasons,
    unpacked,
)
from schemas.comment import EnrichedComment, PersonalData, TextSpan, Toxicity
from schemas.enriched_article import Language

POLICY = QueuePolicy(threshold=0.5, urgent=0.9, per_hour=10, personal_data=True)


def comment(toxicity=None, personal=(), **more):
    fields = {
        "comment_id": "c1",
        "article_id": "a1",
        "author_key": "1.x",
        "desk": "sport",
        "published_ms": 1,
        "ingested_ms": 2,
        "enriched_ms": 3,
        "content_hash": "",
        "text": "you fool",
        "masked_text": "you ••••",
        "personal_data": [PersonalData(kind=kind, start=0, end=1) for kind in personal],
        "language": Language(code="en", confidence=1.0),
        "toxicity": toxicity,
        "model_versions": {},
    }
    return EnrichedComment(**fields | more)


def stream(scores, *, every_ms=1000, policy=POLICY):
    load, queued = Load(), []
    for n, score in enumerate(scores):
        load, admitted, _ = admit(load, n * every_ms, score, policy)
        if admitted:
            queued.append(score)
    return queued


def test_reasons_name_the_kinds_the_strongest_first():
    toxic = Toxicity(overall=0.8, insult=0.9, threat=0.6, obscene=0.2)
    assert reasons(comment(toxic), POLICY) == ["insult", "toxicity", "threat"]


def test_comment_below_the_threshold_has_no_reason():
    assert reasons(comment(Toxicity(overall=0.49, insult=0.9)), POLICY) == []


def test_comment_that_no_model_scored_is_no_candidate():
    assert reasons(comment(None), POLICY) == []


def test_revealed_address_is_a_reason_at_any_score_but_an_email_is_none():
    assert reasons(comment(Toxicity(overall=0.1), ["address"]), POLICY) == ["personal_data"]
    assert reasons(comment(None, ["phone"]), POLICY) == ["personal_data"]
    assert reasons(comment(None, ["email"]), POLICY) == []
    without = QueuePolicy(0.5, 0.9, 10, personal_data=False)
    assert reasons(comment(None, ["address"]), without) == []


def test_comment_that_reveals_something_competes_at_the_threshold():
    assert rank(comment(Toxicity(overall=0.1), ["address"]), POLICY) == 0.5


def test_no_more_than_the_budget_is_queued_in_an_hour():
    assert len(stream([0.6] * 500)) == 8
    assert len(stream([0.95] * 500)) == 10


def test_urgent_comment_finds_a_place_when_the_others_are_taken():
    assert stream([0.6] * 50 + [0.95, 0.96, 0.97])[-2:] == [0.95, 0.96]


def test_threshold_rises_in_a_busy_hour_to_what_the_budget_allows():
    load = Load(seen=tuple((n, n / 100) for n in range(100)))
    assert admit(load, 100, 0.89, POLICY).threshold == pytest.approx(0.9)
    assert not admit(load, 100, 0.89, POLICY).queued


def test_places_are_free_again_after_an_hour():
    load = Load(admitted=tuple(range(10)), seen=tuple((n, 0.7) for n in range(10)))
    assert not admit(load, HOUR_MS, 0.7, POLICY).queued
    assert admit(load, HOUR_MS + 20, 0.7, POLICY).queued


def test_budget_of_nothing_queues_nothing():
    assert stream([0.99] * 5, policy=QueuePolicy(0.5, 0.9, 0, True)) == []


def test_desk_and_language_have_thresholds_and_budgets_of_their_own():
    rules = QueueRules("audience", 0.5, {"sport": 0.7, "*/de": 0.8}, 60, {"sport/de": 5}, 0.9, True)
    assert rules.policy("sport", "de") == QueuePolicy(0.7, 0.9, 5, True)
    assert rules.policy("news", "de") == QueuePolicy(0.8, 0.9, 60, True)
    assert rules.policy("news", "en") == QueuePolicy(0.5, 0.9, 60, True)


def test_item_carries_what_a_moderator_needs():
    found = item(
        comment(Toxicity(overall=0.8, insult=0.9), toxic_spans=[TextSpan(start=4, end=8)]),
        POLICY,
        threshold=0.6,
        at_ms=9,
    )
    assert (found.state, found.score, found.threshold, found.queued_ms) == ("queued", 0.8, 0.6, 9)
    assert (found.masked_text, found.spans[0].start) == ("you ••••", 4)
    assert found.toxicity == {"overall": 0.8, "insult": 0.9}


def test_load_survives_its_state():
    load = Load(seen=((1, 0.5), (2, 0.75)), admitted=(2,))
    assert unpacked(packed(load)) == load
