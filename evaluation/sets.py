"""The shared data sets as rows: training code, baselines and the table of results read them here.

python -m evaluation.sets agnews test --data-dir DIR     writes JSONL that `wiredesk evaluate` reads
python -m evaluation.sets list

Texts and labels are as in the data set's own files; no text is cleaned here. Where a set's files
number the classes, its own documentation names them (AG News, UMSAB, TweetEval, NewsMTSC); SST-2
keeps 0 and 1. Tags are IOB2. The folders are described in the INDEX.md of the data directory.

Splits: `train`, `validation`, `test`. "carved" is a part of the training rows that `train` then
lacks, drawn by a hash of the text (VALIDATION_SHARE of it): the same rows on every machine, and
rows with the same text, or translations of it, stay together.

set                    train           validation      test
agnews                 train_subset    carved          test (3,749 of 7,600 here)
reuters                ModApte train   carved          ModApte test (about half of it here)
sib200, sib200-all     train           carved          dev: the test split is not here
huffpost, bbc          carved          carved          carved
conll2003              eng.train       eng.testa       eng.testb
conll2002-es, -nl      esp, ned.train  testa           testb
crossner-DOMAIN        train           dev             test
wnut17                 train           carved          dev: the test split is not here
wikiann-LANGUAGE       train           dev             test
sst2                   train           dev             test
newsmtsc-rw, -mt       train           carved          devtest_rw, devtest_mt
sentfin                carved          carved          carved
umsab, umsab-LANGUAGE  train           val             test
tweeteval-TASK         train           val             test
tweeteval-sentiment    val             carved          test: the train split is not here
emotion, goemotions    train           val, dev        test
cnn_dailymail          train           val             test
bbc-summary            carved          carved          carved
gum                    -               -               the 24 news documents, one row a summary
gum-open               carved          carved          -: other genres, open licences
lingua, tatoeba        -               -               all
comment-language       -               -               theirs of 3 to 20 words, twenty languages
jigsaw                 carved          carved          carved: only a part of the test split is here
goemotions-sentiment   train           dev             test: comments with labels of one sentiment
goemotions-calm        train           dev             test: comments without a heated label
toxic-spans            tsd_train       tsd_trial       tsd_test
toxic-spans-calm       train           dev             test: goemotions-calm, nothing marked
civil, civil-kinds     tsd_train       tsd_trial       tsd_test; comments in none of them: carved
germeval-toxic         carved          carved          test
identities             carved          carved          carved: sentences of our own
hatecheck, -LANGUAGE   -               -               all

Sentences of bbc-summary are cut by `models.sentences`, as the jobs cut articles; those of
CNN/DailyMail, lower case with Penn Treebank tokens, by `evaluation.treebank`, as its literature
does. Documents of tagged sets are counted by `-DOCSTART-`; without such lines every sentence is a
document.
"""

import csv
import gzip
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer

from evaluation import comment_sets
from evaluation.rows import Row, SummaryRow, TagRow, TargetRow, TextRow, iob2, sentences_of, to_json
from evaluation.set_files import carved, part_of, read_lines, read_objects, read_table, text_of
from models.language_codes import short
from schemas.errors import SetupError

NEWS_LANGUAGES = (
    "arb_Arab", "ben_Beng", "deu_Latn", "eng_Latn", "fra_Latn", "hin_Deva", "ind_Latn",
    "ita_Latn", "jpn_Jpan", "kor_Hang", "nld_Latn", "pol_Latn", "por_Latn", "rus_Cyrl",
    "spa_Latn", "tur_Latn", "ukr_Cyrl", "urd_Arab", "vie_Latn", "zho_Hans",
)  # fmt: skip
"""The twenty languages of `sib200`: many speakers, much news; chosen before measuring."""

