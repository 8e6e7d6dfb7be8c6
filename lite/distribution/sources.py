"""Reads `sources.toml`: every file of the distribution, with its SHA-256 and its source."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).with_name("sources.toml")


@dataclass(frozen=True)
class File:
    """One file of the distribution; `name` and `version` are empty for the interpreter's own."""

    file: str
    sha256: str
    source: str
    folder: str = ""
    name: str = ""
    version: str = ""
    depends: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mirror:
    """A package of the Python registry that carries copies of Pyodide's wheels."""

    package: str
    version: str
    file: str
    sha256: str
    folder: str


@dataclass(frozen=True)
class Sources:
    """All of `sources.toml`; `address` is where Pyodide publishes its wheels."""

    address: str
    mirror: Mirror
    core: tuple[File, ...]
    wheels: tuple[File, ...]

    @property
    def files(self) -> tuple[File, ...]:
        """The interpreter's files, then the wheels."""
        return self.core + self.wheels


def read_sources(path: Path = SOURCES) -> Sources:
    """Read `path`; a wheel that depends on one not listed is a `ValueError`."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    core = tuple(File(**entry) for entry in table["core"])
    wheels = tuple(
        File(**{**entry, "depends": tuple(entry.get("depends", ()))}) for entry in table["wheel"]
    )
    names = {wheel.name for wheel in wheels}
    for wheel in wheels:
        if missing := set(wheel.depends) - names:
            raise ValueError(f"{path}: {wheel.name} depends on {sorted(missing)}, not listed")
    return Sources(table["pyodide"]["address"], Mirror(**table["mirror"]), core, wheels)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
