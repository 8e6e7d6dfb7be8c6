"""Makes `build/pyodide/` of the gathered files and our own wheel, with a lock file of its own.

Pyodide's official lock file does not fit: it lacks wheels the kernel needs, and its pure wheels
are repacked, so they have other hashes than the registry's.
"""

import hashlib
import json
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .sources import Sources, sha256

LOCK = "pyodide-lock.json"


@dataclass(frozen=True)
class OwnWheel:
    """A wheel built from this tree, and what it needs at import in the page."""

    path: Path
    depends: tuple[str, ...]


def assemble(
    sources: Sources, files: dict[str, Path], own: list[OwnWheel], target: Path
) -> dict[str, Any]:
    """Fill `target` with the distribution, delete what is no part of it, return the lock."""
    target.mkdir(parents=True, exist_ok=True)
    packages: dict[str, Any] = {}
    for core in sources.core:
        if core.file != LOCK:
            place(files[core.file], target / core.file)
    for wheel in sources.wheels:
        place(files[wheel.file], target / wheel.file)
        packages[wheel.name] = entry(files[wheel.file], wheel.file, wheel.sha256, wheel.depends)
    for mine in own:
        name, version = mine.path.name.split("-")[:2]
        digest = sha256(mine.path)
        # The hash in the name (as the wheel format's build tag) keeps browsers from a stale copy.
        file = f"{name}-{version}-0{digest[:12]}-py3-none-any.whl"
        place(mine.path, target / file)
        packages[name] = entry(mine.path, file, digest, mine.depends)
    lock: dict[str, Any] = json.loads(files[LOCK].read_text(encoding="utf-8"))
    lock["packages"] = packages
    text = json.dumps(lock, indent=1, sort_keys=True) + "\n"
    (target / LOCK).write_text(text, encoding="utf-8")
    wanted = {core.file for core in sources.core} | {p["file_name"] for p in packages.values()}
    for path in target.iterdir():
        if path.name not in wanted:
            path.unlink()
    return lock


def place(source: Path, target: Path) -> None:
    """Copy a file unless it is there already, never leaving half of one."""
    if target.exists() and same(source, target):
        return
    partial = target.with_name(target.name + ".new")
    shutil.copyfile(source, partial)
    partial.replace(target)


def same(one: Path, other: Path) -> bool:
    """Whether two files have the same bytes."""
    return one.stat().st_size == other.stat().st_size and sha256(one) == sha256(other)


def entry(path: Path, file: str, digest: str, depends: tuple[str, ...]) -> dict[str, Any]:
    """A wheel's entry in the lock file."""
    with zipfile.ZipFile(path) as archive:
        metadata = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode("utf-8")
        imports = sorted({top_level(n) for n in archive.namelist()} - {""})
    found = {m[1]: m[2] for m in re.finditer(r"^(Name|Version): (.*?)\s*$", text, re.MULTILINE)}
    return {
        "name": found["Name"],
        "version": found["Version"],
        "file_name": file,
        "sha256": digest,
        "imports": imports,
        "depends": sorted(depends),
        "install_dir": "site",
        "package_type": "package",
        "unvendored_tests": False,
    }


def top_level(member: str) -> str:
    """The module or package that a file of a wheel belongs to, or an empty string."""
    first = member.split("/")[0]
    if not member.endswith((".py", ".so")) or "." in first.removesuffix(".py"):
        return ""
    return first.removesuffix(".py")


def fingerprint(sources_file: Path, own: list[OwnWheel]) -> str:
    """Changes when the distribution would."""
    parts = [sha256(sources_file), *(sha256(w.path) + repr(w.depends) for w in own)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
