"""`wiredesk train`: what can be trained, what is refused, and what is asked of the trainers."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from training.configuration import EncoderConfig, NgramConfig


@pytest.fixture
def asked(monkeypatch):
    """What the trainers, which need PyTorch, would be asked for."""
    orders = []
    command = SimpleNamespace(carry_out=lambda *asked: orders.append(asked))
    monkeypatch.setitem(sys.modules, "training.command", command)
    return orders


def test_everything_that_can_be_trained_is_listed(run):
    names = run("train", "list").output.split()
    assert {"topics/agnews", "news", "toxicity/german", "summary", "emotion/tweeteval-blend"} < {
        *names
    }
    assert len(set(names)) == len(names)


def test_encoder_is_trained_as_asked(run, asked):
    given = ("--data-dir", "sets", "--limit", 9, "--epochs", 2, "--resume", "--release", "7")
    assert run("train", "news", *given).exit_code == 0
    ((config, order, texts),) = asked
    assert isinstance(config, EncoderConfig)
    assert config.epochs == 2
    assert (order.data, order.limit, order.version) == (Path("sets"), 9, "7")
    assert order.resume
    assert not order.release_only
    assert texts()


def test_one_head_of_an_encoder_is_trained_alone(run, asked):
    assert run("train", "news", "--only", "entities/news").exit_code == 0
    assert asked[0][1].only == "entities/news"


def test_head_gets_top_layers_of_its_own(run, asked):
    assert run("train", "news", "--only", "entities/news", "--own-layers", 2).exit_code == 0
    assert asked[0][1].layers == 2


def test_encoder_is_written_for_gpus_too(run, asked):
    assert run("train", "news", "--release", "7", "--fp16").exit_code == 0
    assert asked[0][1].half


def test_classifier_over_ngrams_is_trained(run, asked):
    assert run("train", "toxicity/german").exit_code == 0
    assert isinstance(asked[0][0], NgramConfig)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "nothing to train is called nothing"),
        (["news", "--release-only"], "--release-only exports a version"),
        (["toxicity/german", "--epochs", "2"], "toxicity/german has no epochs"),
        (["toxicity/german", "--resume"], "toxicity/german keeps no weights between runs"),
        (["summary", "--only", "x"], "--only takes a head of a shared encoder; summary has no x"),
        (["news", "--only", "toxicity/german"], "news has no toxicity/german"),
        (["news", "--only", "entities/news", "--release", "1"], "there is nothing to release"),
        (["news", "--own-layers", "1"], "--own-layers are of one head: name it with --only"),
        (["news", "--fp16"], "--fp16 writes a shared encoder anew: give it with --release"),
        (["topics/agnews", "--fp16", "--release", "1"], "--fp16 writes a shared encoder anew"),
        (["entities/news", "--release", "1"], "cannot be released as an adapter: give it a rank"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_trained(run, asked, arguments, said):
    refused = run("train", *arguments)
    assert refused.exit_code == 1
    assert said in refused.output
    assert not asked


def test_missing_extra_is_named(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "training.command", None)
    refused = run("train", "news")
    assert refused.exit_code == 1
    assert "pip install '.[training]'" in refused.output
