"""`wiredesk train`: teach a head, or an encoder that several heads share, and release it."""

from pathlib import Path
from typing import Annotated

import typer

from local.demo.corpus import articles
from models.manifest import SHIPPED
from schemas.errors import SettingError

RUNS = Path(".wiredesk/training")


def train(
    name: Annotated[str, typer.Argument(help="A head (topics/agnews), an encoder (news) or list.")],
    data_dir: Annotated[
        Path, typer.Option(envvar="WIREDESK_DATA_DIR", help="Where the data sets lie.")
    ] = Path("../shared/data"),
    runs: Annotated[Path, typer.Option(help="Where runs keep their weights.")] = RUNS,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last epoch.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Rows of each set, for a trial.")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Of a head or an encoder, for a trial.")
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(metavar="HEAD", help="One head of an encoder alone: what does sharing cost?"),
    ] = None,
    release: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Export the best weights when done.")
    ] = None,
    release_only: Annotated[
        bool, typer.Option("--release-only", help="Export without training again.")
    ] = False,
    manifest: Annotated[Path, typer.Option(help="Manifest that takes the release.")] = SHIPPED,
) -> None:
    """Train from a configuration in training/heads, encoders, ngrams, blends, taggers or scorers.

    A run writes best.pt, last.pt and log.jsonl; --release exports, calibrates on validation rows
    and registers the model. Needs the extra `training`; two cores take minutes to an hour.
    """
    try:
        from training import (
            configuration,
            run,
            train_blend,
            train_ngrams,
            train_scorer,
            train_tagger,
        )
        from training import release as releasing
    except ImportError as error:
        raise SettingError(
            f"{error.name} is not installed; training needs: pip install 'wiredesk[training]'"
        ) from error
    heads, encoders, ngrams, taggers, scorers, blends = configuration.known_names()
    known = (*heads, *encoders, *ngrams, *taggers, *scorers, *blends)
    if name == "list":
        typer.echo("\n".join(known))
        return
    if name not in known:
        raise SettingError(f"nothing to train is called {name}; `wiredesk train list` lists all")
    if release_only and release is None:
        raise SettingError("--release-only exports a version: give it with --release")
    if epochs is not None and name not in (*heads, *encoders):
        raise SettingError(f"{name} has no epochs: --epochs is for heads and encoders")
    if only is not None:
        if name not in encoders or only not in configuration.encoder_config(name).heads:
            raise SettingError(f"--only takes a head of a shared encoder; {name} has no {only}")
        if release is not None:
            raise SettingError("--only trains for a comparison: there is nothing to release")
        encoder = configuration.for_epochs(configuration.encoder_config(name), epochs)
        run.train_alone(encoder, only, data_dir, runs, resume=resume, limit=limit)
        return
    if name in ngrams:
        classifiers = configuration.ngram_config(name)
        trained = train_ngrams.train(classifiers, data_dir, limit=limit)
        if release:
            train_ngrams.release(classifiers, trained, release, manifest)
        return
    if name in blends:
        blend = configuration.blend_config(name)
        weighed = train_blend.train(blend, data_dir, manifest, limit=limit)
        if release:
            train_blend.release(blend, weighed, release, manifest)
        return
    if name in taggers:
        names = configuration.tagger_config(name)
        of_languages = train_tagger.train(names, data_dir, limit=limit)
        if release:
            train_tagger.release(names, of_languages, release, manifest)
        return
    if name in scorers:
        scorer = configuration.scorer_config(name)
        if not release_only:
            train_scorer.train(scorer, data_dir, runs, manifest, resume=resume, limit=limit)
        if release:
            train_scorer.release(scorer, release, runs, manifest)
        return
    if name in encoders:
        encoder = configuration.for_epochs(configuration.encoder_config(name), epochs)
        if not release_only:
            run.train_encoder(encoder, data_dir, runs, resume=resume, limit=limit)
        if release:
            texts = [f"{article.title}\n{article.body}" for article in articles()]
            releasing.release_encoder(encoder, release, data_dir, runs, manifest, texts)
        return
    head = configuration.for_epochs(configuration.head_config(name), epochs)
    if not release_only:
        run.train_head(head, data_dir, runs, resume=resume, limit=limit)
    if release:
        releasing.release_head(head, release, data_dir, runs, manifest)
