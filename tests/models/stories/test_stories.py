import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.packing import pack, unpack
from models.stories import clustering, density
from models.stories import terms as terms_of
from models.stories.cells import apart, pivots_among, signs_of
from models.stories.cluster import Stories, StoryArticle
from models.stories.clustering import Clustering
from models.stories.copies import Copies, fingerprint
from models.stories.decide import Weights, likeness, probability
from models.stories.index import FEWEST_INDEXED, Near, VectorIndex, WordIndex
from models.stories.story import Story, story_from
from models.stories.terms import Vocabulary, terms, vocabulary_from
from models.stories.veto import vetoed
from schemas.errors import ModelFileError

quick = settings(max_examples=25, deadline=None)
"""A busy machine is no failure."""

WIDTH = 16
EASY = Clustering(
    join=Weights(20, 5, 0, 0, 0, 0, 0, -10), merge=Weights(20, 5, 0, 0, 0, 0, 0, -10), recent=50
)
SUBJECTS = ("harbour bridge closed", "minister resigns budget", "rain stops final match")


def vector(seed: int, noise: int = 0) -> np.ndarray:
    """A unit vector near an axis."""
    base = 4 * np.eye(WIDTH)[seed % WIDTH]
    mixed = base + 0.25 * np.random.default_rng(10_000 + noise).normal(size=WIDTH)
    return (mixed / np.linalg.norm(mixed)).astype(np.float32)


def names(near: Near) -> list[str]:
    return [held.story for held, _ in near]


def article(number: int, subject: int, **changed) -> StoryArticle:
    fields = {
        "article_id": f"a{number}",
        "title": f"{SUBJECTS[subject]} {'abcdefghijklmnopqrstuvwxyz'[number % 26] * 4}",
        "source": f"s{number % 7}",
        "published_ms": number * 60_000,
        "vector": vector(subject, number),
    }
    return StoryArticle(**fields | changed)


def flow(count: int = 30) -> list[StoryArticle]:
    return [article(number, number % 3) for number in range(count)]


def placed(stories: Stories, articles) -> list[str]:
    return [stories.place(one).story_id for one in articles]


def test_articles_find_their_stories():
    stories = Stories(EASY, width=WIDTH)
    found = placed(stories, flow())
    assert found == ["a0", "a1", "a2"] * 10
    assert stories.active["a0"].articles == 10


def test_state_restores_exactly_in_the_middle_of_the_stream():
    whole = Stories(EASY, width=WIDTH)
    expected = [*placed(whole, flow()), whole.tidy()]
    first = Stories(EASY, width=WIDTH)
    begun = placed(first, flow()[:17])
    state = pickle.loads(pickle.dumps(first.to_state()))
    second = Stories(EASY, width=WIDTH)
    second.restore(state)
    assert [*begun, *placed(second, flow()[17:]), second.tidy()] == expected
    assert second.to_state() == whole.to_state()


def test_changes_on_top_of_each_other_are_the_whole_state():
    stories = Stories(EASY, width=WIDTH)
    kept: dict = {}

    def save() -> None:
        for name, piece in unpack(pack(stories.changes())).items():
            kept.pop(name, None)
            if piece is not None:
                kept[name] = piece

    for number, one in enumerate(flow(130)):
        stories.place(one)
        if number % 3 == 0:
            save()
        if number % 20 == 19:
            stories.tidy()
    stories.join("a0", "a1")
    save()
    again = Stories(EASY, width=WIDTH)
    again.restore(kept)
    assert again.to_state() == stories.to_state()
    more = [article(number, number % 3) for number in range(130, 160)]
    assert placed(again, more) == placed(stories, more)
    assert again.tidy() == stories.tidy()


def test_state_holds_plain_values_only():
    stories = Stories(EASY, width=WIDTH)
    placed(stories, flow())

    def plain(value) -> bool:
        if isinstance(value, dict):
            return all(plain(v) for pair in value.items() for v in pair)
        if isinstance(value, list | tuple):
            return all(map(plain, value))
        return type(value) in (str, int, float, bytes, bool, type(None))

    assert plain(stories.to_state())


