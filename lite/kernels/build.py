"""Compiles the kernels to WebAssembly and puts them, with the Python beside them, into a wheel.

The compiler is a package, so there is no binary in the repository. It makes what the loader of
Pyodide calls a side module: code without a memory of its own, that can be placed anywhere.
"""

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent
NAME, VERSION = "tinytorch_wasm", "0.1.0"
LIBRARY = "kernels.wasm"
# What every browser has that runs Pyodide; no relaxed SIMD, whose results depend on the processor.
FEATURES = "generic+simd128+bulk_memory+mutable_globals+sign_ext+nontrapping_fptoint"
COMPILE = (
    *("cc", "-c", "-target", "wasm32-freestanding", f"-mcpu={FEATURES}", "-std=c17", "-O2"),
    # Loops are written four numbers wide already; more unrolling only makes the file larger.
    *("-fno-unroll-loops", "-fno-vectorize", "-fno-slp-vectorize", "-ffp-contract=off"),
    *("-fPIC", "-ffreestanding", "-fno-math-errno", "-fvisibility=hidden"),
    *("-Wall", "-Wextra", "-Werror"),
)
LINK = (
    *("wasm-ld", "-shared", "--experimental-pic", "--no-entry", "--import-memory"),
    *("--export-dynamic", "--strip-all"),
)
# All that the interpreter lends the module.
LENT = {"memory", "__indirect_function_table", "__memory_base", "__table_base", "__stack_pointer"}
MOMENT = (2020, 1, 1, 0, 0, 0)  # the time in the wheel: the same bytes everywhere
METADATA = f"""\
Metadata-Version: 2.4
Name: {NAME.replace("_", "-")}
Version: {VERSION}
Summary: WebAssembly kernels that work in place on NumPy's arrays, for Pyodide.
License-Expression: MIT
Requires-Dist: numpy
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: tinytorch\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class BuildError(Exception):
    """The compiler refused, or what it made is not what the loader needs."""


def build(target: Path) -> Path:
    """Compile and pack into the folder `target`; the wheel's path."""
    target.mkdir(parents=True, exist_ok=True)
    library = compile_library(target)
    package = {f"{NAME}/{path.name}": path for path in sorted((FOLDER / NAME).glob("*.py"))}
    members = {name: path.read_bytes() for name, path in package.items()}
    members[f"{NAME}/{LIBRARY}"] = library.read_bytes()
    wheel = target / f"{NAME}-{VERSION}-py3-none-any.whl"
    pack(members, wheel)
    return wheel


def compile_library(target: Path) -> Path:
    """Compile the C sources in `src` to a side module in `target`; its path."""
    objects = []
    for source in sorted((FOLDER / "src").glob("*.c")):
        made = target / f"{source.stem}.o"
        zig(target / "cache", *COMPILE, str(source), "-o", str(made))
        objects.append(str(made))
    library = target / LIBRARY
    zig(target / "cache", *LINK, *objects, "-o", str(library))
    check(library.read_bytes())
    return library


def zig(cache: Path, *arguments: str) -> None:
    """Run the compiler; `BuildError` with what it says if it fails."""
    command = [sys.executable, "-m", "ziglang", *arguments]
    # Its cache goes where everything that is built goes.
    places = dict.fromkeys(("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"), str(cache.resolve()))
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **places}
    )
    if done.returncode:
        raise BuildError(f"{' '.join(arguments[:2])} failed:\n{done.stderr[-4000:]}")


def check(module: bytes) -> None:
    """`BuildError` unless a module is one that can be loaded, and asks for nothing unforeseen."""
    sections = list(read_sections(module))
    if not sections or sections[0][0] != 0 or not sections[0][1].startswith(b"\x08dylink.0"):
        raise BuildError("the first section must be dylink.0: it says that this is a side module")
    names = {name for kind, body in sections if kind == 2 for name in imported(body)}
    if names - LENT:
        raise BuildError(f"the module asks for {sorted(names - LENT)}, which nobody has")


def read_sections(module: bytes) -> list[tuple[int, bytes]]:
    """(kind, content) of each section of a WebAssembly module."""
    if module[:8] != b"\0asm\1\0\0\0":
        raise BuildError("not a WebAssembly module")
    sections, at = [], 8
    while at < len(module):
        kind = module[at]
        size, start = number(module, at + 1)
        sections.append((kind, module[start : start + size]))
        at = start + size
    return sections


def imported(section: bytes) -> list[str]:
    """The names that an import section asks for."""
    count, at = number(section, 0)
    names = []
    for _ in range(count):
        for _ in range(2):  # the module's name, then the thing's
            size, start = number(section, at)
            name, at = section[start : start + size].decode(), start + size
        names.append(name)
        at = after_description(section, at)
    return names


def after_description(section: bytes, at: int) -> int:
    """Where an import ends: a function, a table, a memory or a global variable."""
    kind, at = section[at], at + 1
    if kind == 0:
        return number(section, at)[1]
    if kind == 3:
        return at + 2
    at += kind == 1  # the type of a table's elements
    limits, at = section[at], at + 1
    for _ in range(1 + (limits & 1)):
        at = number(section, at)[1]
    return at


def number(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number and where it ends."""
    value = shift = 0
    while True:
        byte, at = data[at], at + 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def pack(members: dict[str, bytes], wheel: Path) -> None:
    """Write a wheel of these files, with its metadata."""
    info = f"{NAME}-{VERSION}.dist-info"
    members = {
        **members,
        f"{info}/METADATA": METADATA.encode(),
        f"{info}/WHEEL": WHEEL.encode(),
        f"{info}/licenses/LICENSE": (FOLDER.parents[1] / "LICENSE").read_bytes(),
    }
    record = "".join(f"{name},{digest(data)},{len(data)}\n" for name, data in members.items())
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, MOMENT), data, zipfile.ZIP_DEFLATED, 9)


def digest(data: bytes) -> str:
    """A hash as a wheel's record has it."""
    hashed = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return "sha256=" + hashed.decode().rstrip("=")


def main(arguments: Sequence[str]) -> None:
    """`python build.py FOLDER`: build the wheel there."""
    print(build(Path(arguments[0])))


if __name__ == "__main__":
    main(sys.argv[1:])
