"""The models that some routes name, open: a text through several of them, side by side."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from models.adapters import AdapterSession
from models.batching import BatchPolicy
from models.encoder import Outputs, Tokens
from models.manifest import Manifest, Route
from models.micro_batcher import MicroBatcher
from models.opening import Reader, encoder_on, open_blend, open_reader, open_session
from models.session import FallbackSession, providers
from schemas.errors import InferenceError, ModelFileError


class Pass(NamedTuple):
    """What a model read of a text, and what it says.

    head  the first characters of the text; the tokens' offsets count in it
    """

    head: str
    tokens: Tokens
    outputs: Outputs


class Passes:
    """Session, encoder and batcher of each model; concurrent calls share batches.

    Lives on one event loop.
    """

    def __init__(
        self,
        manifest: Manifest,
        routes: Sequence[Route],
        *,
        provider: str,
        threads: int,
        streams: int,
        batch: BatchPolicy,
    ) -> None:
        self._manifest = manifest
        asked = dict.fromkeys(route.model for route in routes)
        self._blends = {
            model: blend for model in asked if (blend := open_blend(manifest, model)) is not None
        }
        names = dict.fromkeys(part for model in asked for part in manifest.parts(model))
        self._readers: dict[str, Reader] = {
            model: reader for model in names if (reader := open_reader(manifest, model)) is not None
        }
        self.sessions: dict[str, FallbackSession | AdapterSession] = {
            model: open_session(
                manifest, model, providers(provider), threads=threads, streams=streams
            )
            for model in names
            if model not in self._readers
        }
        self.encoders = {
            model: encoder_on(session, manifest, model) for model, session in self.sessions.items()
        }
        self.batchers: dict[str, MicroBatcher[Tokens, Outputs]] = {
            model: MicroBatcher(encoder.run, length=len, policy=batch, streams=streams)
            for model, encoder in self.encoders.items()
        }

    async def read(self, heads: Sequence[tuple[str, str]]) -> list[Pass]:
        """A pass for each (model, head of the text). Raises InferenceError.

        A model reads a head once, alone or as a part of blends. A blend's pass has the tokens of
        its first part.
        """
        needed = dict.fromkeys(
            (part, head[: self.characters(part)])
            for model, head in heads
            for part in self._manifest.parts(model)
        )
        passes = await asyncio.gather(*(self._pass(model, head) for model, head in needed))
        found = dict(zip(needed, passes, strict=True))
        return [self._blended(model, head, found) for model, head in heads]

    def _blended(self, model: str, head: str, found: Mapping[tuple[str, str], Pass]) -> Pass:
        of_parts = {
            part: found[part, head[: self.characters(part)]] for part in self._manifest.parts(model)
        }
        if model not in self._blends:
            return of_parts[model]
        outputs = self._blends[model].outputs({part: p.outputs for part, p in of_parts.items()})
        return next(iter(of_parts.values()))._replace(outputs=outputs)

    async def _pass(self, model: str, head: str) -> Pass:
        if model in self._readers:
            return Pass(head, *self._readers[model].read(head))
        tokens = self.encoders[model].tokenize(head)
        return Pass(head, tokens, await self.batchers[model].submit(tokens))

    def characters(self, model: str) -> int:
        """Of a text that a model looks at."""
        if model in self._blends:
            return max(map(self.characters, self._blends[model].parts))
        if model in self._readers:
            return self._readers[model].max_characters
        return self.encoders[model].max_characters

    def warm_up(self) -> None:
        """Run every graph once: the first text does not pay for compilation, and a graph that does
        not answer as the manifest says is found at once. Raises ModelFileError.
        """
        answers: dict[str, Outputs] = {}
        for model, encoder in self.encoders.items():
            (answer,) = encoder.run([encoder.tokenize("warm up")])
            if isinstance(answer, InferenceError):
                raise ModelFileError(f"model {model} fails on a plain text: {answer.detail}")
            answers[model] = answer
        for model, reader in self._readers.items():
            _, answers[model] = reader.read("warm up")
        answers |= {model: blend.outputs(answers) for model, blend in self._blends.items()}
        for model, answer in answers.items():
            self._check(model, answer)

    def close(self) -> None:
        """End the inference threads."""
        for batcher in self.batchers.values():
            batcher.close()

    def _check(self, model: str, answer: Outputs) -> None:
        for route in self._manifest.routes:
            if route.model == model:
                _check_answer(route, answer)


def _check_answer(route: Route, answer: Outputs) -> None:
    """Raises ModelFileError where a graph does not answer as its route says."""
    if route.output not in answer:
        raise ModelFileError(
            f"task {route.task} names output {route.output} of model {route.model}, "
            f"which has {', '.join(answer)}"
        )
    columns = answer[route.output].shape[-1]
    if route.labels and columns != len(route.labels):
        raise ModelFileError(
            f"task {route.task} has {len(route.labels)} labels, but output {route.output} of "
            f"model {route.model} has {columns} columns"
        )
