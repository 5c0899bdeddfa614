"""A small graph that is put onto a released one when it is opened."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from models.grafts import PREFIX
from models.manifest import SHIPPED, ModelEntry, read
from models.session import OnnxSession, Provider, providers
from schemas.errors import ModelFileError

FLOAT = TensorProto.FLOAT
ON = [provider for provider in providers("auto") if provider is not Provider.CUDA]
GIVEN = {"given": np.array([[1.0, -2.0]], np.float32)}


def value(name):
    return helper.make_tensor_value_info(name, FLOAT, ["batch", "tokens"])


@pytest.fixture
def graph(tmp_path):
    """Doubles what is given; `entities` is that with the other sign, `importance` the double."""
    nodes = [
        helper.make_node("Add", ["given", "given"], ["inside"], name="double"),
        helper.make_node("Neg", ["inside"], ["entities"], name="turn"),
        helper.make_node("Identity", ["inside"], ["importance"], name="told"),
    ]
    outputs = [value("entities"), value("importance")]
    made = helper.make_graph(nodes, "released", [value("given")], outputs)
    model = helper.make_model(made, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.save(model, tmp_path / "released.onnx")
    return tmp_path / "released.onnx"


@pytest.fixture
def graft(tmp_path):
    """Writes a graft that answers `entities` with the absolute value of a tensor."""

    def write(tensor):
        bare = onnx.ModelProto()
        answer = PREFIX + "entities"
        bare.graph.node.append(helper.make_node("Abs", [tensor], [answer], name=PREFIX + "abs"))
        bare.graph.output.append(value(answer))
        (tmp_path / "graft.onnx").write_bytes(bare.SerializeToString())
        return tmp_path / "graft.onnx"

    return write


@pytest.mark.parametrize("provider", ON)
def test_graft_answers_in_place_of_the_output_of_its_name_and_of_no_other(graph, graft, provider):
    plain = OnnxSession(graph, provider, threads=1).run(GIVEN)
    grown = OnnxSession(graph, provider, threads=1, graft=graft("inside")).run(GIVEN)
    assert {name: answer.tolist() for name, answer in plain.items()} == {
        "entities": [[-2.0, 4.0]],
        "importance": [[2.0, -4.0]],
    }
    assert {name: answer.tolist() for name, answer in grown.items()} == {
        "entities": [[2.0, 4.0]],
        "importance": [[2.0, -4.0]],
    }


@pytest.mark.parametrize("provider", ON)
def test_graft_that_fits_another_graph_is_refused(graph, graft, provider):
    with pytest.raises(ModelFileError, match=r"released\.onnx does not open on"):
        OnnxSession(graph, provider, threads=1, graft=graft("elsewhere"))


@pytest.fixture
def entry():
    return read(SHIPPED).entry("minilm").model_dump()


def test_graft_and_its_digest_belong_together(entry):
    with pytest.raises(ValueError, match="graft and its sha256 belong together"):
        ModelEntry.model_validate(entry | {"graft": "graft.onnx"})


@pytest.mark.parametrize("other", ["adapter", "gpu_file"])
def test_model_of_two_graphs_has_no_graft(entry, other):
    sha256 = f"{other.removesuffix('_file')}_sha256"
    two = {other: "other.onnx", sha256: "c0ffee", "graft": "graft.onnx", "graft_sha256": "c0ffee"}
    with pytest.raises(ValueError, match="a graft fits one graph"):
        ModelEntry.model_validate(entry | two)


def test_head_on_a_graft_has_a_version_of_its_own():
    manifest = read(SHIPPED)
    route = manifest.heads("entities/news")[0].model_copy(update={"version": "9.1"})
    assert manifest.answered_by(route) == "news-9.1"
    plain = manifest.heads("embedding")[0]
    assert manifest.answered_by(plain) == f"news-{manifest.entry('news').version}"