REUTERS_R90 = tuple(
    """
    acq alum barley bop carcass castor-oil cocoa coconut coconut-oil coffee copper copra-cake corn
    cotton cotton-oil cpi cpu crude dfl dlr dmk earn fuel gas gnp gold grain groundnut
    groundnut-oil heat hog housing income instal-debt interest ipi iron-steel jet jobs l-cattle
    lead lei lin-oil livestock lumber meal-feed money-fx money-supply naphtha nat-gas nickel nkr
    nzdlr oat oilseed orange palladium palm-oil palmkernel pet-chem platinum potato propane rand
    rape-oil rapeseed reserves retail rice rubber rye ship silver sorghum soy-meal soy-oil soybean
    strategic-metal sugar sun-meal sun-oil sunseed tea tin trade veg-oil wheat wpi yen zinc
    """.split()  # noqa: SIM905  # ninety quoted names would be a page
)
"""Topics with a training and a test document in ModApte; half of the test documents is not here,
so they cannot be counted from the files."""

COMMENT_WORDS = range(3, 21)
"""Words of a sentence that is as long as a comment."""

AG_NEWS = {"1": "World", "2": "Sports", "3": "Business", "4": "Sci/Tech"}
SENTIMENTS = {"0": "negative", "1": "neutral", "2": "positive"}
_NEWSMTSC = {2: "negative", 4: "neutral", 6: "positive"}

CROSSNER = ("ai", "literature", "music", "politics", "science")
UMSAB = ("arabic", "english", "french", "german", "hindi", "italian", "portuguese", "spanish")
TWEETEVAL = ("emotion", "hate", "irony", "offensive", "sentiment")
WIKIANN = ("de", "en", "fr", "nl")

GUM_OPEN = frozenset({"academic", "bio", "court", "interview", "speech", "textbook", "voyage"})
"""Genres whose texts are CC BY, CC BY-SA or in the public domain."""

_UMSAB_CODES = {
    "arabic": "ar",
    "english": "en",
    "french": "fr",
    "german": "de",
    "hindi": "hi",
    "italian": "it",
    "portuguese": "pt",
    "spanish": "es",
}
_SPLITS = ("train", "validation", "test")
_DOCSTART = "-DOCSTART-"
_DECISION = re.compile(r"'(.+?)': '(positive|neutral|negative)'")


@dataclass(frozen=True)
class DataSet:
    """A data set: its name here, its folder in the data directory, its reader and its splits."""

    name: str
    folder: str
    read: Callable[[Path, str], Iterable[Row]]
    splits: tuple[str, ...] = _SPLITS


def load(name: str, split: str, data_dir: Path) -> list[Row]:
    """The rows of one split, `train`, `validation` or `test`. Raises SetupError."""
    known = SETS.get(name)
    if known is None:
        raise SetupError(f"there is no data set {name!r}; known: {', '.join(SETS)}")
    if split not in known.splits:
        raise SetupError(f"{name} has no split {split!r}; it has {', '.join(known.splits)}")
    try:
        return list(known.read(data_dir / known.folder, split))
    except (OSError, EOFError) as error:
        raise SetupError(f"{name}, {split}, in {data_dir}: {error}") from error


def _agnews(folder: Path, split: str) -> Iterable[Row]:
    if split == "test":
        return (
            TextRow(f"{row['title']} {row['description']}", (AG_NEWS[row["label"]],))
            for row in read_table(folder / "test.tsv.gz")
        )
    rows = (
        TextRow(row["text"], (AG_NEWS[row["label"]],))
        for row in read_table(folder / "train_subset.tsv.gz")
    )
    return carved(rows, split, text_of)


def _reuters(folder: Path, split: str) -> Iterable[Row]:
    """Documents of R90: those with at least one of its topics."""
    topics = frozenset(REUTERS_R90)
    part = "test" if split == "test" else "train"
    rows = (
        TextRow(f"{doc['title']}\n{doc['body']}".strip(), labels)
        for doc in read_objects(folder / "reuters21578.jsonl.gz")
        if doc["modapte"] == part
        and (labels := tuple(topic for topic in dict.fromkeys(doc["topics"]) if topic in topics))
    )
    return rows if split == "test" else carved(rows, split, text_of)