def test_late_article_moves_the_beginning():
    stories = Stories(EASY, width=WIDTH)
    placed(stories, flow(6))
    late = article(6, 0, published_ms=-5000)
    assert stories.place(late).story_id == "a0"
    assert stories.active["a0"].first_ms == -5000


def test_silent_story_expires_and_is_not_joined():
    stories = Stories(EASY, width=WIDTH)
    placed(stories, flow(3))
    far = EASY.window_ms + 10 * 60_000
    stories.place(article(9, 1, published_ms=far))
    kinds = {(change.kind, change.old) for change in stories.tidy()}
    assert kinds == {("expired", "a0"), ("expired", "a2")}
    assert stories.place(article(10, 0, published_ms=far)).is_new


def at_angle(number: int, degrees: float, title: str) -> StoryArticle:
    """An article whose vector lies in a plane."""
    unit = np.zeros(WIDTH, np.float32)
    unit[:2] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return article(number, 0, title=title, vector=unit)


def test_stories_that_have_grown_alike_are_merged():
    stories = Stories(EASY, width=WIDTH)
    stories.place(at_angle(0, 0, "harbour bridge closed"))
    stories.place(at_angle(1, 63, "minister resigns budget"))
    assert stories.tidy() == []
    assert stories.place(at_angle(2, 41, "rain stops match")).story_id == "a1"
    assert [(c.kind, c.old, c.new) for c in stories.tidy()] == [("merged", "a1", "a0")]


def test_tidying_asks_only_about_stories_that_may_have_become_alike(monkeypatch):
    asked = []
    likely = Stories.likely

    def told(stories, story, *how):
        asked.append(story.story_id)
        return likely(stories, story, *how)

    monkeypatch.setattr(Stories, "likely", told)
    stories = Stories(EASY, width=WIDTH)
    stories.place(at_angle(0, 0, "harbour bridge closed"))
    stories.place(at_angle(1, 90, "minister resigns budget"))
    stories.tidy()
    assert asked == []  # neither was like the other when it was opened
    stories.place(at_angle(2, 91, "rain stops match"))
    stories.tidy()
    assert asked == ["a1"]
    stories.tidy()
    assert asked == ["a1"]


def test_merged_story_lives_on_as_an_alias():
    apart = Clustering(join=Weights(0, 0, 0, 0, 0, 0, 0, -9), merge=EASY.merge)
    stories = Stories(apart, width=WIDTH)
    assert placed(stories, flow(6)) == ["a0", "a1", "a2", "a3", "a4", "a5"]
    changes = stories.tidy()
    assert {(c.kind, c.old, c.new) for c in changes} == {
        ("merged", "a3", "a0"),
        ("merged", "a4", "a1"),
        ("merged", "a5", "a2"),
    }
    assert stories.current("a4") == "a1"
    assert len(stories.active) == 3


def test_story_of_two_events_is_split():
    together = Clustering(
        join=Weights(0, 0, 0, 0, 0, 0, 0, 9), merge=EASY.merge, recent=100, split_at=0.2
    )
    stories = Stories(together, width=WIDTH)
    mixed = [article(0, 0)] + [
        article(n, n % 2, title=f"bridge {SUBJECTS[n % 2]}") for n in range(1, 24)
    ]
    assert set(placed(stories, mixed)) == {"a0"}
    split = [change for change in stories.tidy() if change.kind == "split"]
    assert len(split) == 1
    assert len({int(name[1:]) % 2 for name in split[0].articles}) == 1
    assert len(stories.active) == 2


def test_place_that_a_story_is_bound_to_keeps_look_alikes_out():
    stories = Stories(EASY, width=WIDTH)
    ohio = [article(n, 0, title="smith wins ohio", places=frozenset({"Q1397"})) for n in range(4)]
    placed(stories, ohio)
    iowa = article(9, 0, title="smith wins iowa", places=frozenset({"Q1546"}))
    assert stories.place(iowa).is_new
    assert not stories.place(article(10, 0, title="smith wins")).is_new


