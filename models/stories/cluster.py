"""The stories of one key (language): place an article, tidy up now and then, save and restore.

Deterministic: the same articles with the same tidying give the same stories. No clock: time is the
newest publication seen.
"""

import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.stories import density
from models.stories.copies import Copies, copies_from, fingerprint
from models.stories.decide import Likeness, Weights, likeness, probability
from models.stories.index import VectorIndex, WordIndex
from models.stories.story import Story, story_from
from models.stories.terms import TermWeights, Vocabulary, terms, vocabulary_from
from models.stories.veto import numbers, vetoed
from schemas.errors import ModelFileError

Vector = npt.NDArray[np.float32]

SHIPPED = Path(__file__).parent / "decisions.json"
"""Learned by `training/fit_stories.py`."""

WIDTH = 384
"""Of the shipped encoder's vectors."""


class StoryArticle(NamedTuple):
    """What clustering reads of an enriched article.

    vector  float32 (WIDTH,), of length 1
    names   of its entities; places among them veto look-alikes
    """

    article_id: str
    title: str
    source: str
    published_ms: int
    vector: Vector
    names: tuple[str, ...] = ()
    places: frozenset[str] = frozenset()


class Placement(NamedTuple):
    """Where an article went.

    probability  that it belongs there; 1 for a story that it opened
    novelty      1 less its likeness to the story's centre, 0..1; 1 for a new story
    copy_of      the article that it repeats
    considered   the stories that were looked at, with how alike they are
    """

    story_id: str
    is_new: bool
    probability: float
    novelty: float
    copy_of: str | None
    considered: tuple[tuple[str, Likeness], ...]


class Change(NamedTuple):
    """What tidying did to a story.

    kind      merged: `old` is an alias of `new` from now on; split: `articles` left `old` for
              `new`; expired: `old` takes no more articles
    """

    kind: str
    old: str
    new: str
    articles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clustering:
    """How stories are told apart.

    join, merge        learned decisions
    join_at, merge_at  probability from which on they count
    split_at           probability below which two parts of a story part
    window_ms          a story without an article for so long expires
    recent             articles that HDBSCAN looks at
    """

    join: Weights
    merge: Weights
    join_at: float = 0.5
    merge_at: float = 0.5
    split_at: float = 0.05
    window_ms: int = 3 * 24 * 3_600_000
    recent: int = 1000


def write(clustering: Clustering, path: Path) -> None:
    """Keep decisions as JSON."""
    state = asdict(clustering)
    for name in ("join", "merge"):
        state[name] = getattr(clustering, name)._asdict()
    path.write_text(json.dumps(state, indent=2) + "\n", "utf-8")


def read(path: Path = SHIPPED) -> Clustering:
    """The decisions in a file. Raises ModelFileError."""
    try:
        state = json.loads(path.read_text("utf-8"))
        decisions = {name: Weights(**state[name]) for name in ("join", "merge")}
        return Clustering(**state | decisions)
    except OSError as error:
        raise ModelFileError(f"decisions {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path} holds no decisions about stories: {error!r}") from error


class Recent(NamedTuple):
    """An article that tidying may still move."""

    article_id: str
    story_id: str
    vector: Vector
    terms: TermWeights
    places: frozenset[str]
    source: str
    published_ms: int


