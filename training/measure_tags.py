"""Measures tags against publishers' topics: `python -m training.measure_tags`.

Fundus' pages with their publishers' own topics; TF-IDF over the same pages and YAKE (where it is
installed) as baselines. Names are capitalised runs here, not a model's: the figure is a floor.
A tag is right when it equals a topic (case and plural apart), close when one holds the other's
words. Sections such as "Politics" count as topics and cannot be found in a text.
"""

import gzip
import json
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from models.language import LanguageDetector
from models.manifest import SHIPPED, read
from models.tags import Name, Tagger, fold, read_frequencies, stop_words

FREQUENCIES = (
    Path(__file__).parent.parent / "models" / "word_frequencies" / "document_frequencies.tsv.gz"
)
WORD = re.compile(r"\w[\w'’\-]*")
CAPITAL = r"[A-ZÀ-Þ][\w’'\-]*"
RUN = re.compile(rf"(?<=[\w,] ){CAPITAL}(?:(?: (?:of the|of|de|van|von))? {CAPITAL})*")
AT = 5


class Page(NamedTuple):
    """An article with the topics its publisher gave it."""

    title: str
    body: str
    language: str
    topics: list[str]


def pages(file: Path, detector: LanguageDetector) -> Iterator[Page]:
    """The pages that have topics and text."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            for version in json.loads(line)["data"].values():
                topics, body = version.get("topics"), version.get("body")
                if not topics or not body:
                    continue
                parts = [p for section in body["sections"] for p in section["paragraphs"]]
                text = " ".join([*body["summary"], *parts])
                language = detector.detect(text[:1000]).code
                yield Page(version["title"] or "", text, language, topics)


def capitalised(page: Page) -> list[Name]:
    """A stand-in for the entity model; German capitalises too much for it."""
    if page.language == "de":
        return []
    runs = RUN.findall(page.body)
    stop = stop_words(page.language)
    return [Name(run, "other") for run in runs if run.lower() not in stop and len(run) > 2]


def key(tag: str) -> frozenset[str]:
    return frozenset(fold(word) for word in WORD.findall(tag))


def tf_idf(all_pages: Sequence[Page]) -> Callable[[Page], list[str]]:
    """The words and pairs of words that stand out among the pages."""

    def grams(page: Page) -> Counter[str]:
        stop = stop_words(page.language)
        words = WORD.findall(f"{page.title}. {page.body}".lower())
        kept = [word for word in words if word not in stop and len(word) > 2]
        pairs = [
            f"{a} {b}"
            for a, b in pairwise(words)
            if not {a, b} & stop and len(a) > 2 and len(b) > 2
        ]
        return Counter(kept + pairs)

    counted = [grams(page) for page in all_pages]
    held = Counter(gram for counts in counted for gram in counts)

    def tags(page: Page) -> list[str]:
        counts = grams(page)
        weight = {g: n * math.log(len(counted) / held[g]) for g, n in counts.items()}
        return sorted(weight, key=lambda g: -weight[g])[:AT]

    return tags


def yake_tags() -> Callable[[Page], list[str]] | None:
    """YAKE (Campos et al., 2020), where it is installed."""
    try:
        import yake
    except ImportError:
        return None

    def tags(page: Page) -> list[str]:
        extractor = yake.KeywordExtractor(lan=page.language, n=3, top=AT)
        found = extractor.extract_keywords(f"{page.title}. {page.body}")
        return [tag for tag, _ in found]

    return tags


def report(name: str, all_pages: Sequence[Page], tags: Callable[[Page], list[str]]) -> None:
    """Print how many of the first tags are a topic, and how long they took."""
    right = close = given = found = topics = 0
    started = time.process_time()
    answers = [tags(page)[:AT] for page in all_pages]
    spent = time.process_time() - started
    for page, answer in zip(all_pages, answers, strict=True):
        keys = [key(topic) for topic in page.topics]
        given += AT
        topics += min(len(keys), AT)
        for tag in map(key, answer):
            right += tag in keys
            close += any(tag and topic and (tag <= topic or topic <= tag) for topic in keys)
        found += sum(topic in set(map(key, answer)) for topic in set(keys))
    print(
        f"  {name:16} precision@{AT} {right / given:.3f}  close {close / given:.3f}"
        f"  recall {found / topics:.3f}  {1e3 * spent / len(all_pages):.2f} ms a page"
    )


def main(
    data: Annotated[Path, typer.Option(help="folder of the shared data")] = Path("../shared/data"),
) -> None:
    """Print precision@5 of our tags and of the baselines."""
    detector = LanguageDetector(
        read(SHIPPED).model_file("lid176"), min_confidence=0.3, high_accuracy=False
    )
    every = list(pages(data / "fundus_html" / "ground_truth.jsonl.gz", detector))
    tagger = Tagger(read_frequencies(FREQUENCIES))
    baselines = {"tf-idf": tf_idf(every), "yake": yake_tags()}
    for label, chosen in (
        ("English", [page for page in every if page.language == "en"]),
        ("others", [page for page in every if page.language != "en"]),
    ):
        print(f"{label}: {len(chosen)} pages")
        report("ours", chosen, lambda p: tagger.tags(p.title, p.body, capitalised(p), p.language))
        report("ours, no names", chosen, lambda p: tagger.tags(p.title, p.body, [], p.language))
        for name, baseline in baselines.items():
            if baseline is not None:
                report(name, chosen, baseline)


if __name__ == "__main__":
    typer.run(main)
