"""`wiredesk bench models`: each model on each provider, without Flink."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.bench_stack import OverridesOption, out
from cli.files import JsonOption, write_json
from cli.progress import phase, progress

if TYPE_CHECKING:
    from bench.models import Figure
    from models.analyzer import AnalyzerConfig
    from models.manifest import Manifest


def models(
    floats: Annotated[
        list[Path] | None,
        typer.Option("--float", metavar="FILE", help="A float32 graph to compare; repeatable."),
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Default: the models of the job.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds; the median counts.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.01, help="Of each round of each cell.")] = 1.0,
    overrides: OverridesOption = None,
    json_file: JsonOption = None,
) -> None:
    """Tokens a second of each model on each provider, beside the bare encoder, in one run.

    Batches, threads and streams are those of the job; `--set inference_provider=cpu` measures one
    provider only. Wants a machine that does nothing else.
    """
    from bench import models as measure
    from jobs.enrich import analyzer_config
    from jobs.runtime.catalogue import load_shared
    from jobs.runtime.enrich_settings import EnrichSettings
    from models.manifest import SHIPPED, read
    from models.session import providers

    s = load_shared(EnrichSettings, overrides=tuple(overrides or ()))
    path = manifest or s.models_manifest or SHIPPED
    known = read(path, non_commercial=s.non_commercial_models)
    config = analyzer_config(s)
    found = measure.contenders(known, providers(config.provider), floats or ())
    with progress("rounds", measure.rounds(found, repeats)) as done:
        figures = measure.measure(
            found, config=config, repeats=repeats, seconds=seconds, progress=done
        )
    with phase("the heads"):
        decoding = _decoding(known, config, repeats)
    _show(figures, decoding)
    told = {
        "threads": config.threads,
        "streams": config.streams,
        "figures": [asdict(figure) for figure in figures],
        "decoding_us": decoding,
    }
    write_json(json_file, told)


def _decoding(known: "Manifest", config: "AnalyzerConfig", repeats: int) -> dict[str, float]:
    """What the heads' Python costs a document of the demo, microseconds."""
    from bench.models import decoding_us
    from local.demo import corpus
    from models.text import article_text

    texts = [article_text(a) for a in corpus.articles() if a.language_hint == "en"]
    return decoding_us(known, texts[:64], config=config, repeats=repeats)


def _show(figures: "list[Figure]", decoding: dict[str, float]) -> None:
    lengths = sorted({figure.length for figure in figures})
    table = Table(title="tokens/s (texts/s) of each length", title_justify="left")
    for column in ("model", "file", "provider"):
        table.add_column(column)
    for length in lengths:
        table.add_column(f"{length} tokens", justify="right")
    table.add_column("of the bare encoder", justify="right")
    rows: dict[tuple[str, str, str], dict[int, Figure]] = {}
    for figure in figures:
        rows.setdefault((figure.model, figure.file, figure.provider), {})[figure.length] = figure
    for row, cells in rows.items():
        shown = [
            f"{cells[n].tokens_per_s:,.0f} ({cells[n].docs_per_s:,.0f})" if n in cells else ""
            for n in lengths
        ]
        shares = [f"{cell.of_bare:.2f}" for cell in cells.values() if cell.of_bare is not None]
        table.add_row(*row, *shown, " ".join(shares))
    out.print(table)
    for head, microseconds in decoding.items():
        out.print(f"decoding {head}: {microseconds:,.0f} µs a text", highlight=False)