def _sib200(folder: Path, split: str, languages: tuple[str, ...] | None) -> Iterable[Row]:
    part = "dev" if split == "test" else "train"
    for row in read_table(folder / "sib200.tsv.xz"):
        if row["split"] != part or (languages is not None and row["lang"] not in languages):
            continue
        if split != "test" and split != part_of(row["index_id"]):
            continue
        yield TextRow(row["text"], (row["category"],), row["lang"])


def _huffpost(folder: Path, split: str) -> Iterable[Row]:
    rows = (
        TextRow(f"{row['headline']}\n{row['short_description']}".strip(), (row["category"],))
        for row in read_objects(folder / "news_category_v3_head.jsonl.gz")
    )
    return carved(rows, split, text_of, test=True)


def _bbc(folder: Path, split: str) -> Iterable[Row]:
    rows = (
        TextRow(f"{row['title']}\n{row['text']}", (row["category"],))
        for row in read_objects(folder / "bbc.jsonl.gz")
    )
    return carved(rows, split, text_of, test=True)


def _bbc_summary(folder: Path, split: str) -> Iterable[Row]:
    rows = (
        SummaryRow(sentences_of(row["text"]), "\n".join(sentences_of(row["summary"])))
        for row in read_objects(folder / "bbc.jsonl.gz")
        if row["summary"]
    )
    return carved(rows, split, lambda row: row.sentences, test=True)


def _tagged(path: Path, lang: str, *, prefix: str = "") -> Iterator[TagRow]:
    """Sentences of a file with a token a line, the tag last, and blank lines in between."""
    tokens: list[str] = []
    tags: list[str] = []
    document, marked = 0, False
    for line in (*read_lines(path), ""):
        columns = line.split("\t") if "\t" in line else line.split()
        token = columns[0].removeprefix(prefix) if columns else ""
        if token and token != _DOCSTART:
            tokens.append(token)
            tags.append(columns[-1])
            continue
        if tokens:
            yield TagRow(tuple(tokens), iob2(tags), document, lang)
            tokens, tags = [], []
            document += not marked
        if token == _DOCSTART:
            document += 1
            marked = True


def _tagged_set(
    folder: Path, split: str, *, files: dict[str, str], lang: str, prefix: str = ""
) -> Iterable[Row]:
    rows = _tagged(folder / files.get(split, files["train"]), lang, prefix=prefix)
    if "validation" in files or split == "test":
        return rows
    return carved(rows, split, lambda row: row.tokens)


def _sst2(folder: Path, split: str) -> Iterable[Row]:
    name = {"validation": "dev"}.get(split, split)
    for line in read_lines(folder / f"{name}.tsv.gz"):
        text, label = line.rsplit("\t", 1)
        yield TextRow(text, (label,))


def _newsmtsc(folder: Path, split: str, test: str) -> Iterable[Row]:
    rows = (
        TargetRow(
            row["sentence_normalized"],
            int(target["from"]),
            int(target["to"]),
            _NEWSMTSC[int(target["polarity"])],
        )
        for row in read_objects(folder / f"{test if split == 'test' else 'train'}.jsonl.gz")
        for target in row["targets"]
    )
    return rows if split == "test" else carved(rows, split, _target_text)


def _target_text(row: TargetRow) -> str:
    return row.text


def _sentfin(folder: Path, split: str) -> Iterable[Row]:
    """Headlines with one row an entity; an entity whose name the headline lacks is left out."""
    content = gzip.decompress((folder / "SEntFiN.csv.gz").read_bytes()).decode("utf-8", "replace")
    rows = (
        TargetRow(title, start, start + len(name), label)
        for columns in csv.DictReader(StringIO(content))
        for title in [columns["Title"]]
        for name, label in _DECISION.findall(columns["Decisions"])
        if (start := title.find(name)) >= 0
    )
    return carved(rows, split, _target_text, test=True)


def _umsab(folder: Path, split: str, languages: tuple[str, ...]) -> Iterable[Row]:
    name = {"validation": "val"}.get(split, split)
    for language in languages:
        for row in read_table(folder / f"{language}_{name}.tsv.gz"):
            yield TextRow(row["text"], (SENTIMENTS[row["label"]],), _UMSAB_CODES[language])


