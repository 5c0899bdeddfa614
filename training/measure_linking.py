"""Measures entity linking on NeMig: `python -m training.measure_linking`.

NeMig's links are automatic (mGENRE, filtered) and CC BY-NC-SA: evaluation only. Headline entities
are linked with headline and teaser as context; a mention whose item is in no table can only be
answered with None.
"""

import gzip
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from models.linking import Linker, Named, read_table

ENTITIES = Path(__file__).parent.parent / "models" / "entities"
TYPES = {"PER": "person", "LOC": "place", "ORG": "organisation", "MISC": "other"}
WORD = re.compile(r"\w+")


class Story(NamedTuple):
    """Names of a headline, the words around them, and their items."""

    mentions: list[Named]
    words: set[str]
    items: list[str]


def stories(file: Path) -> Iterator[Story]:
    """The headlines of NeMig that name something."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            entities = row.get("title_entities") or []
            if entities:
                title = row["title"]
                mentions = []
                for mention, kind, _ in entities:
                    start = max(title.find(mention), 0)
                    mentions.append(Named(mention, TYPES[kind], start, start + len(mention)))
                words = set(WORD.findall(f"{title} {row.get('abstract') or ''}".lower()))
                yield Story(mentions, words, [item for *_, item in entities])


def main(
    data: Annotated[Path, typer.Option(help="folder of the shared data")] = Path("../shared/data"),
) -> None:
    """Print precision, recall and abstentions by language and type."""
    linker = Linker(read_table(sorted(ENTITIES.glob("*.tsv.gz"))))
    known = {c.qid for candidates in linker.table.values() for c in candidates}
    for language in ("en", "de"):
        tally: Counter[tuple[str, str]] = Counter()
        wrong: Counter[tuple[str, str, str]] = Counter()
        spent, texts = 0.0, 0
        for story in stories(data / "nemig" / f"{language}_news.jsonl.gz"):
            started = time.process_time()
            answers = linker.link(story.mentions, story.words)
            spent += time.process_time() - started
            texts += 1
            for mention, item, answer in zip(story.mentions, story.items, answers, strict=True):
                for kind in (mention.type, "all"):
                    tally[kind, "names"] += 1
                    tally[kind, "in table"] += item in known
                    tally[kind, "linked"] += answer is not None
                    tally[kind, "right"] += answer == item
                if answer != item and item in known:
                    wrong[mention.text, item, str(answer)] += 1
        print(f"{language}: {texts} headlines, {1e3 * spent / texts:.3f} ms each")
        for kind in ("all", *TYPES.values()):
            names, linked, right = (tally[kind, c] for c in ("names", "linked", "right"))
            print(
                f"  {kind:13} {names:6} names  in table {tally[kind, 'in table'] / names:.3f}"
                f"  linked {linked / names:.3f}  precision {right / max(linked, 1):.3f}"
                f"  recall of those in table {right / max(tally[kind, 'in table'], 1):.3f}"
            )
        for (text, item, answer), count in wrong.most_common(12):
            print(f"    {count:4} {text}: {answer} instead of {item}")


if __name__ == "__main__":
    typer.run(main)
