"""`wiredesk evaluate`: how good a head is, on any rows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from cli import (
    evaluate_breaking,
    evaluate_extraction,
    evaluate_feed,
    evaluate_nextclick,
    evaluate_parsing,
    evaluate_personal_data,
    evaluate_policy,
    evaluate_stories,
)
from cli.files import JsonOption, write_json
from cli.models import ManifestOption, manifest_path
from cli.progress import progress
from evaluation.heads import HEADS, Head, Task, find
from models.manifest import SHIPPED
from schemas.errors import ModelFileError, SetupError

if TYPE_CHECKING:
    from evaluation.measure import Evaluation

ROOT = Path(__file__).parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
FLOORS = ROOT / "tests" / "quality_floors.toml"
RESULTS = ROOT / "models" / "RESULTS.md"

HEAD = "HEAD"
"""The command that every head is, in the help of the group."""

out = Console()


class HeadsAsCommands(TyperGroup):
    """A group in which the name of a head is a command, too."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = super().get_command(ctx, cmd_name)
        if found is None and ("/" in cmd_name or cmd_name in HEADS):
            return super().get_command(ctx, HEAD)
        return found

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if self.get_command(ctx, args[0]) is None:
            find(args[0])  # raises, and names the heads
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=HeadsAsCommands,
    invoke_without_command=True,
    subcommand_metavar="HEAD FILE | COMMAND",
    epilog="Heads: " + ", ".join(HEADS) + ".",
)

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        envvar="WIREDESK_DATA_DIR",
        exists=True,
        file_okay=False,
        help="Where the data sets lie. Default: ../shared/data beside the checkout.",
    ),
]


@app.callback()
def evaluate(
    ctx: typer.Context,
    everything: Annotated[
        bool, typer.Option("--all", help="Every row of RESULTS.md, and every quality floor.")
    ] = False,
    data_dir: DataDir = None,
    write: Annotated[
        bool, typer.Option("--write", help="With --all: write models/RESULTS.md anew.")
    ] = False,
    floors_file: Annotated[
        Path,
        typer.Option(
            "--floors",
            metavar="FILE",
            show_default="tests/quality_floors.toml",
            help="With --all: the quality floors.",
        ),
    ] = FLOORS,
) -> None:
    """How good a head is, beside a simple baseline, on any JSONL file of labelled rows."""
    if ctx.invoked_subcommand is not None:
        ctx.obj = data_dir
        return
    if not everything:
        out.print(ctx.get_help(), markup=False, highlight=False)
        return
    folder = _data_dir(data_dir)
    if folder is None:
        raise SetupError(f"--all needs the data sets: {_NO_DATA}")
    _evaluate_all(folder, floors_file, write)


@app.command(HEAD)
def measure_head(
    ctx: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Rows as JSONL, plain or compressed; - is standard input; set:NAME is the test "
            "split of a data set.",
        ),
    ],
    json_file: JsonOption = None,
    train: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Rows of the same format that the baseline learns from."),
    ] = None,
    data_dir: DataDir = None,
    manifest: ManifestOption = None,
) -> None:
    """Measure a head on the rows of a file.

    A row of classes: {"text", "label"} or {"text", "labels": []}; of entities: {"tokens": [],
    "tags": []}, optional "document", a number that its sentences share; of sentiment/target:
    {"text", "start", "end", "label"}; of toxicity/spans: {"text", "spans": []}, the indexes of the
    marked characters; of summary: {"sentences": []} or {"text"}, and "reference"; of importance:
    {"text", "score"}. Rows of classes, entities and importance may have "lang". A head of
    your own is called TASK/NAME: sentiment/tone-de.
    """
    head = find(str(ctx.info_name))
    given = data_dir or ctx.obj
    folder = given if isinstance(given, Path) else None
    evaluation = _measured(head, file, train, folder, manifest_path(manifest))
    _show(evaluation)
    write_json(json_file, evaluation.as_json())


