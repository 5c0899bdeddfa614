"""`wiredesk submit` and `wiredesk cancel`: jobs on a Flink cluster."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.progress import steps
from local import submission
from local.submission import Submission

out = Console()

Cluster = Annotated[
    str | None,
    typer.Option(
        "--jobmanager",
        metavar="HOST:PORT",
        help="REST address of a cluster. Default: the local stack.",
    ),
]


def submit(
    job: Annotated[str, typer.Argument(help="A job of jobs/, for example: enrich.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the job; repeatable."),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Settings of the job.", exists=True, dir_okay=False),
    ] = None,
    jobmanager: Cluster = None,
    parallelism: Annotated[
        int | None, typer.Option("--parallelism", "-p", min=1, help="Default: flink-conf.")
    ] = None,
    from_savepoint: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Go on from this savepoint or retained checkpoint."),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Cancel the job first if it runs; its state is dropped."),
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until every task of the job works.")
    ] = True,
    python: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Python of the workers. Default: this one on this machine, else the cluster's.",
        ),
    ] = None,
) -> None:
    """Send a job to Flink.

    On the local stack its Kafka and Redis serve the job, unless the settings name others.
    """
    wanted = Submission(
        job=job,
        overrides=tuple(overrides or ()),
        settings=settings.resolve() if settings else None,
        jobmanager=jobmanager,
        parallelism=parallelism,
        savepoint=from_savepoint,
        python=python,
    )
    with steps(f"submitting {job}") as say:
        submitted = submission.submit(wanted, replace=replace, wait=wait, report=say)
    state = "runs" if submitted.running else "starts"
    out.print(f"{submission.flink_name(job)} {state} as job {submitted.id}", highlight=False)
    out.print(submitted.page, highlight=False, soft_wrap=True)


def cancel(
    job: Annotated[str, typer.Argument(help="A job of jobs/, for example: enrich.")],
    savepoint: Annotated[
        bool, typer.Option("--savepoint", help="Stop with a savepoint, and print its path.")
    ] = False,
    jobmanager: Cluster = None,
) -> None:
    """End a running job."""
    with steps(f"cancelling {job}"):
        path = submission.cancel(job, jobmanager=jobmanager, savepoint=savepoint)
    if path is None:
        out.print(f"{submission.flink_name(job)} is cancelled.")
    else:
        out.print(f"{submission.flink_name(job)} has stopped. To go on from its savepoint:")
        typer.echo(f"wiredesk submit {job} --from-savepoint {path}")
