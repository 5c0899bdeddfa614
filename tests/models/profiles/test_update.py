"""One event more in a profile: order, bounds, decay, and what is never mixed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.profiles.facts import ArticleFacts
from models.profiles.profile import recorded, restored
from models.profiles.signals import MARK_BYTES, Signal
from models.profiles.update import (
    ENTITIES_MAX,
    SHOWN_MAX,
    STORIES_MAX,
    TARGETS_MAX,
    TOPICS_MAX,
    Fate,
    ProfileRules,
    update,
)
from models.profiles.view import interests
from schemas.reader_profile import ReaderProfile

NOW_MS = 1_790_000_000_000
MINUTE_MS, DAY_MS = 60_000, 86_400_000
WIDTH = 8
RULES = ProfileRules(
    long_half_life_ms=14 * DAY_MS,
    session_half_life_ms=30 * MINUTE_MS,
    retention_ms=90 * DAY_MS,
    events_per_minute=60,
    reads_max=50,
    marks_max=64,
)


def unit(seed):
    vector = np.random.default_rng(seed).normal(size=WIDTH)
    return vector / np.linalg.norm(vector)


def article(seed=0, *, encoder="e1", enriched_ms=1, topics=(("t", 0.5),), entities=("Q64",)):
    vector = unit(seed).astype("<f2").tobytes()
    return ArticleFacts("en", f"s{seed}", enriched_ms, encoder, vector, topics, entities)


def event(n=0, kind="click", *, at_ms=NOW_MS, arrived_ms=None, strength=1.0, **fields):
    given_ = {"article_id": f"a{n}", "target": None, "session": None} | fields
    arrived_ms = at_ms if arrived_ms is None else arrived_ms
    mark = given_.pop("mark", None) or hash((n, kind, at_ms)).to_bytes(8, "little", signed=True)
    return Signal("k", kind, at_ms, arrived_ms, 0, n, strength, mark=mark, **given_)


def after(*happened, rules=RULES):
    """The profile after events, each with its article."""
    profile = None
    for found, known in happened:
        profile = update(profile, found, known, rules).profile
    return profile


def viewed(profile, now_ms=NOW_MS):
    record = ReaderProfile.model_validate(recorded(profile))
    return interests(
        record,
        now_ms=now_ms,
        long_half_life_ms=RULES.long_half_life_ms,
        session_half_life_ms=RULES.session_half_life_ms,
    )


def test_first_click_makes_a_profile_of_its_article():
    profile = after((event(), article()))
    assert profile.long.vector == pytest.approx(unit(0), abs=1e-3)
    assert profile.long.effective_size == pytest.approx(1.0)
    assert profile.topics == {"t": 0.5}


@given(st.permutations(range(5)))
def test_order_of_arrival_does_not_matter(order):
    happened = [
        (event(n, at_ms=NOW_MS + n * DAY_MS, arrived_ms=NOW_MS + 5 * DAY_MS), article(n))
        for n in range(5)
    ]
    straight, shuffled = after(*happened), after(*(happened[n] for n in order))
    assert shuffled.long.vector == pytest.approx(straight.long.vector, abs=1e-4)
    assert shuffled.long.weight == pytest.approx(straight.long.weight)
    assert shuffled.topics == pytest.approx(straight.topics)
    assert shuffled.updated_ms == straight.updated_ms


def test_weight_halves_in_a_half_life_and_the_session_forgets_first():
    profile = after((event(0), article(0)), (event(1, at_ms=NOW_MS + 14 * DAY_MS), article(1)))
    assert profile.long.weight == pytest.approx(1.5)
    assert profile.session.vector == pytest.approx(unit(1), abs=1e-3)


def test_vectors_survive_a_thousand_times_through_float16():
    profile, mean, weight = None, np.zeros(WIDTH), 0.0
    factor = 2 ** (-MINUTE_MS / RULES.long_half_life_ms)
    for n in range(1000):
        profile = update(profile, event(n, at_ms=NOW_MS + n * MINUTE_MS), article(n), RULES).profile
        profile = restored(recorded(profile))
        weight = weight * factor + 1
        mean += (unit(n) - mean) / weight
    cosine = mean @ profile.long.vector / np.linalg.norm(mean) / np.linalg.norm(profile.long.vector)
    assert cosine > 0.98


def test_article_counts_once_by_its_strongest_event():
    profile = after(
        (event(0), article()),
        (event(0, "dwell", at_ms=NOW_MS + 1, strength=2.0), article()),
        (event(0, at_ms=NOW_MS + 2), article()),
    )
    assert profile.reads == {"a0": 2.0}
    assert profile.long.weight == pytest.approx(2.0)


def test_repeated_event_changes_nothing():
    once = after((event(), article()))
    again = update(once, event(), article(), RULES)
    assert (again.fate, again.changed) == (Fate.REPEATED, False)


def test_repeat_is_forgotten_after_so_many_events():
    profile = after(*((event(n), article(n)) for n in range(10)), rules=_rules(marks_max=4))
    assert len(profile.marks) == 4 * MARK_BYTES


def test_mark_is_found_at_its_own_place_only():
    inside = bytes(4) + b"mark" + b"mark" + bytes(4)
    profile = after((event(0, mark=inside[:8]), None), (event(1, mark=inside[8:]), None))
    found = update(profile, event(2, mark=inside[4:12]), None, RULES)
    assert found.fate is Fate.COUNTED


def test_bot_with_ten_thousand_clicks_a_minute_counts_up_to_the_bound():
    profile, changes = None, 0
    minute_ms = NOW_MS // MINUTE_MS * MINUTE_MS
    for n in range(10_000):
        done = update(profile, event(n, at_ms=minute_ms + n * 6), article(n % 7), RULES)
        profile, changes = done.profile, changes + done.changed
    assert profile.counts == {"click": RULES.events_per_minute}
    assert profile.over_bound == RULES.events_per_minute
    assert changes == 2 * RULES.events_per_minute  # then an event costs no write
    assert viewed(profile).clicks <= RULES.events_per_minute


def test_bound_is_of_a_minute():
    rules = _rules(events_per_minute=1)
    profile = after(
        (event(0), None), (event(1), None), (event(2, at_ms=NOW_MS + MINUTE_MS), None), rules=rules
    )
    assert profile.counts == {"click": 2}


def test_event_older_than_the_retention_is_not_counted():
    done = update(None, event(at_ms=NOW_MS - 91 * DAY_MS, arrived_ms=NOW_MS), article(), RULES)
    assert (done.profile, done.fate) == (None, Fate.TOO_OLD)


def test_later_encoder_restarts_the_vectors_and_keeps_the_interests():
    profile = after((event(0), article(0)), (event(1), article(1, encoder="e2", enriched_ms=2)))
    assert (profile.encoder, profile.long.weight) == ("e2", 1.0)
    assert profile.long.vector == pytest.approx(unit(1), abs=1e-3)
    assert profile.topics == {"t": 1.0}


def test_article_of_an_earlier_encoder_counts_without_its_vector():
    later = article(0, encoder="e2", enriched_ms=2)
    profile = after((event(0), later), (event(1), article(1, encoder="e1", enriched_ms=1)))
    assert profile.long.vector == pytest.approx(unit(0), abs=1e-3)
    assert profile.reads == {"a0": 1.0, "a1": 1.0}


def test_reader_who_hides_everything_ends_with_bounded_dislikes():
    hidden = (
        (event(n, "hide", at_ms=NOW_MS + n * 2000, strength=0), article(n)) for n in range(500)
    )
    seen = viewed(after(*hidden, rules=_rules(events_per_minute=1000)))
    assert seen.long is None
    assert len(seen.mutes) == TARGETS_MAX
    assert all(-1 <= affinity < 0 for affinity in seen.topics.values())
    assert np.isfinite(seen.hidden).all()


def test_hide_takes_back_a_follow_and_a_follow_a_hide():
    follow = event(0, "subscribe", article_id=None, target="source:s1", strength=3)
    hide = event(1, "hide", article_id=None, target="source:s1", strength=0)
    assert after((follow, None), (hide, None)).follows == []
    assert after((hide, None), (follow, None)).mutes == []


def test_impression_is_remembered_until_the_article_is_read():
    show = [(event(n, "impression", strength=0), None) for n in range(SHOWN_MAX + 5)]
    profile = after(*show, rules=_rules(events_per_minute=1000))
    assert len(profile.shown) == SHOWN_MAX
    last = f"a{SHOWN_MAX + 4}"
    profile = update(profile, event(SHOWN_MAX + 4), article(), RULES).profile
    assert last not in profile.shown
    assert update(profile, event(SHOWN_MAX + 4, "impression", at_ms=NOW_MS + 9), None, RULES)
    assert last not in profile.shown


def test_unknown_article_counts_without_vector_and_affinities():
    profile = after((event(), None))
    assert (profile.counts, profile.long, profile.topics) == ({"click": 1}, None, {})


def test_only_the_first_click_on_an_article_is_told_with_what_was_read_before():
    first = update(None, event(0), article(0), RULES)
    second = update(first.profile, event(1, at_ms=NOW_MS + 1), article(1), RULES)
    again = update(second.profile, event(1, at_ms=NOW_MS + 2), article(1), RULES)
    much_later = event(2, at_ms=NOW_MS + RULES.visit_gap_ms + 10)
    third = update(again.profile, much_later, article(2), RULES)
    told = [(each.first_read, each.read_before) for each in (first, second, again, third)]
    assert told == [(True, None), (True, "a0"), (False, None), (True, None)]


def placed(seed, story_id):
    return article(seed)._replace(story_id=story_id)


def test_reader_comes_to_a_story_once_by_whichever_of_its_articles():
    happened = [
        (event(0), placed(0, "s1")),
        (event(1), placed(1, "s1")),
        (event(2), placed(2, "s2")),
        (event(3, "dwell"), placed(3, "s3")),
        (event(4, "impression", strength=0.0), placed(4, "s4")),
        (event(5), article(5)),  # in no story yet
        (event(0), placed(0, "s1")),
    ]
    profile, came = None, []
    for found, known in happened:
        result = update(profile, found, known, _rules(events_per_minute=50))
        profile = result.profile
        came.append(result.came_to)
    assert came == ["s1", None, "s2", None, None, None, None]


def test_story_that_was_read_long_ago_is_come_to_anew_and_marks_are_bounded():
    profile, came = None, 0
    stories = [*range(STORIES_MAX + 1), 0, STORIES_MAX]
    for n, story in enumerate(stories):
        result = update(profile, event(n), placed(n, f"s{story}"), _rules(events_per_minute=500))
        profile = result.profile
        came += result.came_to is not None
    assert came == STORIES_MAX + 2
    assert len(profile.stories) == STORIES_MAX * MARK_BYTES


def test_profile_of_a_busy_reader_stays_small():
    def many(n):
        return article(
            n % 50,
            topics=tuple((f"t{n}-{i}", 0.5) for i in range(10)),
            entities=tuple(f"Q{n}-{i}" for i in range(10)),
        )

    profile = after(*((event(n, at_ms=NOW_MS + n * MINUTE_MS), many(n)) for n in range(300)))
    assert len(profile.topics) <= 1.5 * TOPICS_MAX
    assert len(profile.entities) <= 1.5 * ENTITIES_MAX
    assert len(profile.reads) == len(profile.reads_ms) == RULES.reads_max


def test_affinities_stay_near_zero_with_few_clicks_and_fade():
    few, many = after((event(), article())), after(*((event(n), article(n)) for n in range(30)))
    assert 0 < viewed(few).topics["t"] < viewed(many).topics["t"] <= 1
    assert viewed(many, NOW_MS + 60 * DAY_MS).topics["t"] < viewed(many).topics["t"]
    assert viewed(many, NOW_MS + 14 * DAY_MS).clicks == pytest.approx(viewed(many).clicks / 2)


def _rules(**changed):
    return ProfileRules(**(vars(RULES) | changed))
