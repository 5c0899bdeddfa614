"""In which languages the encoder's vectors mean something: 5-NN topics on SIB-200.

python -m training.encoder_languages --help
"""

from collections import Counter
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from lingua import Language
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer
from tokenizers import Tokenizer

from training.corpora import Labelled, sib200
from training.encode import embed, open_session, open_tokenizer
from training.neighbours import accuracy, nearest_labels

# FLORES-200 names one variety where the detector knows a whole macrolanguage (ISO 639-3).
MACROLANGUAGE = {
    "als_Latn": "SQI",
    "arb_Arab": "ARA",
    "azj_Latn": "AZE",
    "khk_Cyrl": "MON",
    "lvs_Latn": "LAV",
    "pes_Arab": "FAS",
    "swh_Latn": "SWA",
    "zsm_Latn": "MSA",
}

console = Console(width=110)


class Score(NamedTuple):
    """Accuracy, 0 to 1, of 5-NN topics in one language; `loo` leaves one of all rows out."""

    language: str  # FLORES-200 code
    iso: str  # ISO 639-1 where the language detector knows it, else empty
    rows: int  # train and validation
    unknown: float  # share of word pieces outside the vocabulary
    majority: float
    dev: float
    dev_tfidf: float
    loo: float
    loo_tfidf: float

    def emitted(self, least: float, margin: float) -> bool:
        """Whether vectors of this language are worth emitting: good, and better than spelling."""
        return self.loo >= least and self.loo >= self.loo_tfidf + margin


def iso_codes() -> dict[str, str]:
    """ISO 639-3 to ISO 639-1, upper to lower case, of the languages the detector knows."""
    return {
        language.iso_code_639_3.name: language.iso_code_639_1.name.lower()
        for language in Language.all()
    }


def leave_one_out(similarity: np.ndarray, labels: list[str]) -> float:
    """5-NN accuracy of every row asked against all others; similarity is (rows, rows)."""
    others = np.where(np.eye(len(labels), dtype=bool), -np.inf, similarity)
    return accuracy(nearest_labels(others, labels), labels)


def unknown_share(tokenizer: Tokenizer, texts: list[str]) -> float:
    """Share of word pieces, special tokens aside, that the vocabulary does not have."""
    unknown = tokenizer.token_to_id("[UNK]")
    encodings = tokenizer.encode_batch(texts, add_special_tokens=False)
    return float(np.mean([piece == unknown for encoding in encodings for piece in encoding.ids]))


def score(
    language: str,
    iso: str,
    train: list[Labelled],
    dev: list[Labelled],
    unknown: float,
    vectors: np.ndarray,
) -> Score:
    """Score one language; `vectors` are those of train then dev, float32 (rows, 384), length 1."""
    labels, expected = [row.label for row in train], [row.label for row in dev]
    known = len(train)
    tfidf = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    spelling = tfidf.fit_transform([row.text for row in train + dev])
    dense, sparse = vectors @ vectors.T, (spelling @ spelling.T).toarray()
    most = Counter(labels).most_common(1)[0][0]
    return Score(
        language,
        iso,
        known + len(dev),
        unknown,
        accuracy([most] * len(expected), expected),
        accuracy(nearest_labels(dense[known:, :known], labels), expected),
        accuracy(nearest_labels(sparse[known:, :known], labels), expected),
        leave_one_out(dense, labels + expected),
        leave_one_out(sparse, labels + expected),
    )


def table_of(scores: list[Score], least: float, margin: float) -> Table:
    """The scores as percentages, best first."""
    table = Table(title="5-NN topic accuracy, %")
    for heading in Score._fields:
        table.add_column(heading, justify="right")
    table.add_column("emitted")
    for one in scores:
        shares = [f"{share:.1%}" for share in one[3:]]
        mark = "yes" if one.emitted(least, margin) else ""
        table.add_row(one.language, one.iso, str(one.rows), *shares, mark)
    return table


def main(
    model: Annotated[Path, typer.Option(help="The int8 graph, tokenizer.json beside it.")],
    data: Annotated[Path, typer.Option(help="Holds sib200/.")],
    tsv: Annotated[Path | None, typer.Option(help="Write code, rows, accuracy, baseline.")] = None,
    least: Annotated[float, typer.Option(help="Accuracy a language needs.")] = 0.60,
    margin: Annotated[float, typer.Option(help="And its lead over the baseline.")] = 0.03,
    every: Annotated[bool, typer.Option(help="Also languages the detector lacks.")] = False,
) -> None:
    """Compare the encoder with character n-grams in every language of SIB-200."""
    rows, iso = sib200(data), iso_codes()
    session, tokenizer = open_session(model), open_tokenizer(model)
    languages = {name: iso.get(MACROLANGUAGE.get(name, name[:3].upper()), "") for name, _ in rows}
    chosen = [name for name in languages if every or languages[name]]
    scores = []
    for language in track(chosen, "languages", console=console, transient=True):
        train, dev = rows[language, "train"], rows[language, "dev"]
        texts = [row.text for row in train + dev]
        ids = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]
        unknown = unknown_share(tokenizer, texts)
        vectors = embed(session, ids)
        scores.append(score(language, languages[language], train, dev, unknown, vectors))
    scores.sort(key=lambda one: -one.loo)
    console.print(table_of(scores, least, margin))
    # A language written in several scripts is emitted only if every one of them is good enough.
    failed = {one.iso for one in scores if not one.emitted(least, margin)}
    codes = sorted({one.iso for one in scores} - failed - {""})
    console.print(f"emitted: {' '.join(codes)}")
    if tsv is not None:
        lines = ["\t".join(Score._fields)]
        for one in scores:
            lines.append("\t".join((*map(str, one[:3]), *(f"{share:.3f}" for share in one[3:]))))
        tsv.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