def _tweeteval(folder: Path, split: str, task: str) -> Iterable[Row]:
    names = dict(line.split("\t") for line in read_lines(folder / f"{task}_mapping.txt.gz") if line)
    has_train = (folder / f"{task}_train.tsv.gz").exists()
    file = {"validation": "val", "train": "train" if has_train else "val"}.get(split, split)
    rows = (
        TextRow(row["text"], (names[row["label"]],))
        for row in read_table(folder / f"{task}_{file}.tsv.gz")
    )
    return rows if has_train or split == "test" else carved(rows, split, text_of)


def _emotion(folder: Path, split: str) -> Iterable[Row]:
    name = {"validation": "val"}.get(split, split)
    return (TextRow(row["text"], (row["label"],)) for row in read_table(folder / f"{name}.tsv.gz"))


def _jigsaw(folder: Path, split: str) -> Iterable[Row]:
    rows = (TextRow(row["text"], (row["label"],)) for row in read_table(folder / "test.tsv.gz"))
    return carved(rows, split, text_of, test=True)


def _cnn_dailymail(folder: Path, split: str) -> Iterable[Row]:
    name = {"validation": "val"}.get(split, split)
    for row in read_objects(folder / f"{name}.jsonl.xz"):
        cut = sentences_of(row["article"])
        if cut:
            yield SummaryRow(cut, "\n".join(row["highlights"]))


def _gum(folder: Path, split: str, genres: frozenset[str]) -> Iterable[Row]:
    rows = (
        SummaryRow(tuple(document["sentences"]), summary)
        for document in read_objects(folder / "gum_docs.jsonl.gz")
        if document["genre"] in genres
        for summary in document["summaries_human"]
    )
    return rows if split == "test" else carved(rows, split, lambda row: row.sentences)


def _languages(folder: Path, split: str, file: str) -> Iterable[TextRow]:  # noqa: ARG001
    for line in read_lines(folder / file):
        lang, text = line.split("\t", 1)
        yield TextRow(text, (short(lang),))


def _comment_language(folder: Path, split: str) -> Iterable[Row]:
    """Sentences as long as comments, in the twenty languages of much news."""
    wanted = {short(code) for code in NEWS_LANGUAGES}
    files = ("lingua_testdata/sentences.tsv.xz", "tatoeba_laser/tatoeba_v1.tsv.xz")
    for file in files:
        for row in _languages(folder, split, file):
            if row.labels[0] in wanted and len(row.text.split()) in COMMENT_WORDS:
                yield row


