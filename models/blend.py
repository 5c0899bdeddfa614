"""Several models' outputs weighed together: classifiers that err on different texts.

A blend is a linear function of what other models of the manifest say of a text, for example of the
logits of an encoder's head and of a classifier over n-grams.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from models.encoder import Outputs
from models.ngrams import read_tensors
from schemas.errors import ModelFileError

OUTPUT = "logits"
"""The one output of a blend."""
BIAS = "bias"


def tensor_name(part: str, output: str) -> str:
    """The tensor that weighs an output of a part.

    >>> tensor_name("comments", "toxicity_comments")
    'comments/toxicity_comments'
    """
    return f"{part}/{output}"


class Blend:
    """A blend of some models, its parts.

    The file, safetensors: `bias` float32 (labels,), and for each output of a part that counts
    `PART/OUTPUT` float32 (columns of the output, labels). Raises ModelFileError.
    """

    def __init__(self, path: Path, parts: Sequence[str]) -> None:
        stored = read_tensors(path)
        if BIAS not in stored:
            raise ModelFileError(f"blend {path} has no tensor {BIAS}")
        self._bias = stored.pop(BIAS)
        self._weights = {
            (part, output): weights
            for name, weights in stored.items()
            for part, _, output in [name.partition("/")]
        }
        weighed = {part for part, _ in self._weights}
        if weighed != set(parts):
            raise ModelFileError(
                f"blend {path} weighs {', '.join(sorted(weighed))}, "
                f"but the manifest names {', '.join(sorted(parts))}"
            )
        self.parts = tuple(parts)
        self._path = path

    def outputs(self, of_parts: Mapping[str, Outputs]) -> Outputs:
        """What the blend says of a text from what its parts say. Raises ModelFileError where they
        do not answer as the file expects.
        """
        logits = self._bias
        for (part, output), weights in self._weights.items():
            answer = of_parts[part].get(output)
            if answer is None or answer.shape != weights.shape[:1]:
                raise ModelFileError(
                    f"blend {self._path} needs {weights.shape[0]} columns of output {output} of "
                    f"model {part}, which "
                    + ("has no such output" if answer is None else f"has shape {answer.shape}")
                )
            logits = logits + answer @ weights
        return {OUTPUT: logits.astype(np.float32)}
