"""`wiredesk evaluate nextclick`: rows, negatives, and no look into the future."""

import json

import numpy as np
import pytest

from evaluation import nextclick
from evaluation.nextclick import NEGATIVES, evaluate, figures, read, replay
from evaluation.rows import WrongRowError
from models.ranking.next_click import NAMES, Click
from schemas.errors import SetupError

MINUTE = 60_000
HOUR = 60 * MINUTE
ARTICLES = 120


def chains(sessions: int, seed: int = 3) -> list[Click]:
    """Sessions that go from an article to the one after it, and then anywhere."""
    chance = np.random.default_rng(seed)
    clicks = []
    for session in range(sessions):
        first = int(chance.integers(ARTICLES))
        path = [first, (first + 1) % ARTICLES, int(chance.integers(ARTICLES))]
        clicks += [
            Click(article, session, -1, session * 10_000 + step * 3000)
            for step, article in enumerate(path)
        ]
    return sorted(clicks, key=lambda click: click.at_ms)


def rows(clicks: list[Click]) -> str:
    return "".join(
        json.dumps({"session": str(c.session), "article": str(c.article), "at_ms": c.at_ms}) + "\n"
        for c in clicks
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("clicks") / "clicks.jsonl"
    path.write_text(rows(chains(18_000)))
    return evaluate(str(path), 45 * HOUR, learn=400, ask=400)


def test_what_follows_is_learned(report):
    assert report.ours.hr5 > 0.45
    assert report.ours.hr5 > report.baselines["recent popularity"].hr5 + 0.2
    assert set(report.baselines) == {
        "recent popularity",
        "co-occurrence",
        "sequential rules",
        "item-kNN",
        "V-SkNN",
    }


def test_the_json_has_the_promised_figures(report):
    told = json.loads(json.dumps(report.as_json()))
    for found in (told["metrics"], *told["baselines"].values()):
        assert set(found) == {"hr5", "hr10", "mrr10"}
    assert told["asked"] == 400


def test_negatives_are_of_the_hour_before_and_unlike_the_session(monkeypatch):
    clicks = chains(2000)
    asked = {place for place, click in enumerate(clicks) if click.session % 50 == 7}
    seen = []
    real = nextclick.NextClick.features

    def spy(self, session, reader, now_ms, candidates):
        seen.append((now_ms, set(self.session(session)), list(candidates)))
        return real(self, session, reader, now_ms, candidates)

    monkeypatch.setattr(nextclick.NextClick, "features", spy)
    questions = list(replay(clicks, asked, np.random.default_rng(1)))
    assert len(questions) == len(seen) > 10
    for now_ms, read_before, (target, *negatives) in seen:
        hour = {c.article for c in clicks if now_ms - HOUR <= c.at_ms <= now_ms}
        assert len(set(negatives)) == NEGATIVES
        assert set(negatives) <= hour - read_before - {target}


def test_nothing_later_changes_a_question():
    clicks = chains(1500)
    place = 3000
    before = clicks[: place + 1]
    other = [c._replace(article=(c.article * 7) % ARTICLES) for c in clicks[place + 1 :]]
    asked = set(range(2000, place + 1))
    known, changed = (
        [q.rows.tolist() for q in replay(given, asked, np.random.default_rng(1))]
        for given in ([*before, *clicks[place + 1 :]], [*before, *other])
    )
    assert len(known) > 0
    assert known == changed


def test_a_click_nobody_made_within_the_hour_is_marked():
    clicks = chains(400)
    late = clicks[-1].at_ms + 1000
    clicks += [
        Click(ARTICLES, 999, -1, late - 3 * HOUR),
        Click(0, 999, -1, late),
        Click(ARTICLES + 1, 999, -1, late + 1),
    ]
    clicks.sort(key=lambda click: click.at_ms)
    asked = {place for place, click in enumerate(clicks) if click.session in (350, 999)}
    plain = {q.rows.shape[1]: q.plain for q in replay(clicks, asked, np.random.default_rng(1))}
    questions = list(replay(clicks, asked, np.random.default_rng(1)))
    assert plain.keys() == {len(NAMES)}
    assert [q.plain for q in questions][-1] is False
    assert True in [q.plain for q in questions]


def test_figures_count_ranks_and_share_ties():
    scores = np.array([[5.0, *range(-50, 0)], [0.0, *range(1, 51)], [0.0] * 51])
    found = figures(scores)
    assert found.hr5 == found.hr10 == pytest.approx(1 / 3)
    assert found.mrr10 == pytest.approx(1 / 3)


GLOBO = (
    "user_id,session_id,session_start,session_size,click_article_id,click_timestamp,"
    "click_environment,click_deviceGroup,click_os,click_country,click_region,click_referrer_type\n"
)


def test_globos_own_files_are_read(tmp_path):
    path = tmp_path / "clicks.csv"
    path.write_text(
        GLOBO
        + "3,77,1,2,500,1506826800026,4,1,17,1,25,2\n3,77,1,2,501,1506826830026,4,1,17,1,25,1\n"
    )
    assert list(read(str(path))) == [
        Click(0, 0, 0, 1506826800026, (0, 0, 0, 0, 0, 0)),
        Click(1, 0, 0, 1506826830026, (0, 0, 0, 0, 0, 1)),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "no,such,columns\n",
        GLOBO + "3,77\n",
        '{"session": "s", "article": "a"}\n',
        '{"session": "s", "article": "", "at_ms": 1}\n',
        '{"session": "s", "article": "a", "at_ms": 1, "place": {"device": 1}}\n'
        '{"session": "s", "article": "a", "at_ms": 1}\n',
        "{not json\n",
    ],
)
def test_rows_that_cannot_be_used_are_named(content, tmp_path):
    path = tmp_path / "clicks"
    path.write_text(content)
    with pytest.raises(WrongRowError, match="line"):
        list(read(str(path)))


def test_a_file_with_nothing_to_learn_from_is_refused(tmp_path):
    path = tmp_path / "clicks.jsonl"
    path.write_text(rows(chains(50)))
    with pytest.raises(SetupError, match="to learn from"):
        evaluate(str(path), 0)