class Stories:
    """State: active stories with their indexes, aliases of merged ones, recent articles."""

    def __init__(self, clustering: Clustering, *, width: int = WIDTH) -> None:
        self.clustering = clustering
        self.active: dict[str, Story] = {}
        self.aliases: dict[str, str] = {}
        self.newest_ms = 0
        self._vocabulary = Vocabulary()
        self._words = WordIndex()
        self._vectors = VectorIndex(width)
        self._copies = Copies()
        self._recent: deque[Recent] = deque(maxlen=clustering.recent)
        self._changed: set[str] = set()

    def place(self, article: StoryArticle) -> Placement:
        """Let an article join its story, or open one."""
        self.newest_ms = max(self.newest_ms, article.published_ms)
        words = terms(article.title, *article.names)
        self._vocabulary.learn(words)
        weights = self._vocabulary.weigh(words)
        marks = article.places | numbers(article.title) if article.places else article.places
        mark = fingerprint(words)
        copy_of = self._copies.original_of(mark, article.vector)
        alone = _opened(article)
        alone.add(article.vector, weights, marks, article.source, article.published_ms)
        considered = [(story, likeness(alone, story)) for story in self.candidates(alone)]
        chance, novelty, found = self._best(considered, marks)
        is_new = found is None
        story = found or alone
        if found:
            story.add(article.vector, weights, marks, article.source, article.published_ms)
        if copy_of is None:
            self._copies.add(article.article_id, mark, article.vector)
        else:
            story.copies += 1
        self._keep(story, weights)
        self._remember(article, story.story_id, weights, marks)
        seen = tuple((other.story_id, alike) for other, alike in considered)
        return Placement(story.story_id, is_new, chance, novelty, copy_of, seen)

    def tidy(self, *, with_density: bool = True) -> list[Change]:
        """Expire, merge and split; what changed, in order.

        with_density  whether HDBSCAN proposes, besides the index; splits come from it alone
        """
        changes = self._expire()
        proposals = self._proposed() if with_density else density.Proposals([], [])
        changes += self._split(proposals.splits)
        return changes + self._merge(proposals.merges)

    def candidates(self, story: Story) -> list[Story]:
        """Active stories that may be the same, without itself; each once."""
        centre = story.vector / max(float(np.linalg.norm(story.vector)), 1e-9)
        found = [*self._words.nearest(story.terms), *self._vectors.nearest(centre)]
        return [self.active[name] for name in dict.fromkeys(found) if name != story.story_id]

    def current(self, story_id: str) -> str:
        """The story that an id stands for today, through merges."""
        while story_id in self.aliases:
            story_id = self.aliases[story_id]
        return story_id

    def _best(
        self, considered: Iterable[tuple[Story, Likeness]], marks: frozenset[str]
    ) -> tuple[float, float, Story | None]:
        """Probability, novelty and story of the best candidate; none below `join_at`."""
        best: tuple[float, float, Story | None] = (1.0, 1.0, None)
        highest = self.clustering.join_at
        for story, alike in considered:
            chance = probability(self.clustering.join, alike)
            if chance >= highest and not vetoed(marks, story.places, story.articles):
                highest = chance
                best = (chance, min(1.0, max(0.0, 1 - alike.centre_vector)), story)
        return best

    def _keep(self, story: Story, words: Iterable[str]) -> None:
        self.active[story.story_id] = story
        self._words.add(story.story_id, words)
        self._vectors.put(story.story_id, story.vector)
        self._changed.add(story.story_id)

    def _drop(self, story_id: str) -> None:
        del self.active[story_id]
        self._words.remove(story_id)
        self._vectors.remove(story_id)
        self._changed.discard(story_id)

    def _remember(
        self, article: StoryArticle, story_id: str, weights: TermWeights, marks: frozenset[str]
    ) -> None:
        if len(self._recent) == self._recent.maxlen:
            self._copies.forget(self._recent[0].article_id)
        self._recent.append(
            Recent(
                article.article_id,
                story_id,
                article.vector,
                weights,
                marks,
                article.source,
                article.published_ms,
            )
        )

    def _expire(self) -> list[Change]:
        oldest = self.newest_ms - self.clustering.window_ms
        gone = [name for name, story in self.active.items() if story.last_ms < oldest]
        for name in gone:
            self._drop(name)
        newest = {new: self.current(new) for new in self.aliases.values()}
        self.aliases = {old: new for old, new in self.aliases.items() if newest[new] in self.active}
        return [Change("expired", name, name) for name in gone]

    def _merge(self, proposed: Iterable[tuple[str, str]]) -> list[Change]:
        """Merge the surest pair first, until none is sure enough."""
        changes: list[Change] = []
        pairs: dict[tuple[str, str], float] = {}

        def consider(one: Story, others: Iterable[Story]) -> None:
            for other in others:
                chance = probability(self.clustering.merge, likeness(one, other))
                apart = vetoed(_bound(one), other.places, other.articles)
                if chance >= self.clustering.merge_at and not apart:
                    first, second = sorted((one, other), key=lambda s: (s.first_ms, s.story_id))
                    pairs[first.story_id, second.story_id] = chance

        for name in sorted(self._changed):
            consider(self.active[name], self.candidates(self.active[name]))
        for one_id, two_id in proposed:
            if one_id in self.active and two_id in self.active:
                consider(self.active[one_id], [self.active[two_id]])
        while pairs:
            first, second = max(pairs, key=lambda pair: (pairs[pair], pair))
            kept, gone = self.active[first], self.active[second]
            kept.merge(gone)
            self._drop(second)
            self.aliases[second] = first
            self._keep(kept, gone.terms)
            changes.append(Change("merged", second, first))
            pairs = {pair: p for pair, p in pairs.items() if not {first, second} & set(pair)}
            consider(kept, self.candidates(kept))
        self._changed.clear()
        return changes

    def _split(self, proposed: Iterable[tuple[str, list[int]]]) -> list[Change]:
        """Let a part of a story leave where the learned decision would not merge them."""
        changes: list[Change] = []
        recent = self._movable()
        for story_id, places in proposed:
            part = [recent[place] for place in places]
            story = self.active[story_id]
            named = next((r.article_id for r in part if not self._taken(r.article_id)), None)
            if named is None or len(part) >= story.articles:
                continue
            leaving = _story_of(named, part)
            rest = _without(story, leaving)
            if (
                probability(self.clustering.merge, likeness(leaving, rest))
                >= self.clustering.split_at
            ):
                continue
            self._drop(story_id)
            self._keep(rest, rest.terms)
            self._keep(leaving, leaving.terms)
            moved = {r.article_id for r in part}
            for place, one in enumerate(self._recent):
                if one.article_id in moved:
                    self._recent[place] = one._replace(story_id=named)
            changes.append(Change("split", story_id, named, tuple(r.article_id for r in part)))
        return changes

    def _taken(self, name: str) -> bool:
        """Whether a story has or had this id."""
        return name in self.active or name in self.aliases

    def _proposed(self) -> density.Proposals:
        recent = self._movable()
        if not recent:
            return density.Proposals([], [])
        labels = density.clusters(np.stack([r.vector for r in recent]))
        return density.propose(labels.tolist(), [self.current(r.story_id) for r in recent])

    def _movable(self) -> list[Recent]:
        """Recent articles whose stories are still active."""
        return [r for r in self._recent if self.current(r.story_id) in self.active]

    def to_state(self) -> dict[str, Any]:
        """Plain values (dicts, lists, numbers, text, bytes) that restore exactly."""
        return {
            "active": [story.to_state() for story in self.active.values()],
            "aliases": dict(self.aliases),
            "newest_ms": self.newest_ms,
            "vocabulary": self._vocabulary.to_state(),
            "words": {name: sorted(words) for name, words in self._words.items()},
            "vectors": self._vectors.to_state(),
            "copies": self._copies.to_state(),
            "recent": [
                [*r[:2], r.vector.tobytes(), dict(r.terms), sorted(r.places), *r[5:]]
                for r in self._recent
            ],
            "changed": sorted(self._changed),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what `to_state` told of."""
        self.active = {story["story_id"]: story_from(story) for story in state["active"]}
        self.aliases = dict(state["aliases"])
        self.newest_ms = state["newest_ms"]
        self._vocabulary = vocabulary_from(state["vocabulary"])
        self._words = WordIndex()
        for name, words in state["words"].items():
            self._words.add(name, words)
        self._vectors.restore(state["vectors"])
        self._copies = copies_from(state["copies"])
        self._recent = deque(
            (
                Recent(a, s, np.frombuffer(v, np.float32), dict(t), frozenset(p), *rest)
                for a, s, v, t, p, *rest in state["recent"]
            ),
            maxlen=self.clustering.recent,
        )
        self._changed = set(state["changed"])


def _opened(article: StoryArticle) -> Story:
    """A story without articles yet, named after its first."""
    at_ms = article.published_ms
    return Story(article.article_id, at_ms, at_ms, np.zeros_like(article.vector))


def _story_of(story_id: str, articles: Iterable[Recent]) -> Story:
    part = list(articles)
    first = min(r.published_ms for r in part)
    story = Story(story_id, first, first, np.zeros_like(part[0].vector))
    for r in part:
        story.add(r.vector, r.terms, r.places, r.source, r.published_ms)
    return story


def _without(story: Story, part: Story) -> Story:
    """The story less a part of it; its sources and times stay."""
    rest = story_from(story.to_state())
    rest.vector = story.vector - part.vector
    rest.articles -= part.articles
    rest.terms = {t: left for t, w in rest.terms.items() if (left := w - part.terms.get(t, 0)) > 0}
    rest.places = {
        p: left for p, n in rest.places.items() if (left := n - part.places.get(p, 0)) > 0
    }
    return rest


def _bound(story: Story) -> frozenset[str]:
    """Places that most of a story's articles name."""
    return frozenset(place for place, n in story.places.items() if 2 * n > story.articles)
