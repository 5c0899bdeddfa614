"""Where a graph runs: the choice of a provider, what errors mean, and a device that goes away."""

import numpy as np
import onnxruntime as ort
import pytest

from models.encoder import pad
from models.opening import encoder_on
from models.session import FallbackSession, OnnxSession, Provider, classify, providers
from schemas.errors import DeviceLost, InferenceError, ModelFileError, OutOfMemory

CUDA, OPENVINO, CPU = Provider.CUDA, Provider.OPENVINO, Provider.CPU
INSTALLED = providers("auto")


@pytest.fixture
def installed(monkeypatch):
    def install(*found):
        names = [provider.onnx_name for provider in found]
        monkeypatch.setattr(ort, "get_available_providers", lambda: names)

    return install


def test_auto_tries_all_that_are_installed_best_first(installed):
    installed(CPU, OPENVINO, CUDA)
    assert providers("auto") == [CUDA, OPENVINO, CPU]
    installed(CPU, CUDA)
    assert providers("auto") == [CUDA, CPU]


def test_chosen_provider_is_the_only_one_tried(installed):
    installed(CUDA, CPU)
    assert providers("cpu") == [CPU]


def test_choice_that_is_not_installed_is_refused_with_what_there_is(installed):
    installed(OPENVINO, CPU)
    with pytest.raises(ModelFileError, match="cuda is not installed; there are openvino, cpu"):
        providers("cuda")


@pytest.mark.parametrize(
    ("message", "provider", "meaning"),
    [
        ("CUDA failure 2: out of memory ; GPU=0", CUDA, OutOfMemory),
        ("Failed to allocate memory for requested buffer of size 4096", CUDA, OutOfMemory),
        ("CUBLAS_STATUS_ALLOC_FAILED", CUDA, OutOfMemory),
        ("std::bad_alloc", CPU, OutOfMemory),
        ("MemoryError", OPENVINO, OutOfMemory),
        ("CUDA failure 719: unspecified launch failure", CUDA, DeviceLost),
        ("CUDA error cudaErrorDeviceUnavailable", CUDA, DeviceLost),
        ("CUBLAS failure 13: CUBLAS_STATUS_EXECUTION_FAILED", CUDA, DeviceLost),
        ("CUDNN_STATUS_EXECUTION_FAILED", CUDA, DeviceLost),
        ("CUDA is mentioned where no GPU runs", CPU, InferenceError),
        ("Invalid rank for input: input_ids", CUDA, InferenceError),
        ("indices element out of data bounds, idx=99999999", CPU, InferenceError),
    ],
)
def test_error_message_is_understood(message, provider, meaning):
    error = classify(message, provider)
    assert type(error) is meaning
    assert error.detail == message


class Device:
    """A session that answers with its provider until it is lost."""

    def __init__(self, provider):
        self.provider = provider
        self.failure = None

    def run(self, _):
        if self.failure:
            raise self.failure
        return {"provider": np.array([self.provider])}


class Machine:
    """Opens devices; those in `dead` are not there."""

    def __init__(self, *dead):
        self.dead = dead
        self.devices = {}

    def open(self, provider):
        if provider in self.dead:
            raise DeviceLost(f"{provider} is dead")
        self.devices[provider] = Device(provider)
        return self.devices[provider]


def answering(session):
    return session.run({})["provider"][0]


def test_lost_device_hands_over_to_the_next_and_is_counted():
    machine = Machine()
    session = FallbackSession(machine.open, [CUDA, CPU])
    assert (answering(session), session.devices_lost) == ("cuda", 0)
    machine.devices[CUDA].failure = DeviceLost("gone")
    assert (answering(session), session.devices_lost) == ("cpu", 1)
    assert session.provider is CPU
    assert answering(session) == "cpu"


def test_device_that_does_not_open_is_skipped_and_counted():
    session = FallbackSession(Machine(CUDA, OPENVINO).open, [CUDA, OPENVINO, CPU])
    assert (answering(session), session.devices_lost) == ("cpu", 2)


