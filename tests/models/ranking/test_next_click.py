"""Counts of what is clicked after what."""

import numpy as np
import pytest

from models.ranking.next_click import DAY_MS, HOUR_MS, NAMES, Click, NextClick

MINUTE = 60_000


def column(found: np.ndarray, name: str) -> list[float]:
    return found[:, NAMES.index(name)].tolist()


def counted(*clicks: Click, places: int = 0) -> NextClick:
    counts = NextClick(places, articles=4)
    for click in clicks:
        counts.learn(click)
    return counts


def test_a_click_counts_half_after_its_half_life():
    counts = counted(Click(0, 1, -1, 0), Click(1, 2, -1, 0))
    now = 3 * HOUR_MS
    clicks = np.exp(column(counts.features(1, -1, now, [0, 1, 2]), "clicks_3h"))
    assert clicks - 0.05 == pytest.approx([0.5, 0.5, 0.0])


def test_sums_stay_the_same_over_days_of_clicks():
    """The base moves daily; a plain sum of halves says the same."""
    times = [n * 7 * HOUR_MS for n in range(40)]
    counts = counted(*(Click(0, n, -1, at) for n, at in enumerate(times)))
    now = times[-1]
    counts.learn(Click(1, 99, -1, now))
    found = column(counts.features(99, -1, now, [0]), "clicks_1d")[0]
    expected = sum(2 ** -((now - at) / DAY_MS) for at in times)
    assert np.exp(found) - 0.05 == pytest.approx(expected)


def test_what_followed_an_article_is_expected_after_it():
    counts = counted(
        *(Click(a, s, -1, s * MINUTE + i) for s in range(5) for i, a in enumerate((0, 1))),
        Click(2, 50, -1, 6 * MINUTE),
        Click(0, 60, -1, 7 * MINUTE),
    )
    found = counts.features(60, -1, 7 * MINUTE, [1, 2])
    for name in ("next_recent", "next_lasting_share", "together", "item_knn", "sessions_knn"):
        after, other = column(found, name)
        assert after > other == 0


def test_a_second_click_on_an_article_is_no_step_to_another():
    counts = counted(Click(0, 1, -1, 0), Click(0, 1, -1, 1), Click(0, 2, -1, 2))
    assert counts.session(1) == [0]
    assert column(counts.features(2, -1, 2, [0]), "next_recent") == [0.0]


def test_what_the_reader_read_in_an_earlier_session_is_known():
    counts = counted(Click(0, 1, 7, 0), Click(1, 2, 7, MINUTE), Click(1, 3, 8, MINUTE))
    assert column(counts.features(2, 7, MINUTE, [0, 2]), "read_before") == [1.0, 0.0]
    assert column(counts.features(3, 8, MINUTE, [0, 2]), "read_before") == [0.0, 0.0]


def test_a_place_lifts_what_is_clicked_there():
    counts = counted(
        *(Click(0, n, -1, n, (1,)) for n in range(30)),
        *(Click(1, 100 + n, -1, 100 + n, (2,)) for n in range(30)),
        places=1,
    )
    found = counts.features(0, -1, 200, [0, 1])[:, len(NAMES)]
    assert found[0] > 0 > found[1]
    assert counts.names() == (*NAMES, "place_0")


def test_old_sessions_and_faint_pairs_are_forgotten():
    counts = counted(Click(0, 1, -1, 0), Click(1, 1, -1, 1), Click(0, 2, -1, 12 * DAY_MS))
    assert counts.session(1) == ()
    assert counts._together == {}
    assert column(counts.features(2, -1, 12 * DAY_MS, [1]), "sessions_knn") == [0.0]


def test_features_of_a_session_without_clicks_are_refused():
    with pytest.raises(ValueError, match="has not clicked"):
        NextClick().features(1, -1, 0, [0])


def test_articles_never_seen_have_finite_features():
    counts = counted(Click(0, 1, -1, 0, (5,)), places=1)
    assert np.isfinite(counts.features(1, 3, 10, [0, 4, 99])).all()
