"""An adapter answers as the network that it was made of, or it is not made."""

import pytest

from models.manifest import SHIPPED

MISSING = "needs the extra `training`"
torch = pytest.importorskip("torch", reason=MISSING)
export = pytest.importorskip("training.export", reason=MISSING)
network = pytest.importorskip("training.network", reason=MISSING)

BASE = SHIPPED.parent / "adapters" / "base.safetensors"


def test_adapter_trained_on_other_weights_than_the_base_is_refused(tmp_path):
    trained = network.Network(network.published_encoder(), {"logits": network.OfText(2)})
    trained.add_low_rank(2)
    trained.eval().requires_grad_(False)
    export.export_adapter(trained, BASE, tmp_path / "adapter.onnx", seed=1)
    trained.encoder.layer[0].output.dense.parametrizations.weight.original.mul_(1.3)
    with pytest.raises(ValueError, match=r"adapter\.onnx differs from its network by"):
        export.export_adapter(trained, BASE, tmp_path / "adapter.onnx", seed=1)
