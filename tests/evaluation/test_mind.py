"""MIND's file format, on made-up files."""

import pytest

from evaluation import mind
from evaluation.rows import WrongRowError
from schemas.errors import SetupError

NEWS = (
    "N1\tsports\tgolf\tRain ends play\tIt rained.\thttps://x\t"
    '[{"Label": "Leeds", "Type": "G", "WikidataId": "Q39121", "Confidence": 1.0}]\t[]\n'
    "N2\tnews\tworld\tVote today\t\thttps://y\t[]\t[]\n"
)
BEHAVIORS = (
    "1\tU7\t11/11/2019 9:05:58 AM\tN1\tN2-1 N1-0\n2\tU8\t11/12/2019 6:11:30 PM\t\tN1-1 N2-0\n"
)


def folder(path, news=NEWS, behaviors=BEHAVIORS):
    path.mkdir(exist_ok=True)
    (path / "news.tsv").write_text(news)
    (path / "behaviors.tsv").write_text(behaviors)
    return path


def test_news_and_behaviours_become_rows(tmp_path):
    rows = mind.read(folder(tmp_path))
    first = rows.articles[0]
    assert (first.title, first.subject, dict(first.entities)) == (
        "Rain ends play",
        "sports",
        {"Q39121": "Leeds"},
    )
    assert rows.abstracts == ("It rained.", "")
    reader = rows.impressions[0]
    assert (reader.user, reader.history.tolist(), reader.shown.tolist()) == ("U7", [0], [1, 0])
    assert reader.clicked.tolist() == [True, False]
    assert rows.impressions[1].history.tolist() == []
    assert rows.reported is None


def test_the_published_parts_are_kept_apart(tmp_path):
    folder(tmp_path / "MINDsmall_train")
    folder(tmp_path / "MINDsmall_dev", news=NEWS + NEWS.replace("N", "M"))
    rows = mind.read(tmp_path)
    assert len(rows.articles) == 4
    assert rows.reported == (False, False, True, True)


def test_a_folder_without_the_files_is_refused(tmp_path):
    with pytest.raises(SetupError, match=r"news\.tsv"):
        mind.read(tmp_path)


@pytest.mark.parametrize(
    ("news", "behaviors"),
    [(NEWS, "1\tU7\tnow\tN9\tN1-1\n"), (NEWS, "1\tU7\n"), ("N1\tsports\n", BEHAVIORS)],
    ids=["unknown article", "short behaviour", "short news"],
)
def test_a_broken_line_is_named(news, behaviors, tmp_path):
    with pytest.raises(WrongRowError, match="line 1"):
        mind.read(folder(tmp_path, news, behaviors))
