"""ONNX sessions: where a model runs, and what happens when the device fails."""

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from models.grafts import answering, joined
from schemas.errors import DeviceLost, InferenceError, ModelFileError, OutOfMemory

Array = npt.NDArray[Any]
Arrays = dict[str, Array]


class Provider(StrEnum):
    """An ONNX Runtime execution provider, best first."""

    CUDA = "cuda"
    OPENVINO = "openvino"
    CPU = "cpu"

    @property
    def onnx_name(self) -> str:
        """As ONNX Runtime calls it."""
        return {
            Provider.CUDA: "CUDAExecutionProvider",
            Provider.OPENVINO: "OpenVINOExecutionProvider",
            Provider.CPU: "CPUExecutionProvider",
        }[self]


class Session(Protocol):
    """Runs a graph: named input arrays to named output arrays."""

    def run(self, inputs: Mapping[str, Array]) -> Arrays:
        """Raises OutOfMemory, DeviceLost or InferenceError."""
        ...


class OnnxSession:
    """One graph on one provider; `inputs` are the names of what it takes.

    threads  CPU threads, shared among the streams
    streams  runs that callers start side by side
    weights  those that its file lacks, by name
    graft    a small graph that is put onto it (models.grafts)
    """

    def __init__(
        self,
        path: Path,
        provider: Provider,
        *,
        threads: int,
        streams: int = 1,
        weights: Mapping[str, ort.OrtValue] = MappingProxyType({}),
        graft: Path | None = None,
    ) -> None:
        self._weights = weights  # the graph reads them where they lie
        options = ort.SessionOptions()
        options.add_external_initializers(list(weights), list(weights.values()))
        options.intra_op_num_threads = 1 if provider is Provider.OPENVINO else threads
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(
                str(path) if graft is None else joined(path, graft),
                options,
                providers=[(provider.onnx_name, _provider_options(provider, threads, streams))],
            )
        except ORT_ERRORS as error:
            raise ModelFileError(f"model {path} does not open on {provider}: {error}") from error
        if self._session.get_providers()[0] != provider.onnx_name:
            raise DeviceLost(f"{provider} is installed but has no device that answers")
        self._outputs = answering(output.name for output in self._session.get_outputs())
        self.inputs = tuple(given.name for given in self._session.get_inputs())
        self.provider = provider

    def run(self, inputs: Mapping[str, Array]) -> Arrays:
        """Raises OutOfMemory, DeviceLost or InferenceError."""
        try:
            answers = self._session.run([*self._outputs.values()], dict(inputs))
        except RUN_FAILURES as error:
            raise classify(str(error) or type(error).__name__, self.provider) from error
        return dict(zip(self._outputs, answers, strict=True))


class FallbackSession:
    """A graph on the first provider that works; the next takes over when a device is lost.

    `devices_lost` counts how often that happened.
    """

    def __init__(
        self, open_session: Callable[[Provider], Session], providers: Sequence[Provider]
    ) -> None:
        self._open = open_session
        self._remaining = list(providers)
        self.devices_lost = 0
        self._switching = threading.Lock()
        self._session = self._next()

    @property
    def provider(self) -> Provider:
        """Where the graph runs now."""
        return self._current

    def run(self, inputs: Mapping[str, Array]) -> Arrays:
        """Raises OutOfMemory or InferenceError; DeviceLost only when no provider is left."""
        while True:
            session = self._session
            try:
                return session.run(inputs)
            except DeviceLost:
                with self._switching:
                    if self._session is session:  # no other stream was quicker
                        self.devices_lost += 1
                        self._session = self._next()

    def _next(self) -> Session:
        while self._remaining:
            self._current = self._remaining.pop(0)
            try:
                return self._open(self._current)
            except DeviceLost:
                self.devices_lost += 1
        raise ModelFileError("no execution provider is left to run the model on")


def providers(choice: str) -> list[Provider]:
    """The providers to try, best first: all that are installed for `auto`, else one.

    Raises ModelFileError when the chosen one is not installed.
    """
    installed = [p for p in Provider if p.onnx_name in ort.get_available_providers()]
    if choice == "auto":
        return installed
    if Provider(choice) not in installed:
        raise ModelFileError(
            f"execution provider {choice} is not installed; there are {', '.join(installed)}"
        )
    return [Provider(choice)]


def classify(message: str, provider: Provider) -> InferenceError:
    """What an ONNX Runtime error means for the batch it stopped.

    >>> type(classify("CUDA failure 2: out of memory", Provider.CUDA)).__name__
    'OutOfMemory'
    >>> type(classify("CUDA failure 719: unspecified launch failure", Provider.CUDA)).__name__
    'DeviceLost'
    """
    if _OUT_OF_MEMORY.search(message):
        return OutOfMemory(message)
    if provider is Provider.CUDA and _CUDA_FAILURE.search(message):
        return DeviceLost(message)
    return InferenceError(message)


def _provider_options(provider: Provider, threads: int, streams: int) -> dict[str, str]:
    """OpenVINO: full precision beside int8; unpinned, or two sessions share one core."""
    if provider is not Provider.OPENVINO:
        return {}
    device = {"CPU": {"INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": "NO"}}
    return {
        "device_type": "CPU",
        "num_of_threads": str(threads),
        "num_streams": str(streams),
        "load_config": json.dumps(device),
    }


_OUT_OF_MEMORY = re.compile(
    r"out of memory|failed to allocate|bad.?alloc|alloc_failed|MemoryError", re.IGNORECASE
)
_CUDA_FAILURE = re.compile(r"CUDA|CUBLAS|CUDNN", re.IGNORECASE)
ORT_ERRORS: tuple[type[Exception], ...] = tuple(
    error
    for error in vars(ort_errors).values()
    if isinstance(error, type) and issubclass(error, Exception)
)
RUN_FAILURES: tuple[type[Exception], ...] = (*ORT_ERRORS, RuntimeError, MemoryError)
