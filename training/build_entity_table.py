"""Writes the alias tables of models/entities: `python -m training.build_entity_table`.

Needs the shared entity tables; with Natural Earth's 50m populated places (GeoJSON, public domain)
cities get their population and state.
"""

import csv
import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

HERE = Path(__file__).parent
ENTITIES = HERE.parent / "models" / "entities"
OPEN = "names.tsv.gz"
ODBL = "countries.odbl.tsv.gz"
ODBL_SOURCE = "mledoze/countries"


class Row(NamedTuple):
    """A line of an alias table; see models.linking.Candidate."""

    alias: str
    qid: str
    kind: str
    country: str
    state: str = ""
    population: int = 0
    role: str = ""


class Town(NamedTuple):
    """What Natural Earth knows of a city."""

    state: str
    population: int


def towns(places: Path) -> dict[str, Town]:
    """Wikidata id to state and population."""
    features = json.loads(places.read_text("utf-8"))["features"]
    rows = (feature["properties"] for feature in features)
    return {
        row["wikidataid"]: Town(row["ADM1NAME"] or "", int(row["POP_MAX"] or 0))
        for row in rows
        if row["wikidataid"]
    }


def read_open(table: Path, known: dict[str, Town]) -> Iterator[tuple[str, Row]]:
    """Source and row of each alias of the shared table."""
    states = {row.state: row.alias for row in read_states()}
    with gzip.open(table, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            alias, qid, kind, extra = row["alias"], row["qid"], row["type"], row["extra"]
            if kind == "person":
                chamber, state, party = extra.split(":")
                name = states.get(state, state)
                line = Row(alias, qid, "legislator", "US", name, 0, f"{chamber}:{party}")
            else:
                town = known.get(qid, Town("", 0)) if kind == "city" else Town("", 0)
                line = Row(alias, qid, kind, extra, *town)
            yield row["source"], line


def read_states() -> Iterator[Row]:
    """The American states with their postal code in `state`."""
    with (HERE / "american_states.tsv").open(encoding="utf-8") as lines:
        for line in lines:
            code, name = line.rstrip("\n").split("\t")
            yield Row(name, "", "state", "US", code)


def read_curated() -> Iterator[Row]:
    """The names written down by hand."""
    with (HERE / "entity_names.tsv").open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            aliases, qid, kind, country, *town = line.rstrip("\n").split("\t")
            state, population = town or ("", "0")
            for alias in aliases.split("|"):
                yield Row(alias, qid, kind, country, state, int(population))


def write(file: Path, rows: Iterable[Row]) -> str:
    """Write the rows, sorted; the digest of the file."""
    text = "".join("\t".join(map(str, row)) + "\n" for row in sorted(set(rows)))
    packed = gzip.compress(text.encode(), compresslevel=9, mtime=0)
    file.write_bytes(packed)
    return hashlib.sha256(packed).hexdigest()


def main(
    data: Annotated[Path, typer.Option(help="folder of the shared data")] = Path("../shared/data"),
    places: Annotated[
        Path | None, typer.Option(help="ne_50m_populated_places.json of Natural Earth")
    ] = None,
) -> None:
    """Write both tables and print their digests."""
    parts: dict[str, list[Row]] = defaultdict(list)
    table = data / "entity_tables" / "alias_qid_open.tsv.gz"
    parts[OPEN] += read_curated()
    known = towns(places) if places else {}
    known |= {row.qid: Town(row.state, row.population) for row in parts[OPEN]}
    for source, row in read_open(table, known):
        parts[ODBL if source == ODBL_SOURCE else OPEN].append(row)
    for name in (OPEN, ODBL):
        digest = write(ENTITIES / name, parts[name])
        size = (ENTITIES / name).stat().st_size
        print(f"{name}  {len(set(parts[name]))} aliases  {size} bytes  sha256 {digest}")


if __name__ == "__main__":
    typer.run(main)
