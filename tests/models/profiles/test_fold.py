"""Events of one reader in their order: erasures among them, what is told, what is listed."""

from models.profiles.facts import ArticleFacts
from models.profiles.fold import Click, Erasure, FoldRules, fold
from models.profiles.signals import Signal
from models.profiles.update import Fate, ProfileRules

NOW_MS = 1_790_000_000_000
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
RULES = FoldRules(
    ProfileRules(
        long_half_life_ms=14 * DAY_MS,
        session_half_life_ms=30 * MINUTE_MS,
        retention_ms=90 * DAY_MS,
        events_per_minute=3,
        reads_max=50,
        marks_max=64,
    ),
    wait_ms=MINUTE_MS,
    fresh_ms=HOUR_MS,
)
ARTICLE = ArticleFacts("en", "courier.example", 1, None, None, (), ())


def event(offset, kind="click", *, article_id="a1", at_ms=NOW_MS, arrived_ms=NOW_MS):
    strength = 1.0 if kind == "click" else 0.0
    mark = offset.to_bytes(8, "little")
    found = Signal("k", kind, at_ms, arrived_ms, 0, offset, strength, article_id, None, None, mark)
    return found, ARTICLE if kind == "click" else None


def folded(*events, profile=None, erasure=None, stored=False):
    return fold(profile, erasure, events, RULES, stored=stored)


def test_events_of_a_moment_make_one_profile():
    done = folded(event(1), event(2, "impression", article_id="a2"), event(3, article_id="a3"))
    assert done.counted
    assert done.changed
    assert not done.tombstone
    assert done.profile.counts == {"click": 2, "impression": 1}
    assert done.fates == {Fate.COUNTED: 3}


def test_one_after_the_other_is_the_same_as_all_at_once():
    events = [event(1), event(2, article_id="a2"), event(3, "impression", article_id="a3")]
    profile = None
    for each in events:
        profile = folded(each, profile=profile, stored=profile is not None).profile
    assert profile == folded(*events).profile


def test_erasure_among_events_is_told_before_what_comes_after_it():
    done = folded(event(1), event(2, "erase"), event(3, article_id="a2"))
    assert done.tombstone
    assert done.counted
    assert list(done.profile.reads) == ["a2"]
    assert done.erasure == Erasure(0, 2, NOW_MS + MINUTE_MS + HOUR_MS)


def test_event_that_was_sent_before_the_erasure_and_waited_is_refused():
    done = folded(event(1), erasure=Erasure(0, 2, NOW_MS + HOUR_MS))
    assert (done.profile, done.changed, done.counted) == (None, False, False)
    assert done.fates == {Fate.BEFORE_ERASURE: 1}


def test_every_erasure_is_answered_though_nothing_was_known():
    done = folded(event(1, "erase"))
    assert (done.tombstone, done.profile, done.counted) == (True, None, False)


def test_reader_who_never_agreed_leaves_no_record():
    done = folded(event(1, "withdraw"))
    assert (done.tombstone, done.counted) == (False, False)


def test_withdrawal_ends_a_profile_of_the_same_moment_which_a_failure_may_have_told():
    assert folded(event(1), event(2, "withdraw")).tombstone


def test_withdrawal_ends_a_profile_that_can_no_longer_be_opened():
    assert folded(event(1, "withdraw"), stored=True).tombstone


def test_what_is_beyond_the_bound_is_kept_but_not_told():
    first = folded(*(event(n, article_id=f"a{n}") for n in range(3)))
    done = folded(event(9, article_id="a9"), profile=first.profile, stored=True)
    assert (done.changed, done.counted) == (True, False)
    assert done.fates == {Fate.OVER_BOUND: 1}


def test_first_click_on_an_article_is_listed_with_what_was_read_before_it():
    done = folded(event(1), event(2), event(3, article_id="a2"))
    assert done.clicks == [
        Click("en", "a1", None, NOW_MS, None),
        Click("en", "a2", "a1", NOW_MS, None),
    ]


def test_click_that_arrives_too_late_counts_in_no_list():
    done = folded(event(1, at_ms=NOW_MS - 2 * HOUR_MS))
    assert done.counted
    assert done.clicks == []
