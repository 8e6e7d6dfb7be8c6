"""Stamps: a phase is done again only when the bytes it reads have changed."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from .console import BUILD, ROOT

STAMPS = BUILD / ".stamps"
SKIPPED = {"__pycache__", "node_modules", "hidden"}


def files(paths: Iterable[str | Path]) -> Iterator[Path]:
    """The files among `paths` and under them, sorted, less what no phase reads."""
    for name in paths:
        path = ROOT / name
        if path.is_file():
            yield path
        elif path.is_dir():
            for folder, folders, names in os.walk(path):
                folders[:] = sorted(filter(_read, folders))
                for file in sorted(filter(_read, names)):
                    yield Path(folder, file)


def _read(name: str) -> bool:
    """Whether a name is a source: not a cache, not a tool's or a desktop's own file."""
    return name not in SKIPPED and not name.startswith(".")


def digest(paths: Iterable[str | Path], *more: str) -> str:
    """A hash over the names and bytes of these files and folders, and over `more`."""
    total = hashlib.sha256("\0".join(more).encode())
    for path in files(paths):
        total.update(f"\0{path.relative_to(ROOT).as_posix()}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def modified(paths: Iterable[str | Path]) -> dict[Path, int]:
    """When each file was last changed: the cheap look for a watcher."""
    seen = {}
    for path in files(paths):
        try:
            seen[path] = path.stat().st_mtime_ns
        except FileNotFoundError:
            continue  # an editor's temporary file, gone again
    return seen


def read(name: str) -> str:
    """The stamp of a phase, or an empty string."""
    path = STAMPS / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def write(name: str, value: str) -> None:
    """Record that a phase was done for the inputs with this digest; empty: was not."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(value, encoding="utf-8")
