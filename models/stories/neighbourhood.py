"""The stories of one neighbourhood, a language, with what is told of each.

An article or an editor's command comes in; where the article went, and what is new about stories,
comes out. No clock: tidying happens when the articles' own time passes a mark.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from models.packing import pack, unpack
from models.stories import received as articles
from models.stories import telling
from models.stories.cluster import WIDTH, Change, Pieces, Stories, Vector
from models.stories.clustering import Clustering
from models.stories.received import Received, story_article
from models.stories.recent import Recent
from models.stories.telling import Telling
from schemas.errors import CommandRefused
from schemas.story import StoryArticle

NO_ARTICLE = -1


@dataclass(frozen=True)
class Tidying:
    """How often stories are merged, split and expired, in event time.

    every_ms      between two passes
    density_every  passes between two in which HDBSCAN proposes, too
    """

    every_ms: int = 5 * 60_000
    density_every: int = 6


class News(NamedTuple):
    """Something about a story that others must know.

    kind     pickup: a source that is new to it takes it up; told: it has changed otherwise;
             merged: `other` is part of it now; parted: it has lost a part, or is one that left
             `other`; expired: it takes no more articles
    clock_ms arrival of the article behind it, or time of the pass or command
    content  `telling.Content`, packed
    first_ms the story's first article, event time
    source   pickup: who
    at_ms    pickup: when, event time
    voices   parted: its independent sources with the first publication of each
    articles those that belong to the story since now
    masthead pickup: through which one, where `source` is its owner
    """

    kind: str
    story_id: str
    clock_ms: int
    content: bytes
    first_ms: int
    source: str = ""
    at_ms: int = 0
    other: str = ""
    voices: Mapping[str, int] = {}
    articles: tuple[str, ...] = ()
    masthead: str = ""


@dataclass
class Answer:
    """What a step leads to; `late` articles are older than the window and lead to nothing."""

    placed: list[StoryArticle] = field(default_factory=list)
    news: list[News] = field(default_factory=list)
    late: int = 0
    merged: int = 0
    split: int = 0


class Neighbourhood:
    """State: `Stories`, what is told of each, and when they were tidied."""

    def __init__(
        self, clustering: Clustering, tidying: Tidying = Tidying(), *, width: int = WIDTH
    ) -> None:
        self.stories = Stories(clustering, width=width)
        self._tidying = tidying
        self._width = width
        self._tellings: dict[str, Telling] = {}
        self._changed: dict[str, None] = {}
        self._clock_ms = 0
        self._pass = NO_ARTICLE

    def place(self, article: Received) -> Answer:
        """Let an article find its story, tidying first when the time has come."""
        answer = self.tidy(article.at_ms, article.arrived_ms)
        if article.at_ms < self.stories.newest_ms - self.stories.clustering.window_ms:
            answer.late = 1
            return answer
        found = self.stories.place(
            story_article(article, told=articles.to_bytes(article), width=self._width)
        )
        story_id = found.story_id
        known = self._tellings.setdefault(story_id, Telling())
        is_pickup = known.add(article, self._centre(story_id), is_copy=found.copy_of is not None)
        answer.placed.append(
            StoryArticle(
                article_id=article.article_id,
                story_id=story_id,
                source=article.source,
                owner=article.owner,
                published_ms=article.published_ms,
                probability=found.probability,
                novelty=found.novelty,
                copy_of=found.copy_of,
                placed_ms=article.arrived_ms,
            )
        )
        answer.news.append(
            self._news(
                story_id,
                "pickup" if is_pickup else "told",
                source=article.independent if is_pickup else "",
                at_ms=article.at_ms if is_pickup else 0,
                articles=(article.article_id,),
                masthead=article.source if is_pickup else "",
            )
        )
        return answer

    def revise(self, article: Received, story_id: str) -> Answer:
        """Take a new version of an article that was placed before."""
        current = self.stories.current(story_id)
        self._clock_ms = max(self._clock_ms, article.arrived_ms)
        if current not in self._tellings:
            return Answer()
        self._tellings[current].revise(article)
        return Answer(news=[self._news(current, "told")])

    def tidy(self, at_ms: int, clock_ms: int) -> Answer:
        """Merge, split and expire if event time has passed the next mark."""
        answer = Answer()
        self._clock_ms = max(self._clock_ms, clock_ms)
        mark = at_ms // self._tidying.every_ms
        if self._pass == NO_ARTICLE:
            self._pass = mark
        if mark > self._pass:
            self._pass = mark
            self.stories.newest_ms = max(self.stories.newest_ms, mark * self._tidying.every_ms)
            with_density = mark % self._tidying.density_every == 0
            for change in self.stories.tidy(with_density=with_density):
                self._apply(change, answer)
        return answer

    def knows(self, story_id: str) -> bool:
        """Whether a story, or one that became part of it, is active here."""
        return self.stories.current(story_id) in self._tellings

    def merge(self, kept_id: str, gone_id: str, clock_ms: int) -> Answer:
        """An editor says that two stories are one. Raises CommandRefused."""
        kept, gone = self.stories.current(kept_id), self.stories.current(gone_id)
        if gone not in self._tellings:
            raise CommandRefused(f"story {gone_id} is not active in the language of {kept_id}")
        if kept == gone:
            raise CommandRefused(f"{gone_id} is part of {kept_id} already")
        answer = Answer()
        self._clock_ms = max(self._clock_ms, clock_ms)
        self._apply(self.stories.join(kept, gone), answer)
        return answer

    def part(self, story_id: str, article_ids: list[str], clock_ms: int) -> Answer:
        """An editor says that some articles are another story. Raises CommandRefused."""
        change = self.stories.part(self.stories.current(story_id), article_ids)
        if change is None:
            raise CommandRefused(
                f"none of {len(article_ids)} articles can leave {story_id}: they must be among "
                f"the newest {self.stories.clustering.recent} of the language, and some must stay"
            )
        answer = Answer()
        self._clock_ms = max(self._clock_ms, clock_ms)
        self._apply(change, answer)
        return answer

    def _apply(self, change: Change, answer: Answer) -> None:
        """Do to the tellings what happened to the stories."""
        old, new = change.old, change.new
        if change.kind == "expired":
            answer.news.append(self._news(old, "expired"))
            del self._tellings[old]
        elif change.kind == "merged":
            gone = self._tellings.pop(old)
            self._changed[old] = None
            self._tellings[new].merge(gone, old, self._centre(new))
            part = self.stories.recent(change.articles)
            answer.placed += [_moved(one, old, new, self._clock_ms) for one in part]
            answer.news.append(self._news(new, "merged", other=old, articles=change.articles))
            answer.merged += 1
        else:
            leaving, stayed = Telling(), self._tellings[old]
            part = self.stories.recent(change.articles)
            for one in part:
                article = articles.from_bytes(one.told)
                leaving.add(article, self._centre(new), is_copy=one.copy_of is not None)
            rest = stayed.without(leaving, change.articles)
            if not rest.leads:
                rest.lead_by(self._may_lead(old), self._centre(old))
            rest.aliases = [alias for alias in rest.aliases if alias != new]
            self._tellings[old], self._tellings[new] = rest, leaving
            answer.placed += [_moved(one, old, new, self._clock_ms) for one in part]
            answer.news += [
                self._parted(new, old, change.articles),
                self._parted(old, old, ()),
            ]
            answer.split += 1

    def _may_lead(self, story_id: str) -> list[Received]:
        """Its recent articles that copy none, or all of them where there is no such."""
        known = self.stories.recent_of(story_id)
        originals = [one for one in known if one.copy_of is None]
        return [articles.from_bytes(one.told) for one in originals or known]

    def _news(self, story_id: str, kind: str, **more: Any) -> News:
        self._changed[story_id] = None
        known = self._tellings[story_id]
        content = telling.to_bytes(known.content(self._centre(story_id)))
        return News(kind, story_id, self._clock_ms, content, known.first_ms, **more)

    def _parted(self, story_id: str, from_id: str, articles: tuple[str, ...]) -> News:
        voices = dict(self._tellings[story_id].independent)
        return self._news(story_id, "parted", other=from_id, voices=voices, articles=articles)

    def _centre(self, story_id: str) -> Vector:
        """Sum of the unit vectors of a story's articles; of one that has just expired, too."""
        story = self.stories.active.get(story_id)
        return story.vector if story else np.zeros(self._width, np.float32)

    def changes(self) -> Pieces:
        """The pieces of state that have changed since the last call, None where one is gone."""
        pieces = self.stories.changes()
        for story_id in self._changed:
            known = self._tellings.get(story_id)
            pieces[f"telling/{story_id}"] = known and telling.to_state(known)
        if pieces:
            pieces["tidied"] = [self._pass, self._clock_ms]
        self._changed.clear()
        return pieces

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what all `changes` on top of each other told of."""
        self.stories.restore({n: p for n, p in state.items() if not n.startswith(_OURS)})
        self._pass, self._clock_ms = state["tidied"]
        self._tellings = {
            name.removeprefix("telling/"): telling.from_state(piece)
            for name, piece in state.items()
            if name.startswith("telling/")
        }
        self._changed.clear()


def to_bytes(news: News) -> bytes:
    """Packed, for a stream."""
    return pack(news)


def from_bytes(packed: bytes) -> News:
    """What `to_bytes` gave."""
    news = News(*unpack(packed))
    return news._replace(articles=tuple(news.articles))


_OURS = ("telling/", "tidied")


def _moved(one: Recent, old: str, new: str, clock_ms: int) -> StoryArticle:
    article = articles.from_bytes(one.told)
    return StoryArticle(
        article_id=article.article_id,
        story_id=new,
        previous_story_id=old,
        source=article.source,
        owner=article.owner,
        published_ms=article.published_ms,
        probability=1.0,
        novelty=0.0,
        copy_of=one.copy_of,
        placed_ms=clock_ms,
    )
