"""`wiredesk bench`: how fast it is on this machine; a module each."""

import typer

from cli.bench_audience import audience
from cli.bench_breaking import breaking
from cli.bench_enrich import enrich
from cli.bench_feed import feed
from cli.bench_ingest import ingest
from cli.bench_models import models
from cli.bench_profiles import profiles
from cli.bench_readers import readers
from cli.bench_serve import serve

app = typer.Typer(no_args_is_help=True, help="How fast it is on this machine.")

for command in (serve, ingest, enrich, breaking, profiles, readers, audience, feed, models):
    app.command()(command)
