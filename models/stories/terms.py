"""Words of a text, and how much each says in this stream."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from sys import intern
from typing import Any

_WORD = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*")
_SHORTEST = 2
_FREQUENT = 0.1
"""A word in more than this share of the articles says nothing about a story."""

WORDS_KEPT = 200_000
"""Bound of the vocabulary: when it is full, the rarer half is forgotten, of equals the older."""

TermWeights = dict[str, float]


def terms(*texts: str) -> list[str]:
    """The distinct words of some texts, lower case, in order.

    >>> terms("Bridge at Harbour's end: bridge shut", "Harbourville")
    ['bridge', 'at', "harbour's", 'end', 'shut', 'harbourville']
    """
    words = _WORD.findall("\n".join(texts).casefold())
    return list(dict.fromkeys([intern(word) for word in words if len(word) >= _SHORTEST]))


@dataclass
class Vocabulary:
    """State: how many articles held each word; the order tells which are older."""

    articles: int = 0
    holding: dict[str, int] = field(default_factory=dict)

    def learn(self, words: Iterable[str]) -> None:
        """Count the distinct words of one article."""
        self.articles += 1
        for word in words:
            self.holding[word] = self.holding.get(word, 0) + 1
        if len(self.holding) > WORDS_KEPT:
            rarest_first = sorted(self.holding, key=self.holding.__getitem__)
            kept = rarest_first[-WORDS_KEPT // 2 :]
            self.holding = {word: self.holding[word] for word in kept}

    def weigh(self, words: Iterable[str]) -> TermWeights:
        """TF-IDF of an article's words, of length 1; empty where no word says anything.

        Frequent words count nothing once a hundred articles have been seen.
        """
        common = max(10.0, _FREQUENT * self.articles)
        weights = {
            word: math.log((1 + self.articles) / (1 + seen)) + 1
            for word in words
            if (seen := self.holding.get(word, 0)) <= common
        }
        length = math.sqrt(sum([weight * weight for weight in weights.values()]))
        return {word: weight / length for word, weight in weights.items()}

    def to_state(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return {"articles": self.articles, "holding": dict(self.holding)}


def vocabulary_from(state: Mapping[str, Any]) -> Vocabulary:
    """What `Vocabulary.to_state` gave."""
    return Vocabulary(int(state["articles"]), dict(state["holding"]))


def overlap(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Dot product of two weightings."""
    if len(one) > len(other):
        one, other = other, one
    return sum([weight * other[word] for word, weight in one.items() if word in other])
