"""What `wiredesk train` is asked for beside a configuration."""

from dataclasses import dataclass
from pathlib import Path

from schemas.errors import SettingError
from training.configuration import EncoderConfig, HeadConfig, ScorerConfig, Trainable

KEEPING = (HeadConfig, EncoderConfig, ScorerConfig)
"""What a run keeps weights of, to go on from or to release later."""


@dataclass(frozen=True)
class Order:
    """How something is trained, and what becomes of it.

    runs          where runs keep their weights
    version       that is released in the manifest when done; None: nothing is
    release_only  the run's weights are released as they are
    resume        goes on after the last epoch
    limit         rows of each set, for a trial
    only          the head of a shared encoder that is trained alone
    layers        top layers that this head gets of its own, on the shared run; None: all
    half          whether a released encoder is written in float16, too: for GPUs
    """

    data: Path
    runs: Path
    manifest: Path
    version: str | None = None
    release_only: bool = False
    resume: bool = False
    limit: int | None = None
    only: str | None = None
    half: bool = False
    layers: int | None = None

    def require_possible(self, config: Trainable) -> None:
        """Raises SettingError for what cannot be had of a configuration."""
        if self.release_only and self.version is None:
            raise SettingError("--release-only exports a version: give it with --release")
        if (self.release_only or self.resume) and not isinstance(config, KEEPING):
            raise SettingError(
                f"{config.name} keeps no weights between runs: it has neither --resume nor "
                "--release-only"
            )
        if self.half and (self.version is None or not isinstance(config, EncoderConfig)):
            raise SettingError("--fp16 writes a shared encoder anew: give it with --release")
        if self.version is not None and isinstance(config, HeadConfig) and config.rank is None:
            raise SettingError(
                f"{config.name} changes all weights of the encoder, so it cannot be released as an "
                "adapter: give it a rank, or release the encoder that it shares"
            )
        if self.layers is not None and self.only is None:
            raise SettingError("--own-layers are of one head: name it with --only")
        if self.only is None:
            return
        if not isinstance(config, EncoderConfig) or self.only not in config.heads:
            raise SettingError(
                f"--only takes a head of a shared encoder; {config.name} has no {self.only}"
            )
        if self.version is not None:
            raise SettingError("--only trains for a comparison: there is nothing to release")
