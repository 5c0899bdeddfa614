"""What `wiredesk train` does with each kind of configuration."""

from collections.abc import Callable, Sequence

from training import release, run, train_blend, train_ngrams, train_scorer, train_tagger
from training.configuration import (
    BlendConfig,
    EncoderConfig,
    HeadConfig,
    NgramConfig,
    ScorerConfig,
    TaggerConfig,
    Trainable,
)
from training.order import Order


def carry_out(config: Trainable, order: Order, texts: Callable[[], Sequence[str]]) -> None:
    """Train what is configured, and release it if that is asked for. Raises SettingError.

    texts  that set the scales of an encoder in int8; read when one is released
    """
    data, runs, manifest, version = order.data, order.runs, order.manifest, order.version
    resume, limit = order.resume, order.limit
    match config:
        case HeadConfig():
            if not order.release_only:
                run.train_head(config, data, runs, resume=resume, limit=limit)
            if version:
                release.release_head(config, version, data, runs, manifest)
        case EncoderConfig() if order.only:
            own = order.layers
            run.train_alone(config, order.only, data, runs, layers=own, resume=resume, limit=limit)
        case EncoderConfig():
            if not order.release_only:
                run.train_encoder(config, data, runs, resume=resume, limit=limit)
            if version:
                half = order.half
                release.release_encoder(config, version, data, runs, manifest, texts(), half=half)
        case ScorerConfig():
            if not order.release_only:
                train_scorer.train(config, data, runs, manifest, resume=resume, limit=limit)
            if version:
                train_scorer.release(config, version, runs, manifest)
        case NgramConfig():
            classifiers = train_ngrams.train(config, data, limit=limit)
            if version:
                train_ngrams.release(config, classifiers, version, manifest)
        case TaggerConfig():
            taggers = train_tagger.train(config, data, limit=limit)
            if version:
                train_tagger.release(config, taggers, version, manifest)
        case BlendConfig():
            blend = train_blend.train(config, data, manifest, limit=limit)
            if version:
                train_blend.release(config, blend, version, manifest)