def test_veto_waits_for_a_few_articles():
    assert not vetoed({"ohio"}, {"iowa": 2}, 2)
    assert vetoed({"ohio"}, {"iowa": 3}, 3)
    assert not vetoed({"ohio", "iowa"}, {"iowa": 3}, 3)
    assert not vetoed({"ohio"}, {"iowa": 3}, 9)


def test_reprint_is_a_copy_of_the_first():
    stories = Stories(EASY, width=WIDTH)
    text = "dozens of boats wait outside as harbour bridge stays closed after the storm"
    stories.place(article(0, 0, title=text))
    reprint = stories.place(article(1, 0, title=text + ".", vector=vector(0, 0)))
    assert reprint.copy_of == "a0"
    assert stories.active["a0"].copies == 1
    other = stories.place(article(2, 1, title=text.replace("boats", "ships")))
    assert other.copy_of is None  # the words are alike, the meaning is not


@quick
@given(
    st.lists(
        st.sampled_from(["harbour", "bridge", "closed", "storm", "boats", "wait", "outside"]),
        min_size=1,
    )
)
def test_fingerprint_is_the_same_for_the_same_words(words):
    assert fingerprint(words) == fingerprint(list(words))
    assert 0 <= fingerprint(words) < 2**64


def test_copies_survive_their_state_and_forget():
    copies = Copies()
    copies.add("a", fingerprint(["storm"]), vector(1))
    again = Copies()
    again.restore("a", copies.piece("a"))
    assert again.original_of(fingerprint(["storm"]), vector(1)) == "a"
    again.forget("a")
    again.forget("unknown")
    assert again.original_of(fingerprint(["storm"]), vector(1)) is None


@pytest.mark.parametrize("seed", [1, 2])
def test_index_of_vectors_finds_what_a_scan_finds(seed):
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(40, WIDTH))
    stories = centres[chance.integers(40, size=1500)] + 0.2 * chance.normal(size=(1500, WIDTH))
    stories = (stories / np.linalg.norm(stories, axis=1, keepdims=True)).astype(np.float32)
    index = VectorIndex(WIDTH)
    for row, one in enumerate(stories):
        index.put(str(row), one, 1)
    assert len(index) > FEWEST_INDEXED
    hits = sum(names(index.near(one))[0] == str(row) for row, one in enumerate(stories[:100]))
    assert hits == 100
    for row in range(0, 1500, 2):
        index.remove(str(row))
    for row in range(1, 400, 2):  # the way stories move as they grow
        index.put(str(row), 2 * stories[row - 1], 2)
    assert all(int(name) % 2 for one in stories[:50] for name in names(index.near(one)))
    again = VectorIndex(WIDTH)
    kept = sorted((str(row) for row in range(1, 1500, 2)), key=index.row)
    moved = {str(row): (2 * stories[row - 1], 2) for row in range(1, 400, 2)}
    told = [(name, *moved.get(name, (stories[int(name)], 1))) for name in kept]
    again.restore(told, index.pivots_to_state())
    for one in stories[:50]:
        assert names(again.near(one)) == names(index.near(one))


def test_index_of_vectors_tells_what_stories_are_near_and_how_large_they_are():
    index = VectorIndex(WIDTH)
    axes = np.eye(WIDTH, dtype=np.float32)
    for number in range(12):
        index.put(str(number), axes[number], 1)
    index.put("large", 3 * axes[0] + axes[1], 4)
    near = index.near(axes[0], others=["11", "large"])
    assert names(near)[:3] == ["11", "0", "large"]
    assert len(near) == len(set(names(near)))
    assert [cosine for _, cosine in near[:3]] == pytest.approx([0, 1, 3 / 10**0.5])
    large, _ = near[2]
    assert large.mean == pytest.approx(10**0.5 / 4)
    assert large.size == pytest.approx(np.log(4))


def test_pivots_lie_in_the_middle_of_the_rows_around_them():
    chance = np.random.default_rng(5)
    centres = chance.normal(size=(16, 64)).astype(np.float32)
    rows = signs_of(np.repeat(centres, 40, axis=0) + 0.9 * chance.normal(size=(640, 64)))
    pivots = pivots_among(rows[chance.permutation(640)], 16)
    to_pivots = np.mean([apart(pivots, row).min() for row in rows])
    among_rows = np.mean([apart(rows[::40], row).min() for row in rows])
    assert to_pivots < among_rows