def _all() -> Iterator[DataSet]:
    only_test = ("test",)
    yield DataSet("agnews", "ag_news", _agnews)
    yield DataSet("reuters", "reuters21578", _reuters)
    yield DataSet("sib200", "sib200", partial(_sib200, languages=NEWS_LANGUAGES))
    yield DataSet("sib200-all", "sib200", partial(_sib200, languages=None))
    yield DataSet("huffpost", "huffpost", _huffpost)
    yield DataSet("bbc", "bbc_news_summary", _bbc)
    conll2003 = {"train": "eng.train.gz", "validation": "eng.testa.gz", "test": "eng.testb.gz"}
    yield DataSet("conll2003", "conll2003", partial(_tagged_set, files=conll2003, lang="en"))
    for lang, name in (("es", "esp"), ("nl", "ned")):
        conll2002 = {
            "train": f"{name}.train.gz",
            "validation": f"{name}.testa.gz",
            "test": f"{name}.testb.gz",
        }
        reader = partial(_tagged_set, files=conll2002, lang=lang)
        yield DataSet(f"conll2002-{lang}", "conll2002", reader)
    for domain in CROSSNER:
        crossner = {
            "train": f"{domain}_train.txt.gz",
            "validation": f"{domain}_dev.txt.gz",
            "test": f"{domain}_test.txt.gz",
        }
        reader = partial(_tagged_set, files=crossner, lang="en")
        yield DataSet(f"crossner-{domain}", "crossner", reader)
    wnut17 = {"train": "wnut17train.conll.gz", "test": "emerging.dev.conll.gz"}
    yield DataSet("wnut17", "wnut17", partial(_tagged_set, files=wnut17, lang="en"))
    for lang in WIKIANN:
        wikiann = {
            "train": f"{lang}_train.gz",
            "validation": f"{lang}_dev.gz",
            "test": f"{lang}_test.gz",
        }
        reader = partial(_tagged_set, files=wikiann, lang=lang, prefix=f"{lang}:")
        yield DataSet(f"wikiann-{lang}", "wikiann", reader)
    yield DataSet("sst2", "sst2", _sst2)
    yield DataSet("newsmtsc-rw", "newsmtsc", partial(_newsmtsc, test="devtest_rw"))
    yield DataSet("newsmtsc-mt", "newsmtsc", partial(_newsmtsc, test="devtest_mt"))
    yield DataSet("sentfin", "sentfin", _sentfin)
    yield DataSet("umsab", "umsab", partial(_umsab, languages=UMSAB))
    for language in UMSAB:
        yield DataSet(f"umsab-{language}", "umsab", partial(_umsab, languages=(language,)))
    for task in TWEETEVAL:
        yield DataSet(f"tweeteval-{task}", "tweeteval", partial(_tweeteval, task=task))
    yield DataSet("emotion", "emotion", _emotion)
    yield DataSet("goemotions", "goemotions", comment_sets.goemotions)
    yield DataSet("jigsaw", "jigsaw_subset", _jigsaw)
    yield DataSet("goemotions-sentiment", "goemotions", comment_sets.goemotions_sentiment)
    yield DataSet("goemotions-calm", "goemotions", comment_sets.goemotions_calm)
    yield DataSet("toxic-spans", "toxic_spans", comment_sets.toxic_spans)
    yield DataSet("toxic-spans-calm", "goemotions", comment_sets.nothing_toxic)
    yield DataSet("civil", "toxic_spans", comment_sets.civil)
    yield DataSet("civil-kinds", "toxic_spans", comment_sets.civil_kinds)
    yield DataSet("germeval-toxic", "germeval2021_toxic", comment_sets.germeval_toxic)
    yield DataSet("identities", "", comment_sets.identities)
    for lang in comment_sets.HATECHECK:
        reader = partial(comment_sets.hatecheck, lang=lang)
        name = "hatecheck" if lang == "en" else f"hatecheck-{lang}"
        yield DataSet(name, "hatecheck", reader, only_test)
    yield DataSet("cnn_dailymail", "cnn_dailymail", _cnn_dailymail)
    yield DataSet("bbc-summary", "bbc_news_summary", _bbc_summary)
    yield DataSet("gum", "gum", partial(_gum, genres=frozenset({"news"})), only_test)
    yield DataSet("gum-open", "gum", partial(_gum, genres=GUM_OPEN), ("train", "validation"))
    yield DataSet(
        "lingua", "lingua_testdata", partial(_languages, file="sentences.tsv.xz"), only_test
    )
    yield DataSet(
        "tatoeba", "tatoeba_laser", partial(_languages, file="tatoeba_v1.tsv.xz"), only_test
    )
    yield DataSet("comment-language", "", _comment_language, only_test)


SETS = {known.name: known for known in _all()}
"""Every data set by its name."""


def main(
    name: Annotated[str, typer.Argument(help="A data set, or `list`.")],
    split: Annotated[str, typer.Argument(help="train, validation or test.")] = "test",
    data_dir: Annotated[Path, typer.Option(help="Where the data sets lie.")] = Path(),
) -> None:
    """Write the rows of a data set as JSON lines."""
    if name == "list":
        for known in SETS.values():
            typer.echo(f"{known.name}\t{', '.join(known.splits)}")
        return
    try:
        rows = load(name, split, data_dir)
    except SetupError as error:
        raise SystemExit(str(error)) from None
    sys.stdout.writelines(f"{to_json(row)}\n" for row in rows)


if __name__ == "__main__":
    typer.run(main)
