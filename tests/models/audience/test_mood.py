"""Moods: a function of what holds, robust to floods, honest about what it does not know."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.audience import versions
from models.audience.likeness import signature, words
from models.audience.mood import MoodPolicy, kept, mood
from models.audience.versions import Known, delete, follow
from models.audience.voices import Voice, packed, unpacked

HOUR_MS = 3_600_000
NOW_MS = 1_790_000_000_000
POLICY = MoodPolicy(half_life_s=3600, author_weight=2.0, most_voices=2_000)
VOCABULARY = (
    *("bridge", "council", "harbour", "silo", "smoke", "dust", "town", "family", "school", "bus"),
    *("night", "relief", "nurses", "answer", "nobody", "told", "price", "bread", "grain", "road"),
    *("ferry", "wind", "water", "paper", "worried", "angry", "brave", "thanks", "after", "never"),
)


def said(sentiment, *, text="", author="a", ago_ms=0, seed=0):
    text = text or " ".join(random.Random(seed).choices(VOCABULARY, k=12))
    return Voice(
        published_ms=NOW_MS - ago_ms,
        author=author,
        language="en",
        sentiment=sentiment,
        tone=(sentiment + 1) / 2,
        toxicity=0.1,
        emotions=("joy",) if sentiment > 0 else ("fear",),
        basic={"joy": max(0.0, sentiment), "fear": max(0.0, -sentiment)},
        mark=signature(text),
        words=words(text),
    )


def mood_of(voices, at_ms=NOW_MS, policy=POLICY):
    return mood("story/s", voices, at_ms, policy, late_ignored=0, updated_ms=0)


def crowd(size, sentiment, *, first=0, spread=0.2):
    """Independent comments of the last half hour."""
    rng = random.Random(first + 1)
    return {
        f"c{n}": said(
            max(-1.0, min(1.0, rng.gauss(sentiment, spread))),
            author=f"author {n}",
            ago_ms=rng.randrange(HOUR_MS // 2),
            seed=n,
        )
        for n in range(first, first + size)
    }


def test_comment_weighs_half_after_a_half_life():
    found = mood_of(
        {
            "new": said(1.0, author="a", seed=1),
            "old": said(-1.0, author="b", ago_ms=HOUR_MS, seed=2),
        }
    )
    assert found.sentiment.mean == pytest.approx((1 - 0.5) / 1.5)


def test_mean_does_not_move_while_nobody_speaks():
    voices = crowd(20, -0.3)
    now, later = mood_of(voices), mood_of(voices, NOW_MS + 5 * HOUR_MS)
    assert later.sentiment.mean == pytest.approx(now.sentiment.mean, abs=1e-5)
    assert later.emotions == pytest.approx(now.emotions, abs=1e-5)


def test_forgotten_voice_counts_no_more():
    voices = {"old": said(1.0, ago_ms=13 * HOUR_MS)}
    assert mood_of(voices).comments == 0
    assert mood_of(voices).sentiment is None


def test_voice_after_the_moment_does_not_count_yet():
    assert mood_of({"later": said(1.0, ago_ms=-1)}).comments == 0


def test_only_the_newest_voices_are_kept():
    voices = {f"c{n}": said(0.0, ago_ms=n, seed=n) for n in range(10)}
    policy = MoodPolicy(3600, 2.0, most_voices=3)
    assert set(kept(voices, NOW_MS, policy)) == {"c0", "c1", "c2"}


@pytest.mark.parametrize("size", [40, 400])
def test_many_authors_with_one_text_move_the_mood_no_more_than_one(size):
    honest = crowd(60, 0.4)
    text = "This paper lies to you every single day and everybody in town knows it"
    burst = {
        f"b{n}": said(
            -1.0, author=f"bot {n}", ago_ms=n, text=f"{text}{'!' * (n % 4)} {'LOL' * (n % 2)}"
        )
        for n in range(size)
    }
    before, one, after = (
        mood_of(honest),
        mood_of(honest | {"b0": burst["b0"]}),
        mood_of(honest | burst),
    )
    assert after.near_copies == size - 1
    assert after.sentiment.mean == pytest.approx(one.sentiment.mean, abs=0.01)
    assert before.sentiment.low < after.sentiment.mean < before.sentiment.high
    assert after.effective_size <= before.effective_size + 1.5


def test_one_author_with_many_texts_weighs_as_two_comments_at_most():
    honest = crowd(60, 0.4)
    burst = {f"b{n}": said(-1.0, author="bot", ago_ms=n, seed=1000 + n) for n in range(300)}
    two = mood_of(honest | {"b0": burst["b0"], "x": burst["b1"]._replace(author="bot")})
    after = mood_of(honest | burst)
    assert after.capped_authors == 1
    assert after.sentiment.mean == pytest.approx(two.sentiment.mean, abs=0.01)


def test_short_exclamations_of_many_count_more_than_once():
    calls = {f"c{n}": said(-0.8, author=f"a{n}", text="Rest in peace", ago_ms=n) for n in range(16)}
    honest = crowd(16, 0.8, first=100)
    assert (
        mood_of(honest | calls).sentiment.mean
        < mood_of(honest | {"c0": calls["c0"]}).sentiment.mean - 0.2
    )


def test_burst_of_copies_makes_no_turn():
    honest = crowd(60, 0.4)
    text = "Everything in this article is invented by people who hate our town and its harbour"
    burst = {f"b{n}": said(-1.0, author=f"bot {n}", ago_ms=n, text=text) for n in range(200)}
    assert mood_of(honest | burst).turned is None


def test_mood_that_turns_is_flagged_with_its_direction():
    early = {
        i: v._replace(published_ms=v.published_ms - HOUR_MS) for i, v in crowd(60, -0.6).items()
    }
    late = crowd(60, 0.6, first=100)
    found = mood_of(early | late)
    assert found.turned == "better"
    assert NOW_MS - HOUR_MS // 2 < found.turned_ms <= NOW_MS
    assert found.trend.direction == "rising"
    assert found.trend.low > 0


def test_two_comments_that_agree_prove_little():
    few = mood_of(
        {"a": said(1.0, author="a", seed=1), "b": said(1.0, author="b", seed=2)}
    ).sentiment
    many = mood_of(crowd(200, 0.9, spread=0.05)).sentiment
    assert few.low < 0
    assert many.high - many.low < 0.1


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        values = np.where(rng.random(25) < 0.7, 0.8, -0.6)
        voices = {
            f"c{n}": said(float(v), author=f"a{n}", ago_ms=n, seed=n) for n, v in enumerate(values)
        }
        found = mood_of(voices).sentiment
        held += found.low <= 0.7 * 0.8 - 0.3 * 0.6 <= found.high
    assert held >= 0.9 * 200


def test_unanswered_comments_count_but_do_not_weigh():
    silent = said(0.0)._replace(sentiment=None, tone=None, toxicity=None, emotions=None, basic=None)
    found = mood_of({"a": silent, "b": said(0.5, author="b", seed=3)})
    assert (found.comments, found.sentiment.mean) == (2, 0.5)
    assert found.emotions == {"joy": 1.0}
    assert mood_of({"a": silent}).sentiment is None


def test_history_ends_where_the_mood_stands():
    voices = crowd(40, 0.2)
    found = mood_of(voices)
    assert sum(moment.comments for moment in found.history) == 40
    assert found.history[-1].sentiment == pytest.approx(found.sentiment.mean, abs=1e-4)


def test_voice_survives_its_state():
    voice = said(0.25, ago_ms=5)
    assert unpacked(packed(voice)) == voice
    silent = voice._replace(sentiment=None, emotions=None, basic=None)
    assert unpacked(packed(silent)) == silent


events = st.lists(
    st.tuples(
        st.sampled_from(["c1", "c2", "c3", "c4"]),
        st.sampled_from(["a1", "a2"]),
        st.integers(0, 5),
        st.floats(-1, 1),
    ),
    max_size=14,
    unique_by=lambda event: (event[0], event[2]),  # two versions of one moment are no edit
)


@settings(deadline=None, max_examples=150)
@given(events, st.sets(st.sampled_from(["c1", "c2", "c3", "c4"])), st.randoms())
def test_any_order_of_versions_and_deletions_gives_the_mood_of_what_holds(versioned, deleted, rng):
    steps = [("said", *event) for event in versioned] + [
        ("deleted", comment) for comment in deleted
    ]
    rng.shuffle(steps)
    known, subjects = {}, {"a1": {}, "a2": {}}
    for kind, comment, *version in steps:
        if kind == "deleted":
            step = delete(known.get(comment), NOW_MS)
        else:
            article, minute, sentiment = version
            moment = NOW_MS - HOUR_MS + minute * 60_000
            step = follow(
                known.get(comment), Known(article, moment, moment, queued=False, deleted=False)
            )
        known[comment] = step.known
        if step.left is not None:
            subjects[step.left].pop(comment, None)
        if kind == "said" and step.change in ("new", "edited"):
            voice = said(sentiment, author=comment, seed=minute)._replace(published_ms=moment)
            subjects[article][comment] = voice
    holding = {}
    for comment, article, minute, sentiment in versioned:
        if comment not in deleted and minute >= holding.get(comment, (0, -1, 0))[1]:
            holding[comment] = (article, minute, sentiment)
    for article, voices in subjects.items():
        expected = {
            comment: said(s, author=comment, seed=m)._replace(
                published_ms=NOW_MS - HOUR_MS + m * 60_000
            )
            for comment, (where, m, s) in holding.items()
            if where == article
        }
        assert mood_of(voices) == mood_of(expected)


def test_what_is_kept_of_a_comment_survives_its_state():
    known = Known("a1", 5, 6, queued=True, deleted=False)
    assert versions.unpacked(versions.packed(known)) == known
