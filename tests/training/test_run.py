"""A head that gets top layers of its own on a shared run."""

import pytest
from tiny_networks import tiny

MISSING = "needs the extra `training`"
torch = pytest.importorskip("torch", reason=MISSING)
pytest.importorskip("transformers", reason=MISSING)
run = pytest.importorskip("training.run", reason=MISSING)


def two_layers(**heads):
    """A small network; equal seeds, equal encoders."""
    return tiny(layers=2, **heads)


def test_only_the_top_layer_and_the_head_go_on_from_the_shared_run(tmp_path):
    shared, own = two_layers(topics=3, tone=2), two_layers(tone=2)
    torch.save({"network": shared.state_dict()}, tmp_path / "last.pt")
    run._share_below(own, tmp_path, 1)
    learned = shared.state_dict()
    assert all(torch.equal(weight, learned[name]) for name, weight in own.state_dict().items())
    changing = {name for name, weight in own.named_parameters() if weight.requires_grad}
    assert changing
    assert all(name.startswith(("encoder.layer.1.", "heads.tone.")) for name in changing)
    assert {name for name, _ in own.encoder.layer[1].named_parameters(prefix="encoder.layer.1")} < {
        *changing
    }
