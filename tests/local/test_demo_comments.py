"""The demo's comments: the same every time, under articles that are out, with what they must show."""

from local.demo.comments import CALM_MS, END_MS, planned
from local.demo.corpus import BREAKING, articles

ARTICLES = {article.article_id: article for article in articles()}


def test_comments_come_in_order_and_within_the_timeline():
    times = [each.published_ms for each in planned(0)]
    assert times == sorted(times)
    assert 0 < times[0] < times[-1] <= END_MS


def test_begin_moves_every_comment():
    moved = [each.published_ms - 1_000 for each in planned(1_000)]
    assert moved == [each.published_ms for each in planned(0)]


def test_every_comment_stands_under_an_article_of_the_demo():
    assert {each.article_id for each in planned(0)} <= ARTICLES.keys()


def test_story_is_commented_before_and_after_it_turns():
    of_story = [
        c for c in planned(0) if ARTICLES[c.article_id].story == BREAKING and not c.campaign
    ]
    assert sum(c.published_ms < CALM_MS for c in of_story) >= 30
    assert sum(c.published_ms > CALM_MS for c in of_story) >= 30


def test_campaign_is_nearly_as_loud_as_everyone_else_in_its_story():
    of_story = [c for c in planned(0) if ARTICLES[c.article_id].story == BREAKING]
    loud = [c for c in of_story if c.campaign]
    assert len(loud) > 0.6 * (len(of_story) - len(loud))


def test_one_comment_is_edited_and_one_deleted():
    by_id = {}
    for each in planned(0):
        by_id.setdefault(each.comment_id, []).append(each)
    twice = [versions for versions in by_id.values() if len(versions) == 2]
    assert len(twice) == 2
    assert sum(versions[1].text is None for versions in twice) == 1
