"""The demo accounts for every record it sends."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from cli import demo_patience
from cli.demo_account import Account, plan, some
from cli.demo_outcome import Outcome, mood_line
from cli.demo_patience import Patience
from cli.demo_screen import counts_line
from local.demo import corpus, traffic
from local.demo.readers import PASSERS_BY, READERS
from models.keyring import Secret
from schemas.alert import Alert, AlertSource
from schemas.audience import AudienceMood, MoodMean, MoodMoment
from schemas.codec import RecordCodec
from schemas.dead_letter import DeadLetter
from schemas.enriched_article import EnrichedArticle, Language
from schemas.errors import ServiceError, UndecodableRecord
from schemas.reader_demand import ReaderDemand, StoryReaders
from schemas.topics import ARTICLES_RAW, COMMENTS_RAW

BASE_MS = 1_790_000_000_000
BEGAN_MS = BASE_MS + corpus.SPAN_MS


@pytest.fixture
def account():
    return Account(plan(BASE_MS), BEGAN_MS)


@pytest.fixture
def outcome():
    return Outcome(traffic.planned(BASE_MS, Secret(1, datetime.now(UTC), bytes(32))), BEGAN_MS)


def enriched(record):
    article = record.article
    return EnrichedArticle(
        article_id=article.article_id,
        url=article.url,
        source=article.source,
        title=article.title,
        published_ms=article.published_ms,
        ingested_ms=BEGAN_MS,
        enriched_ms=BEGAN_MS + 40,
        content_hash="0",
        language=Language(code="en", confidence=1.0),
        model_versions={},
    )


def letter(key, reason, timestamp_ms=BEGAN_MS):
    return DeadLetter(
        value=b"",
        key=key.encode(),
        topic="articles.raw",
        partition=0,
        offset=0,
        timestamp_ms=timestamp_ms,
        job="enrich",
        stage="decode",
        reason=reason,
        detail="d",
        failed_ms=0,
    )


def take_all(account, *, but=None):
    for record in account.planned:
        if record is but:
            continue
        if record.reason:
            assert account.take_letter(letter(record.key, record.reason))
        else:
            assert account.take_article(enriched(record))
    account.sent = len(account.planned)


def test_plan_holds_the_whole_corpus_in_order_of_time():
    planned = plan(BASE_MS)
    parts = (corpus.articles(), corpus.bad_articles(), corpus.bad_records())
    assert len(planned) == sum(map(len, parts))
    assert [r.offset_ms for r in planned] == sorted(r.offset_ms for r in planned)


def test_good_articles_are_published_within_the_span_and_not_later():
    times = [r.article.published_ms for r in plan(BASE_MS) if r.reason is None]
    assert min(times) >= BASE_MS
    assert max(times) <= BEGAN_MS


def test_bad_records_are_what_they_say():
    codec = RecordCodec(ARTICLES_RAW)
    for record in plan(BASE_MS):
        if record.article is None:
            with pytest.raises(UndecodableRecord, match=record.reason):
                codec.decode(record.value)


def test_first_record_is_a_good_article_that_can_warm_the_job_up():
    assert plan(BASE_MS)[0].reason is None


def test_account_is_complete_when_everything_has_come_out(account):
    take_all(account)
    assert account.complete
    assert account.surprises == []
    assert account.median_ms == 40


def test_what_has_not_come_out_is_missing(account):
    take_all(account, but=account.planned[5])
    assert not account.complete
    assert account.missing == [account.planned[5].key]


def test_each_record_counts_once_and_only_of_this_run(account):
    record = account.planned[0]
    assert account.take_article(enriched(record))
    assert not account.take_article(enriched(record))
    older = enriched(record).model_copy(update={"published_ms": 1})
    assert not account.take_article(older)
    bad = next(r for r in account.planned if r.reason)
    assert not account.take_letter(letter(bad.key, bad.reason, timestamp_ms=BEGAN_MS - 1))
    assert not account.take_letter(letter("someone-else", "not_avro"))


def test_good_article_that_became_a_dead_letter_is_a_surprise_and_not_missing(account):
    record = account.planned[5]
    take_all(account, but=record)
    account.take_letter(letter(record.key, "inference_failed"))
    assert account.complete
    assert account.surprises == [f"{record.key}: inference_failed, expected an enriched article"]


def test_dead_letter_with_another_reason_is_a_surprise(account):
    bad = next(r for r in account.planned if r.reason)
    account.take_letter(letter(bad.key, "truncated"))
    assert account.surprises == [f"{bad.key}: truncated, expected {bad.reason}"]


def test_counts_line_names_reasons(account):
    account.take_letter(letter("bad-empty", "no_text"))
    assert counts_line(account, 2.0).endswith("dead letters 1 (no_text 1)")


def test_long_lists_are_cut():
    assert some(["a", "b", "c"]) == "a, b, c"
    assert some(list("abcde")) == "a, b, c and 2 more"


def test_patience_ends_with_what_is_missing_and_why(account, outcome, monkeypatch):
    now = 0.0
    monkeypatch.setattr(demo_patience, "time", SimpleNamespace(monotonic=lambda: now))
    sending = SimpleNamespace(done=lambda: False)
    patience = Patience(account, outcome, lambda: "the job is RESTARTING")
    patience.check(sending)
    now = demo_patience.FIRST_ANSWER_S + 1.0
    with pytest.raises(ServiceError, match=r"and 263 more are missing; the job is RESTARTING"):
        patience.check(sending)


def test_all_is_told_when_moods_and_the_queue_add_nothing_for_a_moment(
    account, outcome, monkeypatch
):
    now = 0.0
    monkeypatch.setattr(demo_patience, "time", SimpleNamespace(monotonic=lambda: now))
    patience = Patience(account, outcome, lambda: "")
    now = demo_patience.SETTLED_S
    outcome.queued.add("one")
    patience.check(SimpleNamespace(done=lambda: False))
    now = 2 * demo_patience.SETTLED_S
    assert not patience.settled
    now += 0.1
    assert patience.settled


def test_failed_sending_ends_the_wait(account, outcome):
    def fail():
        raise ServiceError("Kafka is gone")

    patience = Patience(account, outcome, lambda: "")
    with pytest.raises(ServiceError, match="Kafka is gone"):
        patience.check(SimpleNamespace(done=lambda: True, result=fail))


BREAKING = next(a for a in corpus.articles() if a.story == corpus.BREAKING)
OTHER = next(a for a in corpus.articles() if a.story is None)


def alert(article, state="opened", raised_ms=BEGAN_MS):
    return Alert(
        alert_id=f"world/{article.article_id}",
        desk="world",
        story_id=article.article_id,
        state=state,
        sequence=1,
        at_ms=raised_ms,
        raised_ms=raised_ms,
        expires_ms=raised_ms,
        score=0.9,
        low=0.8,
        high=1.0,
        threshold=0.5,
        outcome="sources=10,hours=2",
        title=article.title,
        languages=["en"],
        windows=[],
        sources=[
            AlertSource(
                source=article.source, first_seen_ms=0, article_id=article.article_id, copies=0
            )
        ],
        independent_sources=5,
        copies_discounted=0,
        entities=[],
        lead_articles=[],
        reasons=[],
        model_versions={},
    )


def test_alert_about_the_story_that_breaks_is_awaited(outcome):
    assert "the alert" in outcome.missing
    outcome.take(alert(BREAKING))
    assert "the alert" not in outcome.missing
    assert outcome.false_alarms == []


def test_alert_of_an_earlier_run_counts_while_it_stands(outcome):
    outcome.take(alert(BREAKING, raised_ms=BASE_MS))
    assert outcome.alert is not None
    outcome.take(alert(BREAKING, state="closed"))
    assert outcome.alert is None


def test_alert_about_anything_else_is_a_false_alarm_of_this_run_only(outcome):
    outcome.take(alert(OTHER, raised_ms=BEGAN_MS - 1))
    assert outcome.false_alarms == []
    outcome.take(alert(OTHER))
    assert outcome.false_alarms == [OTHER.title]


def test_every_reader_of_the_demo_is_awaited(outcome):
    assert f"{len(READERS) + PASSERS_BY} readers' profiles" in outcome.missing
    for sent in outcome.sent:
        outcome.take_reader(sent.key)
    assert not any("readers" in what for what in outcome.missing)


def test_readers_new_to_the_story_that_breaks_are_summed_over_windows(outcome):
    for begin_ms, story, readers in [
        (BEGAN_MS, BREAKING.article_id, 3),
        (BEGAN_MS + 2000, BREAKING.article_id, 4),
        (BEGAN_MS + 2000, BREAKING.article_id, 4),  # told again after a failure
        (BEGAN_MS + 4000, OTHER.article_id, 9),
        (BEGAN_MS - 2000, BREAKING.article_id, 5),  # of an earlier run
    ]:
        read = [StoryReaders(story_id=story, readers=readers)]
        outcome.take(
            ReaderDemand(
                begin_ms=begin_ms,
                end_ms=begin_ms + 2000,
                told_ms=begin_ms + 2500,
                readers=readers,
                stories=1,
                most_read=read,
            )
        )
    assert outcome.came == 7


def test_deleted_comment_is_not_awaited_as_a_second_run_does_not_bring_it_back(outcome):
    deleted = {sent.key for sent in outcome.sent if sent.record is None}
    assert len(deleted) == 1
    keys = {sent.key for sent in outcome.sent if sent.topic == COMMENTS_RAW.name}
    assert f"{len(keys) - 1} comments" in outcome.missing


def mood_of_the_story(at_s, comments, **more):
    return AudienceMood(
        subject=f"story/{BREAKING.article_id}",
        at_ms=BEGAN_MS + at_s * 1000,
        half_life_s=600,
        comments=comments,
        authors=comments,
        effective_size=float(comments),
        capped_authors=1,
        near_copies=39,
        late_ignored=0,
        updated_ms=BEGAN_MS,
        **more,
    )


def test_mood_of_the_story_is_told_with_where_it_stood_before_it_turned(outcome):
    said = {"low": 0.0, "high": 0.6, "effective_size": 9.0}
    moments = [
        MoodMoment(at_ms=BEGAN_MS + at_s * 1000, comments=5, sentiment=sentiment)
        for at_s, sentiment in ((150, -0.4), (300, -0.51), (450, 0.2))
    ]
    turned = {"turned": "better", "turned_ms": BEGAN_MS + 320_000, "history": moments}
    outcome.take(mood_of_the_story(600, 90, sentiment=MoodMean(mean=0.31, **said), **turned))
    outcome.take(mood_of_the_story(300, 40, sentiment=MoodMean(mean=-0.5, **said)))
    line = mood_line(outcome.mood)
    assert line.startswith("mood of the story +0.31 of 90 comments, turned better at ")
    assert line.endswith(" from -0.51; 39 copies and 1 loud authors discounted")


def test_mood_that_no_model_knows_is_not_told_as_a_number(outcome):
    assert outcome.mood is None
    outcome.take(mood_of_the_story(10, 2))
    assert "unknown" in mood_line(outcome.mood)
