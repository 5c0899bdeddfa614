"""Assigned topics are consistent, sorted, and fewer as more precision is asked for."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from models.topics import assigner
from models.topics.assigner import NameMatcher, TopicAssigner, Vectors, open_assigner
from schemas.errors import ModelFileError


@pytest.fixture(scope="module")
def shipped() -> TopicAssigner:
    return open_assigner()


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return assigner.read_vectors(assigner.FOLDER / assigner.VECTORS)


def article_about(shipped: TopicAssigner, vectors: Vectors, name: str) -> np.ndarray:
    """A unit vector as near to a concept as an article gets: a cosine of about one half."""
    vector = vectors.vectors[shipped.topics.row(shipped.topics.named(name).code)]
    noise = np.random.default_rng(7).normal(size=len(vector))
    noise -= (noise @ vector) * vector
    return 0.5 * vector + np.sqrt(0.75) * noise / np.linalg.norm(noise)


def sure_of(shipped: TopicAssigner, *names: str) -> np.ndarray:
    codes = {shipped.topics.named(name).code for name in names}
    return np.array([0.97 if code in codes else 0.01 for code in shipped.supervised])


def test_a_deep_topic_comes_with_its_ancestors(shipped: TopicAssigner, vectors: Vectors) -> None:
    found = shipped.assign(
        sure_of(shipped, "environment"),
        article_about(shipped, vectors, "endangered species"),
        "A whale that is an endangered species",
    )
    by_name = {topic.name: topic for topic in found}
    species = by_name["endangered species"]
    assert [shipped.topics[code].name for code in species.ancestors] == ["environment", "nature"]
    assert species.names["de"]
    for topic in found:
        for code in topic.ancestors:
            above = next(one for one in found if one.code == code)
            assert above.score >= topic.score
            assert found.index(above) < found.index(topic)
        assert 0 <= topic.score <= 1
    assert [topic.score for topic in found] == sorted((t.score for t in found), reverse=True)


def test_a_sure_top_concept_is_assigned_alone(shipped: TopicAssigner, vectors: Vectors) -> None:
    embedding = article_about(shipped, vectors, "sport")
    names = {topic.name for topic in shipped.assign(sure_of(shipped, "sport"), embedding)}
    assert "sport" in names
    assert "politics" not in names


def test_an_article_about_nothing_has_no_topic(shipped: TopicAssigner) -> None:
    assert shipped.assign(sure_of(shipped), np.zeros(384, np.float32)) == []


def test_more_precision_means_fewer_topics(shipped: TopicAssigner, vectors: Vectors) -> None:
    draw = np.random.default_rng(3)
    for row in draw.integers(0, len(shipped.topics), 20):
        probabilities = draw.random(len(shipped.supervised))
        last: set[str] | None = None
        for precision in (0.6, 0.7, 0.8, 0.9):
            found = shipped.assign(probabilities, vectors.vectors[row], precision=precision)
            codes = {topic.code for topic in found}
            assert last is None or codes <= last
            last = codes


def test_a_precision_that_was_never_reached_is_refused(shipped: TopicAssigner) -> None:
    with pytest.raises(ValueError, match=r"no thresholds for a precision of 0\.99"):
        shipped.assign(sure_of(shipped), np.zeros(384, np.float32), precision=0.99)


def test_its_name_in_the_text_tells_for_a_concept(shipped: TopicAssigner, vectors: Vectors) -> None:
    embedding = article_about(shipped, vectors, "vaccine")
    row = shipped.topics.row(shipped.topics.named("vaccine").code)
    without = shipped.scores(sure_of(shipped), embedding)
    named = shipped.scores(sure_of(shipped), embedding, "Vaccines for all")
    assert named[row] > without[row]


@pytest.mark.parametrize("text", ["", " ", "🦊🦊", "x" * 100_000, "\u202eabc \u05d0\u05d1"])
def test_any_text_is_answered(shipped: TopicAssigner, vectors: Vectors, text: str) -> None:
    found = shipped.assign(sure_of(shipped, "sport"), vectors.vectors[0], text)
    assert all(topic.code in shipped.topics for topic in found)


def test_it_pickles_and_answers_the_same(shipped: TopicAssigner, vectors: Vectors) -> None:
    copy = pickle.loads(pickle.dumps(shipped))
    arguments = (sure_of(shipped, "health"), vectors.vectors[500], "A vaccine")
    assert copy.assign(*arguments) == shipped.assign(*arguments)


def test_names_are_matched_without_case_plural_and_asides(shipped: TopicAssigner) -> None:
    shares = NameMatcher(shipped.topics).shares("LABOUR strikes and a court's sentencing")

    def share(name: str) -> float:
        return float(shares[shipped.topics.row(shipped.topics.named(name).code)])

    assert share("labour strike") == 1
    assert share("sentencing (criminal)") == 1
    assert share("labour dispute") == 0.5
    assert share("vaccine") == 0


def test_sib200_labels_become_topics(shipped: TopicAssigner) -> None:
    probabilities = np.array([0.02] * 6 + [0.88])
    found = shipped.from_sib200(probabilities)
    assert [topic.name for topic in found] == [
        "lifestyle and leisure",
        "leisure",
        "travel and tourism",
    ]
    assert {topic.score for topic in found} == {0.88}
    sports = shipped.from_sib200(np.array([0.05] * 5 + [0.75, 0.0]))
    assert [topic.name for topic in sports] == ["sport"]


def test_an_unsure_or_empty_sib200_label_gives_no_topic(shipped: TopicAssigner) -> None:
    assert shipped.from_sib200(np.full(7, 1 / 7)) == []
    assert shipped.from_sib200(np.array([0.04] * 5 + [0.0, 0.8])) == []  # travel
    geography = np.eye(7)[assigner.SIB200_LABELS.index("geography")]
    assert shipped.from_sib200(geography) == []


def test_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="concept embeddings"):
        assigner.read_vectors(tmp_path / "none.npz")
    with pytest.raises(ModelFileError, match="calibration"):
        assigner.read_calibration(tmp_path / "none.toml")
    wrong = tmp_path / "calibration.toml"
    wrong.write_text("head = 'x'\nthresholds = []\n[top]\nbias = 1\n[top.weights]\nodd = 1\n")
    with pytest.raises(ModelFileError, match="odd"):
        assigner.read_calibration(wrong)
