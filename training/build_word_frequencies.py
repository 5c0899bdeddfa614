"""Writes models/word_frequencies: `python -m training.build_word_frequencies`.

Shares of texts that hold a word, counted over text that may be used: SIB-200 (FLORES sentences,
CC BY-SA 4.0), and for English HuffPost headlines and teasers and UCI headlines (both CC BY 4.0).
"""

import csv
import gzip
import hashlib
import json
import lzma
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import stopwordsiso
import typer

from models.tags import fold

TABLE = Path(__file__).parent.parent / "models" / "word_frequencies" / "document_frequencies.tsv.gz"
LANGUAGES = {
    "eng_Latn": "en",
    "deu_Latn": "de",
    "fra_Latn": "fr",
    "spa_Latn": "es",
    "ita_Latn": "it",
    "por_Latn": "pt",
    "nld_Latn": "nl",
    "pol_Latn": "pl",
    "swe_Latn": "sv",
    "dan_Latn": "da",
    "nob_Latn": "no",
    "fin_Latn": "fi",
    "ces_Latn": "cs",
    "ron_Latn": "ro",
    "hun_Latn": "hu",
    "tur_Latn": "tr",
    "rus_Cyrl": "ru",
    "ukr_Cyrl": "uk",
    "ell_Grek": "el",
    "ind_Latn": "id",
}
WORD = re.compile(r"[^\W\d_][\w'’\-]*")


def texts(data: Path) -> Iterator[tuple[str, str]]:
    """Language and text."""
    with lzma.open(data / "sib200" / "sib200.tsv.xz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if language := LANGUAGES.get(row["lang"]):
                yield language, row["text"]
    huffpost = data / "huffpost" / "news_category_v3_head.jsonl.gz"
    with gzip.open(huffpost, "rt", encoding="utf-8") as lines:
        for line in lines:
            story = json.loads(line)
            yield "en", f"{story['headline']}. {story['short_description']}"
    headlines = data / "uci_news_aggregator_head" / "news.tsv.gz"
    with gzip.open(headlines, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield "en", row["title"]


def main(
    data: Annotated[Path, typer.Option(help="folder of the shared data")] = Path("../shared/data"),
) -> None:
    """Write the table and print its digest."""
    held: dict[str, Counter[str]] = defaultdict(Counter)
    counted: Counter[str] = Counter()
    for language, text in texts(data):
        counted[language] += 1
        stop = stopwordsiso.stopwords(language)
        words = {word for word in WORD.findall(text.lower()) if word not in stop}
        held[language].update({fold(word) for word in words})
    lines = [
        f"{language}\t{word}\t{round(1e6 * count / counted[language])}\n"
        for language in sorted(held)
        for word, count in sorted(held[language].items())
        if count > 1
    ]
    packed = gzip.compress("".join(lines).encode(), compresslevel=9, mtime=0)
    TABLE.write_bytes(packed)
    digest = hashlib.sha256(packed).hexdigest()
    print(f"{TABLE.name}  {len(lines)} words  {len(packed)} bytes  sha256 {digest}")


if __name__ == "__main__":
    typer.run(main)
