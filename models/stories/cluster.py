"""The stories of one key (language): place an article, tidy up now and then, save and restore.

Deterministic: the same articles with the same tidying give the same stories. No clock: time is the
newest publication seen.
"""

from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.stories import density
from models.stories.clustering import Clustering
from models.stories.copies import fingerprint
from models.stories.decide import (
    ROUNDING,
    Likeness,
    Weights,
    by_words,
    likeness,
    log_odds,
    most_by_words,
    probability,
    without_words,
)
from models.stories.index import Near, VectorIndex, WordIndex
from models.stories.originals import Originals
from models.stories.recent import Recent, RecentArticles
from models.stories.story import Story, story_from
from models.stories.terms import TermWeights, Vocabulary, terms, vocabulary_from
from models.stories.veto import numbers, vetoed

Vector = npt.NDArray[np.float32]

UNTOUCHED = -1
"""Step of a story that tidying need not ask about: no other was like it when it was opened, and one
that has become so since has changed and is asked about itself."""

WIDTH = 384
"""Of the shipped encoder's vectors."""

FEWEST_WORDS = 8
"""Words that a text must have for a reprint to be known by them rather than by the headline."""


class StoryArticle(NamedTuple):
    """What clustering reads of an enriched article.

    vector  float32 (WIDTH,), of length 1; zeros where no model answered: words alone decide then
    names   of its entities; places among them veto look-alikes
    text    its first sentences, where known: reprints share them under other headlines
    told    whatever the caller wants to find again when a part of a story leaves
    """

    article_id: str
    title: str
    source: str
    published_ms: int
    vector: Vector
    names: tuple[str, ...] = ()
    places: frozenset[str] = frozenset()
    text: str = ""
    told: bytes = b""


class Placement(NamedTuple):
    """Where an article went.

    probability  that it belongs there; 1 for a story that it opened
    novelty      1 less its likeness to the story's centre, 0..1; 1 for a new story
    copy_of      the article that it repeats
    considered   the candidates with how alike they are, if it was asked for
    """

    story_id: str
    is_new: bool
    probability: float
    novelty: float
    copy_of: str | None
    considered: tuple[tuple[str, Likeness], ...]


class Change(NamedTuple):
    """What tidying did to a story.

    kind      merged: `old` is an alias of `new` from now on; split: a part of `old` is `new`;
              expired: `old` takes no more articles
    articles  recent ones that have moved from `old` to `new`
    """

    kind: str
    old: str
    new: str
    articles: tuple[str, ...] = ()


Pieces = dict[str, Any]
"""Parts of a state by name, plain values each; None where a part is gone.

now               counters and the newest publication
words             the vocabulary, now and then; recent articles teach what came after
pivots            of the vector index
story/ID          a story with its place in the indexes
alias/ID          the story that a merged one became
original/ID       an article that others may copy
recent/N          an article that tidying may still move
"""