def test_index_of_words_forgets():
    index = WordIndex()
    index.add("x", ["bridge", "harbour"])
    index.add("y", ["bridge"])
    assert index.nearest({"bridge": 0.5, "harbour": 0.8}) == ["x", "y"]
    index.remove("x")
    index.remove("unknown")
    assert index.nearest({"bridge": 0.5, "harbour": 0.8}) == ["y"]


def test_frequent_words_say_nothing():
    words = Vocabulary()
    for number in range(200):
        words.learn(terms(f"the {number}word"))
    assert list(words.weigh(terms("the 7word"))) == ["7word"]
    assert words.weigh(["the"]) == {}
    assert vocabulary_from(words.to_state()) == words


@pytest.mark.parametrize("seen", [1, 2, 9])
def test_full_vocabulary_makes_room_at_once_and_learns_new_words(monkeypatch, seen):
    monkeypatch.setattr(terms_of, "WORDS_KEPT", 100)
    words = Vocabulary()
    for _ in range(seen):
        words.learn(f"old{number}" for number in range(100))
    words.learn(["storm", "old99"])
    assert len(words.holding) == 50
    assert words.holding["old99"] == seen + 1
    for number in range(20):
        words.learn(["storm", f"new{number}"])
    assert words.holding["storm"] >= 20
    assert len(words.holding) > 50  # nothing was forgotten again


def test_full_vocabulary_forgets_the_same_after_its_state(monkeypatch):
    monkeypatch.setattr(terms_of, "WORDS_KEPT", 100)
    whole = Vocabulary()
    again = Vocabulary()
    for number in range(400):
        learned = [f"word{number * step % 170}" for step in (1, 3, 7)]
        whole.learn(learned)
        again = vocabulary_from(unpack(pack(again.to_state())))
        again.learn(learned)
    assert list(again.holding.items()) == list(whole.holding.items())


def test_likeness_does_not_depend_on_order():
    stories = Stories(EASY, width=WIDTH)
    placed(stories, flow())
    one, other = stories.active["a0"], stories.active["a1"]
    assert likeness(one, other) == pytest.approx(likeness(other, one))


def test_story_survives_its_state():
    story = Story("a", 0, 0, vector(1))
    story.add(vector(2), {"bridge": 1.0}, frozenset({"Q1"}), "s", 5)
    again = story_from(story.to_state())
    assert again.to_state() == story.to_state()


@quick
@given(st.integers(0, 2**32 - 1))
def test_no_story_that_could_be_meant_is_ruled_out_early(seed):
    """What is cheap to know rules out only what is improbable."""
    chance = np.random.default_rng(seed)
    decision = Weights(*chance.normal(0, 3, size=len(Weights._fields)))
    stories = Stories(EASY, width=WIDTH)
    for number in range(40):
        title = " ".join(chance.choice(["storm", "bridge", "match", "budget", "vote"], 3))
        at_ms = int(chance.integers(5 * 3_600_000))
        mixed = vector(number % 2) + 0.6 * vector(int(chance.integers(4)), number)
        unit = (mixed / np.linalg.norm(mixed)).astype(np.float32)
        stories.place(article(number, 0, title=title, vector=unit, published_ms=at_ms))
    for one in stories.active.values():
        expected = {
            other.story_id
            for other in stories.candidates(one)
            if probability(decision, likeness(one, other)) >= 0.6
        }
        likely = stories.likely(one, decision, 0.6)
        assert expected <= {other.story_id for other, _ in likely}


def test_few_articles_have_no_density():
    assert (density.clusters(np.zeros((3, WIDTH), np.float32)) == density.NOISE).all()


def test_decisions_survive_their_file(tmp_path):
    path = tmp_path / "decisions.json"
    clustering.write(EASY, path)
    assert clustering.read(path) == EASY
    path.write_text("{}")
    with pytest.raises(ModelFileError, match="holds no decisions"):
        clustering.read(path)


def test_shipped_decisions_can_be_read():
    assert 0 < clustering.read().merge_at < 1
