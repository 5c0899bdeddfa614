"""The local stack's key rings for readers: made once, kept with its data."""

from datetime import UTC, datetime
from pathlib import Path

from models.keyring import new_keyring, write_keyring


def pseudonyms_file(state_dir: Path) -> Path:
    """The ring that raw reader ids become user keys with."""
    return state_dir / "keys" / "pseudonyms.toml"


def profiles_file(state_dir: Path) -> Path:
    """The ring that profiles are sealed with."""
    return state_dir / "keys" / "profiles.toml"


def ensure(path: Path) -> Path:
    """The ring at a path, made if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write_keyring(new_keyring(datetime.now(UTC)), path, replace=False)
    return path
