"""Write models/topics/concepts.tsv: the active IPTC Media Topics out of the published table.

python -m training.build_topics --data-dir DIR [--out models/topics/concepts.tsv]

Two runs give the same bytes. A concept's parent is the row above it that stands one level higher;
no active concept has a retired parent. Codes of languages become those of BCP 47.
"""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from models.topics.concepts import CODE, COLUMNS, LANGUAGES, PARENT, SHIPPED, WIKIDATA
from schemas.errors import SetupError

FILE = Path("iptc_mediatopics", "mediatopics_2023-10-24.jsonl.gz")
LEVELS = range(1, 7)
_OTHERWISE = {"da": "dk", "nb": "no-NB", "nn": "no-NN", "sv": "se"}
"""Languages that the table calls otherwise than BCP 47."""

console = Console()


def read_table(data_dir: Path) -> list[dict[str, str]]:
    """Rows of the table, retired concepts included. Raises SetupError."""
    try:
        with gzip.open(data_dir / FILE, "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]
    except OSError as error:
        raise SetupError(f"the Media Topics {data_dir / FILE} cannot be read: {error}") from error


def code(row: Mapping[str, Any]) -> str:
    """`medtop:…`"""
    return str(row["NewsCode-QCode (flat)"])


def definition(row: Mapping[str, Any]) -> str:
    """What the concept means, in British English."""
    return str(row["Definition (en-GB)"])


def active(table: list[dict[str, str]]) -> Iterator[tuple[dict[str, str], str | None]]:
    """Rows that are not retired, each with the code of its parent.

    >>> pairs = [(1, "a"), (2, "b")]
    >>> rows = [{"NewsCode-QCode (flat)": c, f"Level{n}/NewsCode": c} for n, c in pairs]
    >>> [parent for _, parent in active(rows)]
    [None, 'a']
    """
    above: dict[int, str] = {}
    retired: set[str] = set()
    for row in table:
        level = next(n for n in LEVELS if row.get(f"Level{n}/NewsCode"))
        above[level] = code(row)
        if row.get("RetiredDate"):
            retired.add(code(row))
            continue
        parent = above[level - 1] if level > 1 else None
        if parent in retired:
            raise SetupError(f"{code(row)} is active under {parent}, which is retired")
        yield row, parent


def lines(table: list[dict[str, str]]) -> Iterator[str]:
    """The shipped file line by line, header first."""
    yield "\t".join(COLUMNS)
    for row, parent in active(table):
        mapped = re.search(r"Q\d+$", row.get("Wikidata mapping", ""))
        cells = {CODE: code(row), PARENT: parent or "", WIKIDATA: mapped[0] if mapped else ""} | {
            language: row.get(f"Name ({_OTHERWISE.get(language, language)})", "")
            for language in LANGUAGES
        }
        if any("\t" in cell or "\n" in cell for cell in cells.values()):
            raise SetupError(f"{code(row)} has a tab or a line break in a name")
        yield "\t".join(cells[column] for column in COLUMNS)


def main(
    data_dir: Annotated[Path, typer.Option(help="Holds iptc_mediatopics/.")],
    out: Annotated[Path, typer.Option(help="The file to write.")] = SHIPPED,
) -> None:
    """Write the active Media Topics."""
    written = list(lines(read_table(data_dir)))
    content = "".join(f"{line}\n" for line in written).encode()
    out.write_bytes(content)
    console.print(f"{out}: {len(written) - 1} concepts, {len(content)} bytes")
    console.print(f"sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    typer.run(main)
