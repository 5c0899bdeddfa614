"""Heads that tag names, asked outside the jobs: sentences of tokens in, IOB2 tags out."""

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np

from models.encoder import Outputs, Tokens
from models.heads import ENTITY_TYPES_OUTPUT, SPELLINGS, TRANSITIONS_OUTPUT
from models.manifest import Manifest, Route
from models.mentions import Mention, Scheme, mentions
from models.name_tagger import NameTagger
from models.routed import Routed, RoutedLanguages

JOINED_TOKENS = 192
"""Of the sentences of a document that are read as one text; as in training."""


class TagPredictor(Protocol):
    """Entities in sentences of tokens.

    types  those that it tells apart, as its models spell them
    """

    types: frozenset[str]

    def predict(
        self,
        sentences: Sequence[Sequence[str]],
        documents: Sequence[int] | None,
        languages: Sequence[str | None],
        types: Collection[str],
    ) -> list[list[str]]:
        """An IOB2 tag a token that is read: fewer than tokens where a sentence is longer than the
        model reads, none in a language that no route covers. Neighbours with the same number in
        `documents` are one text.

        types  the names of entity types that the tags may have
        """
        ...


class RouteTags(Routed):
    """Entities by the routes of a head."""

    def __init__(self, manifest: Manifest, routes: Sequence[Route]) -> None:
        super().__init__(manifest, routes)
        self.types = _types(routes)

    def predict(
        self,
        sentences: Sequence[Sequence[str]],
        documents: Sequence[int] | None,
        languages: Sequence[str | None],
        types: Collection[str],
    ) -> list[list[str]]:
        """An IOB2 tag a token that is read, of the types asked for."""
        lengths = [self.tokens(" ".join(words)) for words in sentences]
        parts = _joined(lengths, documents)
        texts = [" ".join(word for i in part for word in sentences[i]) for part in parts]
        answers = self.read(texts, [languages[part[0]] for part in parts])
        tags: list[list[str]] = [["O"] * len(sentence) for sentence in sentences]
        for part, answer in zip(parts, answers, strict=True):
            if answer is None:
                for i in part:
                    tags[i] = []
                continue
            words = [(i, j) for i in part for j in range(len(sentences[i]))]
            starts = np.cumsum([0] + [len(sentences[i][j]) + 1 for i, j in words])
            route, tokens, outputs = answer
            for mention in _mentions(route, tokens, outputs, types):
                kind = _asked(mention, types)
                if kind is None:
                    continue
                first, last = np.searchsorted(starts, (mention.start, mention.end - 1), "right") - 1
                for place, (i, j) in enumerate(words[first : last + 1]):
                    tags[i][j] = f"{'I' if place and j else 'B'}-{kind}"
            read = int(tokens.offsets[:, 1].max(initial=0))
            for (i, j), start in zip(words, starts, strict=False):
                if start >= read and any(map(str.isalnum, sentences[i][j])):
                    del tags[i][j:]
        return tags


class WordTags:
    """Entities by taggers of names (models.name_tagger), which take the words as they are given."""

    def __init__(self, manifest: Manifest, routes: Sequence[Route]) -> None:
        self._languages = RoutedLanguages(manifest, routes)
        self.types = _types(routes)
        self._routes = [(route, NameTagger(manifest.model_file(route.model))) for route in routes]

    def predict(
        self,
        sentences: Sequence[Sequence[str]],
        documents: Sequence[int] | None,  # noqa: ARG002  # a sentence is tagged alone
        languages: Sequence[str | None],
        types: Collection[str],
    ) -> list[list[str]]:
        """An IOB2 tag a token, of the types asked for; none in languages without a tagger."""
        told = self._languages.told([" ".join(words) for words in sentences], languages)
        return [
            self._tags(words, language, types)
            for words, language in zip(sentences, told, strict=True)
        ]

    def _tags(
        self, words: Sequence[str], language: str | None, types: Collection[str]
    ) -> list[str]:
        for route, tagger in self._routes:
            if language is None or language in route.languages:
                tags = ["O"] * len(words)
                places = np.arange(len(words))
                for mention in mentions(
                    tagger.scores(words),
                    np.stack([places, places + 1], axis=1),
                    places,
                    Scheme(route.labels),
                    transitions=tagger.transitions,
                ):
                    kind = _asked(mention, types)
                    if kind is not None:
                        inner = [f"I-{kind}"] * (mention.end - mention.start - 1)
                        tags[mention.start : mention.end] = [f"B-{kind}", *inner]
                return tags
        return []


def open_tags(manifest: Manifest, routes: Sequence[Route]) -> TagPredictor:
    """What tags by the routes of a head. Raises ModelFileError."""
    kinds = {manifest.entry(route.model).kind for route in routes}
    return (WordTags if kinds == {"names"} else RouteTags)(manifest, routes)


def _joined(lengths: Sequence[int], documents: Sequence[int] | None) -> list[list[int]]:
    """Numbers of the sentences that are read as one text: neighbours in a document that fit.

    lengths  tokens of each sentence

    >>> _joined([90, 90, 90, 9], [0, 0, 0, 1])
    [[0, 1], [2], [3]]
    """
    parts: list[list[int]] = []
    size = 0
    for i, length in enumerate(lengths):
        same = documents is not None and i > 0 and documents[i] == documents[i - 1]
        if not (same and size + length <= JOINED_TOKENS):
            parts.append([])
            size = 0
        parts[-1].append(i)
        size += length
    return parts


def _types(routes: Sequence[Route]) -> frozenset[str]:
    """The coarse types of the labels of routes, and their fine ones."""
    coarse = {label.partition("-")[2] for route in routes for label in route.labels}
    return frozenset(coarse.union(*(route.fine_labels for route in routes)) - {""})


def _mentions(
    route: Route, tokens: Tokens, outputs: Outputs, types: Collection[str]
) -> list[Mention]:
    """Mentions whose fine type is one of those asked for, where the model knows such."""
    fine = [i for i, name in enumerate(route.fine_labels) if name in types]
    names = list(route.fine_labels)
    scheme = Scheme(
        route.labels,
        tuple(names[i] for i in fine),
        tuple(route.fine_labels[names[i]] for i in fine),
    )
    kinds = outputs.get(ENTITY_TYPES_OUTPUT)
    return mentions(
        outputs[route.output][: len(tokens)],
        tokens.offsets,
        tokens.words,
        scheme,
        transitions=outputs.get(TRANSITIONS_OUTPUT),
        fine_scores=kinds[: len(tokens), fine] if kinds is not None and fine else None,
    )


def _asked(mention: Mention, types: Collection[str]) -> str | None:
    """A mention's type as the rows spell it; None if they do not mark such.

    >>> _asked(Mention(0, 1, "place", 1.0), {"PER", "LOC"})
    'LOC'
    """
    return mention.fine_type if mention.fine_type in types else spelled(mention.type, types)


def spelled(kind: str, types: Collection[str]) -> str | None:
    """A type as one of `types` spells it; None if none of them means the same.

    >>> spelled("PER", {"Person", "LOCATION"}), spelled("MISC", {"Person", "LOCATION"})
    ('Person', None)
    """
    if kind in types:
        return kind
    coarse = SPELLINGS.get(kind.casefold())
    folded = {name.casefold(): name for name in sorted(types)}
    same = (name for name, meant in SPELLINGS.items() if meant == coarse and name in folded)
    return folded.get(next(same, kind.casefold()))
