"""`wiredesk evaluate personal-data`: what is masked in marked comments."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.files import JsonOption, write_json

if TYPE_CHECKING:
    from evaluation.personal_data.measure import Counts, Marked, Measured

out = Console()


def personal_data(
    file: Annotated[
        Path | None,
        typer.Argument(help="Marked texts: language, a tab, text with ⟦kind|datum⟧."),
    ] = None,
    names: Annotated[
        bool, typer.Option(help="Also look for names, as the job does by default.")
    ] = True,
    errors: Annotated[bool, typer.Option("--errors", help="Print every error.")] = False,
    json_file: JsonOption = None,
) -> None:
    """Precision and recall of masking, on the project's own marked comments or yours."""
    from evaluation.personal_data.measure import SHIPPED, read

    found = measured(read(file or SHIPPED), names=names)
    table = Table(box=None, pad_edge=False)
    for head in ("kind", "precision", "recall", "data", "false"):
        table.add_column(head, justify="left" if head == "kind" else "right")
    for kind, counts in [*found.kinds.items(), ("all", found.total)]:
        table.add_row(kind, *_cells(counts))
    out.print(table)
    out.print(f"{found.leaked:.1%} of the personal characters stayed readable", highlight=False)
    if errors:
        for error in found.errors:
            out.print(error, markup=False, highlight=False, soft_wrap=True)
    write_json(json_file, _as_json(found))


def measured(texts: "Sequence[Marked]", *, names: bool) -> "Measured":
    """What the masker of the job `audience` finds in some texts."""
    from evaluation.personal_data.measure import measure
    from jobs.runtime.audience_settings import AudienceSettings
    from jobs.runtime.catalogue import load_shared
    from models.manifest import SHIPPED as MANIFEST
    from models.manifest import read as read_manifest
    from models.masker import Masker

    config = load_shared(AudienceSettings).masking()
    masker = Masker(read_manifest(MANIFEST), config, names=names)

    async def all_found() -> dict[int, list]:
        return {id(each): await masker.find(each.text, each.language) for each in texts}

    found = asyncio.run(all_found())
    masker.close()
    return measure(texts, lambda each: found[id(each)])


def _cells(counts: "Counts") -> tuple[str, ...]:
    return (
        "" if counts.precision is None else f"{counts.precision:.3f}",
        "" if counts.recall is None else f"{counts.recall:.3f}",
        str(counts.found + counts.missed),
        str(counts.false),
    )


def _as_json(found: "Measured") -> dict[str, Any]:
    counts = {**found.kinds, "all": found.total}
    return {
        "leaked": found.leaked,
        "kinds": {
            kind: {"precision": c.precision, "recall": c.recall, "data": c.found + c.missed}
            for kind, c in counts.items()
        },
    }
