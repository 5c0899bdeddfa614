"""A drop folder: partners put files there, each is read once."""

import asyncio
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from ingest.entry import Entry
from ingest.files import FileFormat, format_of, read_file
from ingest.normalise import entry_of_page
from ingest.sources.source import Memory, Polled, SourceSettings
from ingest.web import Web
from schemas.errors import SetupError


class FolderSettings(SourceSettings):
    """path      the folder; its files are never changed
    pattern   which of its files
    format    of all files; by name when absent
    settled_s a file that changed since is still being written
    """

    path: Path
    pattern: str = "*"
    format: FileFormat | None = None
    settled_s: float = Field(default=2.0, ge=0)

    @property
    def label(self) -> str:
        """Name, else the path."""
        return self.name or str(self.path)


class FolderSource:
    """Memory: `files`, name to size and time of change of those that were read.

    A file that changes is read again: its articles are versions. Files whose names begin with a
    dot or end in `.tmp` or `.part` are not there yet.
    """

    Settings: ClassVar[type[SourceSettings]] = FolderSettings

    def __init__(self, settings: FolderSettings) -> None:
        self._settings = settings

    async def poll(self, web: Web, memory: Memory, *, now_ms: int) -> Polled:  # noqa: ARG002
        return await asyncio.to_thread(self._read, dict(memory.get("files", {})), now_ms)

    def _read(self, known: dict[str, Any], now_ms: int) -> Polled:
        s = self._settings
        entries: list[Entry] = []
        faults: dict[str, int] = {}
        files = {}
        if not s.path.is_dir():
            raise SetupError(f"{s.path} is no folder; make it, or correct `path`")
        for file in sorted(s.path.glob(s.pattern)):
            if not file.is_file() or file.name.startswith(".") or file.suffix in (".tmp", ".part"):
                continue
            stat = file.stat()
            stamp = [stat.st_size, stat.st_mtime_ns]
            if now_ms - stat.st_mtime_ns // 1_000_000 < s.settled_s * 1000:
                continue
            files[file.name] = stamp
            if known.get(file.name) == stamp:
                continue
            try:
                for found in read_file(str(file), s.format or format_of(str(file)), now_ms=now_ms):
                    if found.fault:
                        faults["bad_item"] = faults.get("bad_item", 0) + 1
                    else:
                        entries.append(entry_of_page(found.entry, found.page))
            except SetupError:
                faults["bad_file"] = faults.get("bad_file", 0) + 1
        return Polled(entries=entries, memory={"files": files}, faults=faults)