def test_next_device_that_does_not_open_is_skipped_too():
    machine = Machine(OPENVINO)
    session = FallbackSession(machine.open, [CUDA, OPENVINO, CPU])
    machine.devices[CUDA].failure = DeviceLost("gone")
    assert (answering(session), session.devices_lost) == ("cpu", 2)


def test_last_device_lost_is_a_broken_world():
    machine = Machine()
    session = FallbackSession(machine.open, [CUDA])
    machine.devices[CUDA].failure = DeviceLost("gone")
    with pytest.raises(ModelFileError, match="no execution provider is left"):
        session.run({})


@pytest.mark.parametrize("choice", [[], [CUDA]])
def test_no_device_at_all_is_a_broken_world(choice):
    with pytest.raises(ModelFileError, match="no execution provider is left"):
        FallbackSession(Machine(CUDA).open, choice)


@pytest.mark.parametrize("failure", [OutOfMemory("full"), InferenceError("bad")])
def test_failure_of_a_batch_is_no_reason_to_leave_the_device(failure):
    machine = Machine()
    session = FallbackSession(machine.open, [CUDA, CPU])
    machine.devices[CUDA].failure = failure
    with pytest.raises(type(failure)):
        session.run({})
    assert (session.provider, session.devices_lost) == (CUDA, 0)


# The shipped graph.


@pytest.mark.parametrize("provider", INSTALLED)
def test_missing_file_is_named(tmp_path, provider):
    with pytest.raises(ModelFileError, match=r"nowhere\.onnx does not open on"):
        OnnxSession(tmp_path / "nowhere.onnx", provider, threads=1)


@pytest.mark.parametrize("content", [b"", b"no graph at all", b"\x00" * 1000])
@pytest.mark.parametrize("provider", INSTALLED)
def test_corrupt_file_is_named(tmp_path, provider, content):
    file = tmp_path / "broken.onnx"
    file.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"broken\.onnx does not open on"):
        OnnxSession(file, provider, threads=1)


@pytest.fixture(scope="module")
def graph(manifest, embedding_route):
    """A shipped graph."""
    return manifest.model_file(embedding_route.model)


def test_truncated_graph_is_refused(tmp_path, graph):
    file = tmp_path / "half.onnx"
    file.write_bytes(graph.read_bytes()[:1_000_000])
    with pytest.raises(ModelFileError, match=r"half\.onnx does not open on"):
        OnnxSession(file, INSTALLED[0], threads=1)


@pytest.mark.skipif(CUDA in INSTALLED, reason="needs a machine without CUDA")
def test_provider_without_its_device_counts_as_lost(graph):
    with pytest.raises(DeviceLost, match="cuda is installed but has no device"):
        OnnxSession(graph, CUDA, threads=1)


@pytest.fixture(scope="module")
def cpu(graph):
    return OnnxSession(graph, CPU, threads=2)


@pytest.mark.parametrize(
    "array",
    [np.zeros(3, np.int64), np.full((1, 2), 10**9, np.int64)],
    ids=["wrong rank", "token out of range"],
)
def test_input_the_graph_cannot_take_is_an_inference_error(cpu, array):
    with pytest.raises(InferenceError):
        cpu.run(dict.fromkeys(cpu.inputs, array))


def test_session_works_on_after_an_inference_error(cpu, sentence_encoder, embedding_route):
    inputs = pad([sentence_encoder.tokenize("")])
    with pytest.raises(InferenceError):
        cpu.run(inputs | {"input_ids": inputs["input_ids"] + 10**9})
    assert len(cpu.run(inputs)[embedding_route.output]) == 1


@pytest.mark.parametrize("provider", [p for p in INSTALLED if p is not CPU])
def test_providers_agree(manifest, cpu, graph, embedding_route, provider):
    texts = ["", "Bridge reopens", "The council voted late on Tuesday to reopen the bridge. " * 8]
    vectors = []
    for session in (cpu, OnnxSession(graph, provider, threads=2)):
        encoder = encoder_on(session, manifest, embedding_route.model)
        answers = encoder.run([encoder.tokenize(text) for text in texts])
        vectors.append([answer[embedding_route.output] for answer in answers])
    for one, other in zip(*vectors, strict=True):
        assert one @ other > 0.99
