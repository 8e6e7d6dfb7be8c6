"""Makes `build/pyodide/` of the gathered files and our own wheel, with a lock file of its own.

Pyodide's official lock file does not fit: it lacks wheels the kernel needs, and its pure wheels
are repacked, so they have other hashes than the registry's.
"""

import json
import shutil
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

from .sources import Sources, sha256

LOCK = "pyodide-lock.json"
NOTICE = "NOTICE.txt"
INTERPRETER = """\
This folder holds Pyodide (MPL-2.0, https://github.com/pyodide/pyodide), with CPython
(PSF-2.0) in it, and these packages, unchanged, each with its license inside its wheel:

"""


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
        packages[name.replace("_", "-")] = entry(mine.path, file, digest, mine.depends)
    lock: dict[str, Any] = json.loads(files[LOCK].read_text(encoding="utf-8"))
    lock["packages"] = packages
    text = json.dumps(lock, indent=1, sort_keys=True) + "\n"
    (target / LOCK).write_text(text, encoding="utf-8")
    wheels = {p["file_name"] for p in packages.values()}
    (target / NOTICE).write_text(notice([target / name for name in sorted(wheels)]), "utf-8")
    wanted = {core.file for core in sources.core} | wheels | {LOCK, NOTICE}
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
        imports = sorted({top_level(n) for n in archive.namelist()} - {""})
    found = metadata(path)
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


def metadata(path: Path) -> Message:
    """The metadata of a wheel, which has the format of a mail's head."""
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode("utf-8"), headersonly=True)


def notice(wheels: list[Path]) -> str:
    """What the folder holds and under which licenses, for those who pass it on."""
    lines = []
    for path in wheels:
        found = metadata(path)
        kinds = [c for c in found.get_all("Classifier", []) if c.startswith("License ::")]
        named = found["License-Expression"] or (kinds and kinds[0].split(" :: ")[-1])
        first = (found["License"] or "see its wheel").strip().splitlines()[0]
        lines.append(f"{found['Name']} {found['Version']}: {named or first}\n")
    return INTERPRETER + "".join(lines)


def top_level(member: str) -> str:
    """The module or package that a file of a wheel belongs to, or an empty string."""
    first = member.split("/")[0]
    if not member.endswith((".py", ".so")) or "." in first.removesuffix(".py"):
        return ""
    return first.removesuffix(".py")