app.command("breaking")(evaluate_breaking.evaluate_breaking)
app.command("extraction")(evaluate_extraction.extraction)
app.command("feed")(evaluate_feed.evaluate_feed)
app.command("nextclick")(evaluate_nextclick.evaluate_nextclick)
app.command("parsing")(evaluate_parsing.parsing)
app.command("policy")(evaluate_policy.evaluate_policy)
app.command("stories")(evaluate_stories.evaluate_stories)
app.command("personal-data")(evaluate_personal_data.personal_data)

_NO_DATA = "give --data-dir, or set WIREDESK_DATA_DIR"


def _measured(
    head: Head,
    file: str,
    train: str | None,
    data_dir: Path | None,
    manifest: Path,
) -> "Evaluation":
    """A head of a manifest, measured on a file or a data set."""
    from evaluation import measure, rows, sets
    from evaluation.results import SET_PREFIX
    from models.manifest import read
    from models.predictor import open_predictor

    predictor = open_predictor(read(manifest), head.name)
    check = measure.checker(head, predictor)
    kind = head.task.rows
    folder = _data_dir(data_dir)
    if file.startswith(SET_PREFIX):
        if folder is None:
            raise SetupError(f"{file} needs the data sets: {_NO_DATA}")
        data = file.removeprefix(SET_PREFIX)
        asked = [_checked(row, check, data, kind) for row in sets.load(data, "test", folder)]
    else:
        data = file
        asked = list(rows.read(file, kind, check))
    own = (data,) if data in sets.SETS and "train" in sets.SETS[data].splits else head.sets
    remarks: tuple[str, ...] = ()
    learned: list[Any] = []
    if train is not None:
        learned = list(rows.read(train, kind, check))
    elif own and folder is not None:
        learned = [
            _checked(row, check, name, kind)
            for name in own
            for split in ("train", "validation")
            for row in sets.load(name, split, folder)
        ]
    elif own:
        remarks = (f"no baseline: it has no rows to learn from; {_NO_DATA}, or --train FILE",)
    elif not (head.is_language or head.task is Task.SUMMARIES):
        remarks = (f"no baseline: {head.name} has no data set of its own; give --train FILE",)
    with progress(f"{head.name} on {data}", len(asked)) as done:
        evaluation = measure.evaluate(head, data, asked, predictor, learned, done)
    return replace(evaluation, remarks=(*evaluation.remarks, *remarks))


def _checked(row: Any, check: Callable[[Any], Any], data: str, kind: type) -> Any:
    if not isinstance(row, kind):
        raise SetupError(f"{data} has rows of type {type(row).__name__}; expected {kind.__name__}")
    try:
        return check(row)
    except ValueError as error:
        raise SetupError(f"{data}: {error}") from error


def _evaluate_all(data_dir: Path, floors_file: Path, write: bool) -> None:
    """Every row of the table of results, then the floors; exit code 1 when one is missed."""
    from evaluation import floors, results

    bounds = floors.read(floors_file) if floors_file.exists() else ()
    table = results.rows()
    wanted = dict.fromkeys((row.head, row.data) for row in (*table, *bounds))
    measured, absent, failed = [], [], []
    for name, data in wanted:
        try:
            file = f"{results.SET_PREFIX}{data}"
            evaluation = _measured(find(name), file, None, data_dir, SHIPPED)
        except ModelFileError as error:
            absent.append(name)
            out.print(f"[yellow]{name} on {data}: {escape(str(error))}[/]\n")
            continue
        _show(evaluation)
        measured.append(evaluation)
        failed += floors.missed(evaluation, bounds, whole=True)
    if write:
        text = results.markdown(table, measured, day=datetime.now(UTC).date(), absent=absent)
        RESULTS.write_text(text, "utf-8")
        out.print(f"written: {RESULTS}", highlight=False, soft_wrap=True)
    failed += [
        f"{floor.head} on {floor.data}: no model" for floor in bounds if floor.head in absent
    ]
    for line in failed:
        out.print(f"[red]below its floor: {escape(line)}[/]", highlight=False, soft_wrap=True)
    if failed:
        raise typer.Exit(1)


def _show(evaluation: "Evaluation") -> None:
    from evaluation.report import show

    show(out, evaluation)
    out.print()


def _data_dir(given: Path | None) -> Path | None:
    """The directory of the data sets, if there is one."""
    return given or (SHARED_DATA if SHARED_DATA.is_dir() else None)