class Stories:
    """State: active stories with their indexes, aliases of merged ones, recent articles.

    It is saved in pieces (`changes`), so that a checkpoint costs what has changed.
    """

    def __init__(self, clustering: Clustering, *, width: int = WIDTH) -> None:
        self.clustering = clustering
        self.active: dict[str, Story] = {}
        self.aliases: dict[str, str] = {}
        self.settled: set[str] = set()
        self.newest_ms = 0
        self._width = width
        self._vocabulary = Vocabulary()
        self._words = WordIndex()
        self._vectors = VectorIndex(width)
        self._originals = Originals()
        self._recent = RecentArticles(clustering.recent)
        self._words_saved = 0
        self._steps = 0
        self._tidied = 0
        self._touched: dict[str, int] = {}
        self._dirty: dict[str, None] = {}

    def place(self, article: StoryArticle, *, explain: bool = False) -> Placement:
        """Let an article join its story, or open one.

        explain  whether all candidates are told, those without a chance, too
        """
        self.newest_ms = max(self.newest_ms, article.published_ms)
        words = terms(article.title, *article.names)
        self._vocabulary.learn(words)
        weights = self._vocabulary.weigh(words)
        marks = article.places | numbers(article.title) if article.places else article.places
        mark = fingerprint(_opening(article) or words)
        copy_of = self._originals.original_of(mark, article.vector)
        alone = _opened(article, weights, marks)
        near = self._near(alone)
        considered = (
            [(story, likeness(alone, story)) for story in self._others(alone, near)]
            if explain
            else self._likely_near(alone, near, self.clustering.join, self.clustering.join_at)
        )
        chance, novelty, found = self._best(considered, marks)
        is_new = found is None
        story = found or alone
        if found:
            story.add(article.vector, weights, marks, article.source, article.published_ms)
        self._steps += 1
        if copy_of is not None:
            story.copies += 1
        elif self._originals.add(article.article_id, story.story_id, mark, article.vector):
            self._mark("original", article.article_id)
        self._keep(story, weights)
        merge, merge_at = self.clustering.merge, self.clustering.merge_at
        if is_new and not self._likely_near(alone, near, merge, merge_at):
            self._touched[story.story_id] = UNTOUCHED
        slot = self._recent.add(
            Recent(
                article.article_id,
                story.story_id,
                article.vector,
                weights,
                marks,
                article.source,
                article.published_ms,
                tuple(words),
                copy_of,
                article.told,
            )
        )
        self._mark("recent", slot)
        seen = tuple((other.story_id, alike) for other, alike in considered) if explain else ()
        return Placement(story.story_id, is_new, chance, novelty, copy_of, seen)

    def tidy(self, *, with_density: bool = True) -> list[Change]:
        """Expire, merge and split; what changed, in order.

        with_density  whether HDBSCAN proposes, besides the index; splits come from it alone
        """
        changes = self._expire()
        proposals = self._proposed() if with_density else density.Proposals([], [])
        changes += self._split(proposals.splits)
        return changes + self._merge(proposals.merges)

    def join(self, kept_id: str, gone_id: str) -> Change:
        """Merge two active stories because an editor says so; tidying leaves the result alone."""
        self._steps += 1
        change = self._join(self.active[kept_id], self.active[gone_id])
        self.settled.add(kept_id)
        return change

    def part(self, story_id: str, article_ids: Collection[str]) -> Change | None:
        """Let recent articles leave an active story because an editor says so.

        None where none of them can found a story, or none would stay.
        """
        self._steps += 1
        leaving = [
            r for r in self._recent if r.article_id in article_ids and r.story_id == story_id
        ]
        change = self._part(self.active[story_id], leaving)
        if change:
            self.settled |= {change.old, change.new}
        return change

    def recent(self, article_ids: Collection[str]) -> list[Recent]:
        """Those of the articles that are still known one by one, in the order they came."""
        return [r for r in self._recent if r.article_id in article_ids]

    def recent_of(self, story_id: str) -> list[Recent]:
        """Articles of a story that are still known one by one, in the order they came."""
        return [r for r in self._recent if r.story_id == story_id]

    def candidates(self, story: Story) -> list[Story]:
        """Active stories that may be the same, without itself; each once."""
        return self._others(story, self._near(story))

    def _others(self, story: Story, near: Near) -> list[Story]:
        return [self.active[held.story] for held, _ in near if held.story != story.story_id]

    def likely(self, story: Story, weights: Weights, least: float) -> list[tuple[Story, Likeness]]:
        """Candidates with how alike they are, but for those that do not reach a probability."""
        return self._likely_near(story, self._near(story), weights, least)

    def _likely_near(
        self, story: Story, near: Near, weights: Weights, least: float
    ) -> list[tuple[Story, Likeness]]:
        """Vectors rule most of them out, words most of the rest; likeness costs far more."""
        needed = log_odds(least) - ROUNDING
        without = without_words(weights, story, near)
        possible = needed - most_by_words(weights)
        likely = []
        for (held, _), odds in zip(near, without, strict=True):
            if odds < possible or held.story == story.story_id:
                continue
            other = self.active[held.story]
            if odds + by_words(weights, story, other) >= needed:
                likely.append((other, likeness(story, other)))
        return likely

    def current(self, story_id: str) -> str:
        """The story that an id stands for today, through merges."""
        while story_id in self.aliases:
            story_id = self.aliases[story_id]
        return story_id

    def _near(self, story: Story) -> Near:
        return self._vectors.near(_centre(story), self._words.nearest(story.terms))

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
        self._vectors.put(story.story_id, story.vector, story.articles)
        self._touched[story.story_id] = self._steps
        self._mark("story", story.story_id)

    def _drop(self, story_id: str) -> None:
        del self.active[story_id]
        self._words.remove(story_id)
        moved = self._vectors.remove(story_id)
        self._touched.pop(story_id, None)
        self.settled.discard(story_id)
        self._mark("story", story_id)
        if moved is not None:
            self._mark("story", moved)

    def _mark(self, kind: str, name: str) -> None:
        """A piece must be written again."""
        self._dirty[f"{kind}/{name}"] = None

    def _mark_all(self, kind: str, names: Iterable[str]) -> None:
        for name in names:
            self._mark(kind, name)

    def _expire(self) -> list[Change]:
        oldest = self.newest_ms - self.clustering.window_ms
        gone = sorted(name for name, story in self.active.items() if story.last_ms < oldest)
        for name in gone:
            self._drop(name)
            self._mark_all("original", self._originals.forget(name))
        newest = {new: self.current(new) for new in self.aliases.values()}
        for old, new in list(self.aliases.items()):
            if newest[new] not in self.active:
                del self.aliases[old]
                self._mark("alias", old)
        return [Change("expired", name, name) for name in gone]

    def _merge(self, proposed: Iterable[tuple[str, str]]) -> list[Change]:
        """Merge the surest pair first, until none is sure enough."""
        changes: list[Change] = []
        pairs: dict[tuple[str, str], float] = {}

        weights, least = self.clustering.merge, self.clustering.merge_at

        def consider(one: Story, others: Iterable[tuple[Story, Likeness]]) -> None:
            for other, alike in others:
                if self.settled & {one.story_id, other.story_id}:
                    continue
                chance = probability(weights, alike)
                apart = vetoed(_bound(one), other.places, other.articles)
                if chance >= least and not apart:
                    first, second = sorted((one, other), key=lambda s: (s.first_ms, s.story_id))
                    pairs[first.story_id, second.story_id] = chance

        for name in sorted(name for name, at in self._touched.items() if at > self._tidied):
            consider(self.active[name], self.likely(self.active[name], weights, least))
        for one_id, two_id in proposed:
            if one_id in self.active and two_id in self.active:
                one, two = self.active[one_id], self.active[two_id]
                consider(one, [(two, likeness(one, two))])
        while pairs:
            first, second = max(pairs, key=lambda pair: (pairs[pair], pair))
            kept = self.active[first]
            changes.append(self._join(kept, self.active[second]))
            pairs = {pair: p for pair, p in pairs.items() if not {first, second} & set(pair)}
            consider(kept, self.likely(kept, weights, least))
        self._tidied = self._steps
        return changes

    def _join(self, kept: Story, gone: Story) -> Change:
        kept.merge(gone)
        self._drop(gone.story_id)
        self.aliases[gone.story_id] = kept.story_id
        self._mark("alias", gone.story_id)
        self._mark_all("original", self._originals.rehome(gone.story_id, kept.story_id))
        self._keep(kept, gone.terms)
        moved = [r.article_id for r in self._recent if r.story_id == gone.story_id]
        self._mark_all("recent", self._recent.move(set(moved), kept.story_id))
        return Change("merged", gone.story_id, kept.story_id, tuple(moved))

    def _split(self, proposed: Iterable[tuple[str, list[int]]]) -> list[Change]:
        """Let a part of a story leave where the learned decision would not merge them."""
        changes: list[Change] = []
        recent = self._movable()
        for story_id, places in proposed:
            part = [recent[place] for place in places]
            story = self.active[story_id]
            if story_id in self.settled or len(part) >= story.articles:
                continue
            leaving = _story_of(story_id, part)
            alike = likeness(leaving, _without(story, leaving))
            if probability(self.clustering.merge, alike) >= self.clustering.split_at:
                continue
            change = self._part(story, part)
            if change:
                changes.append(change)
        return changes

    def _part(self, story: Story, part: list[Recent]) -> Change | None:
        """Let articles leave; None where none of them can found a story, or none would stay."""
        names = [r.article_id for r in part]
        fresh = (name for name in names if not self._taken(name))
        merged = (name for name in names if self.aliases.get(name) == story.story_id)
        named = next(chain(fresh, merged), None)
        if named is None or len(part) >= story.articles:
            return None
        if self.aliases.pop(named, None):  # what was merged is a story of its own again
            self._mark("alias", named)
        leaving = _story_of(named, part)
        rest = _without(story, leaving)
        moved = {r.article_id for r in part}
        self._drop(story.story_id)
        self._keep(rest, rest.terms)
        self._keep(leaving, leaving.terms)
        self._mark_all("original", self._originals.rehome(story.story_id, named, moved))
        self._mark_all("recent", self._recent.move(moved, named))
        return Change("split", story.story_id, named, tuple(r.article_id for r in part))

    def _taken(self, name: str) -> bool:
        """Whether a story has or had this id."""
        return name in self.active or name in self.aliases

    def _proposed(self) -> density.Proposals:
        recent = self._movable()
        if not recent:
            return density.Proposals([], [])
        labels = density.clusters(np.stack([r.vector for r in recent]))
        return density.propose(labels.tolist(), [r.story_id for r in recent])

    def _movable(self) -> list[Recent]:
        """Recent articles whose stories are still active."""
        return [r for r in self._recent if r.story_id in self.active]

    def to_state(self) -> Pieces:
        """All pieces, as plain values that restore exactly."""
        pieces = {f"story/{name}": self._story_piece(name) for name in self.active}
        pieces |= {f"alias/{old}": new for old, new in self.aliases.items()}
        pieces |= {f"original/{name}": piece for name, piece in self._originals.pieces()}
        pieces |= {f"recent/{slot}": self._recent.piece(slot) for slot in self._recent.slots()}
        pieces["words"] = self._words_piece()
        pieces["pivots"] = self._vectors.pivots_to_state()
        return pieces | {"now": self._now_piece()}

    def changes(self) -> Pieces:
        """The pieces that have changed since the last call; together they make `to_state`."""
        homes = self._originals.homes({name.partition("/")[2] for name in self._dirty})
        pieces: Pieces = {}
        for full_name in self._dirty:
            kind, _, name = full_name.partition("/")
            pieces[full_name] = self._piece(kind, name, homes)
        if self._dirty:
            if self._recent.placed - self._words_saved >= max(1, self.clustering.recent // 2):
                self._words_saved = self._recent.placed
                pieces["words"] = self._words_piece()
            if self._vectors.rebuilt:
                pieces["pivots"] = self._vectors.pivots_to_state()
            pieces["now"] = self._now_piece()
        self._vectors.rebuilt = False
        self._dirty.clear()
        return pieces

    def _piece(self, kind: str, name: str, homes: Mapping[str, str]) -> Any:
        if kind == "story":
            return self._story_piece(name) if name in self.active else None
        if kind == "alias":
            return self.aliases.get(name)
        if kind == "original":
            return self._originals.piece(name, homes[name]) if name in homes else None
        return self._recent.piece(name)

    def _now_piece(self) -> Any:
        placed = self._recent.placed
        return [self.newest_ms, placed, self._steps, self._tidied, sorted(self.settled)]

    def _words_piece(self) -> Any:
        return {"placed": self._recent.placed, **self._vocabulary.to_state()}

    def _story_piece(self, story_id: str) -> Any:
        return {
            "row": self._vectors.row(story_id),
            "touched": self._touched[story_id],
            "words": sorted(self._words.of(story_id)),
            "story": self.active[story_id].to_state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what `to_state`, or all `changes` on top of each other, told of."""
        by_kind: dict[str, dict[str, Any]] = {}
        for full_name, piece in state.items():
            kind, _, name = full_name.partition("/")
            by_kind.setdefault(kind, {})[name] = piece
        now = by_kind["now"][""]
        self.newest_ms, placed, self._steps, self._tidied, settled = now
        self.settled = set(settled)
        self.aliases = by_kind.get("alias", {})
        self._restore_stories(by_kind.get("story", {}), by_kind.get("pivots", {}).get(""))
        self._originals.restore(by_kind.get("original", {}))
        self._recent.restore(placed, by_kind.get("recent", {}).values())
        self._restore_words(by_kind.get("words", {}).get(""))
        self._dirty.clear()

    def _restore_stories(self, pieces: Mapping[str, Any], pivots: Any) -> None:
        rows = sorted(pieces.values(), key=lambda piece: int(piece["row"]))
        self.active = {p["story"]["story_id"]: story_from(p["story"]) for p in rows}
        self._touched = {p["story"]["story_id"]: p["touched"] for p in rows}
        self._words = WordIndex()
        for piece in rows:
            self._words.add(piece["story"]["story_id"], piece["words"])
        self._vectors = VectorIndex(self._width)
        self._vectors.restore(
            [(name, story.vector, story.articles) for name, story in self.active.items()], pivots
        )

    def _restore_words(self, words: Any) -> None:
        """The last full vocabulary; recent articles that came after it teach it again."""
        self._vocabulary = vocabulary_from(words) if words else Vocabulary()
        self._words_saved = words["placed"] if words else 0
        for article in self._recent.since(self._words_saved):
            self._vocabulary.learn(article.words)


def _opened(article: StoryArticle, weights: TermWeights, marks: frozenset[str]) -> Story:
    """A story of one article, named after it."""
    at_ms = article.published_ms
    return Story(
        article.article_id,
        at_ms,
        at_ms,
        article.vector,
        dict(weights),
        articles=1,
        places=dict.fromkeys(marks, 1),
        sources={article.source: at_ms},
    )


def _centre(story: Story) -> Vector:
    """Direction of a story, of length 1."""
    return story.vector / max(story.lengths[0], 1e-9)


def _opening(article: StoryArticle) -> list[str]:
    """Words of its first sentences, empty where there are too few to know a reprint by."""
    words = terms(article.text)
    return words if len(words) >= FEWEST_WORDS else []


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
