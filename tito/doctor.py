"""What `tito doctor` looks at on this computer: each finding with how to mend it."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tito.course import Course
from tito.errors import TitoError
from tito.grammar import NotPython, compile_module
from tito.workspace import Workspace

GOOD, WARNING, BAD = "good", "warning", "bad"
OLDEST_PYTHON, OLDEST_NUMPY = (3, 11), (1, 26)
GIGABYTE = 1e9
MEMORY_WANTED, DISK_WANTED = 4.0, 1.0  # GB, for CIFAR-10 and its run


@dataclass(frozen=True)
class Finding:
    """One thing looked at: good, a warning or bad; what was found; how to mend it."""

    about: str
    state: str
    found: str
    mend: str = ""

    def as_json(self) -> dict[str, str]:
        """For programs."""
        return asdict(self)


def examine(course: Course, workspace: Callable[[], Workspace]) -> Iterator[Finding]:
    """All findings, in the order in which they are best mended."""
    yield python()
    yield numpy()
    yield blas()
    yield memory()
    from tito.data import cache_folder

    yield disk("disk (here)", Path.cwd())
    yield disk("disk (data)", cache_folder())
    yield console()
    yield from the_workspace(course, workspace)
    yield from data_sets()
    yield from extras()


def python() -> Finding:
    """The version, and whether it is an environment of its own."""
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("Python", BAD, found, "Install Python 3.11 or newer and make a .venv of it.")
    if sys.prefix == sys.base_prefix and not os.environ.get("CONDA_PREFIX"):
        mend = "It is the system's own. Better: python3 -m venv .venv, then install into that."
        return Finding("Python", WARNING, found, mend)
    return Finding("Python", GOOD, found)


def numpy() -> Finding:
    """Whether NumPy imports, and its version."""
    mend = f'{sys.executable} -m pip install --upgrade "numpy>=1.26"'
    try:
        import numpy as np
    except Exception as error:
        return Finding("NumPy", BAD, f"does not import: {error}", mend)
    version = tuple(int(part) for part in np.__version__.split(".")[:2])
    found = f"{np.__version__} at {Path(np.__file__).parent}"
    return (
        Finding("NumPy", GOOD, found)
        if version >= OLDEST_NUMPY
        else Finding("NumPy", BAD, found, mend)
    )


def blas() -> Finding:
    """The library behind matrix products, its threads, and how fast it is."""
    try:
        import numpy as np

        parts: Any = np.show_config(mode="dicts")
        library = parts["Build Dependencies"]["blas"]
    except Exception as error:
        return Finding("BLAS", WARNING, f"unknown ({error})", "Reinstall NumPy from a wheel.")
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
    limits = [f"{name}={os.environ[name]}" for name in names if name in os.environ]
    cores = os.cpu_count() or 1
    threads = ", ".join(limits) if limits else f"as many threads as cores ({cores})"
    speed = _products(np)
    found = f"{library['name']} {library['version']}, {threads}, {speed:.0f} GFLOP/s in float32"
    if speed < 5:
        mend = "That is slow: a NumPy without a fast BLAS? pip install --force-reinstall numpy"
        return Finding("BLAS", WARNING, found, mend)
    return Finding("BLAS", GOOD, found)


def _products(np: Any) -> float:
    """GFLOP/s of products of two matrices, the best of a few."""
    size = 768
    a = np.ones((size, size), np.float32)
    a @ a
    best = float("inf")
    for _ in range(4):
        start = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def memory() -> Finding:
    """How much there is, and how much of it is free."""
    total, free = memory_bytes()
    if total is None:
        return Finding("memory", GOOD, "cannot be read on this system")
    found = f"{total / GIGABYTE:.1f} GB"
    found += f", {free / GIGABYTE:.1f} GB free" if free is not None else ""
    if (free if free is not None else total) < MEMORY_WANTED * GIGABYTE:
        mend = "CIFAR-10 and TinyGPT want about 2 GB: close other programs before they run."
        return Finding("memory", WARNING, found, mend)
    return Finding("memory", GOOD, found)


def memory_bytes() -> tuple[int | None, int | None]:
    """Bytes of memory in all and available; None where the system does not say."""
    if sys.platform == "win32":
        return _windows_memory()
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        table = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        return table["MemTotal"], table["MemAvailable"]
    except (OSError, KeyError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), None
    except (OSError, ValueError):
        return None, None


def _windows_memory() -> tuple[int | None, int | None]:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "a", "b", "c", "d", "e")),
        )

    status = Status()
    status.length = ctypes.sizeof(Status)
    kernel32: Any = getattr(ctypes, "windll").kernel32  # noqa: B009
    if not kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None, None
    return int(status.total), int(status.free)


def disk(about: str, folder: Path) -> Finding:
    """Free space, and whether a file can be written."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free / GIGABYTE
    found = f"{free:.1f} GB free in {folder}"
    if not (there.is_dir() and _writable(there)):
        mend = f"{there} cannot be written to. "
        mend += "Set TINYTORCH_CACHE to a folder of yours." if "data" in about else "Go elsewhere."
        return Finding(about, BAD, found, mend)
    if free < DISK_WANTED:
        return Finding(about, WARNING, found, "CIFAR-10 needs 0.4 GB; TINYTORCH_CACHE moves it.")
    return Finding(about, GOOD, found)


def _writable(folder: Path) -> bool:
    probe = folder / f".tinytorch-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def console() -> Finding:
    """Whether signs beyond ASCII can be printed."""
    encoding = sys.stdout.encoding or "unknown"
    if encoding.lower().replace("-", "") in ("utf8", "cp65001"):
        return Finding("console", GOOD, encoding)
    mend = "Some signs will be question marks. Set PYTHONUTF8=1, or use a UTF-8 terminal."
    return Finding("console", WARNING, encoding, mend)


def the_workspace(course: Course, workspace: Callable[[], Workspace]) -> Iterator[Finding]:
    """Whether there is one, its files parse, and Python outside of it finds it."""
    try:
        found = workspace()
    except TitoError as error:
        state = WARNING if error.kind == "no-workspace" else BAD
        yield Finding("workspace", state, error.message, error.hint)
        return
    broken = list(_broken(found))
    if broken:
        yield Finding("workspace", BAD, broken[0], "Mend that line; every check needs the file.")
    elif found.warnings:
        mend = "That is fine if you meant it. To get it back: move it away, then tito status."
        yield Finding("workspace", WARNING, found.warnings[0], mend)
    else:
        started = sum(found.started(chapter) for chapter in course.chapters)
        yield Finding("workspace", GOOD, f"{found.root}, {started} chapters started")
    yield _installed(found)


def _broken(workspace: Workspace) -> Iterator[str]:
    for path in sorted((workspace.root / "tinytorch").rglob("*.py")):
        try:
            text = workspace.read(path.relative_to(workspace.root).as_posix())
            compile_module(text or "")
        except NotPython as error:
            yield f"{path}:{error.line}: {error.message}"
        except TitoError as error:
            yield error.message


def _installed(workspace: Workspace) -> Finding:
    """Whether `import tinytorch` outside of tito is the student's package."""
    code = "import importlib.util as u; print(u.find_spec('tinytorch').origin)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False
    )
    origin = done.stdout.strip()
    where = Path(origin).parent if done.returncode == 0 and origin else None
    if where == workspace.root / "tinytorch":
        return Finding("import tinytorch", GOOD, f"your package, {where}")
    found = f"the course's, {where}" if where else "not found"
    mend = "For your own in editors and notebooks, in an environment of its own: pip install -e ."
    return Finding("import tinytorch", GOOD, found, mend)


def data_sets() -> Iterator[Finding]:
    """Which data sets are here, and whole by their size."""
    from tito import data

    try:
        entries = data.catalog()
    except OSError as error:
        yield Finding(
            "data", BAD, f"{data.cache_folder()}: {error.strerror}", "Set TINYTORCH_CACHE."
        )
        return
    here = [str(entry["name"]) for entry in entries if entry["here"]]
    absent = [str(entry["name"]) for entry in entries if not entry["here"]]
    mend = f"When a milestone wants one: tito data get {absent[0]}" if absent else ""
    yield Finding("data", GOOD, f"here: {', '.join(here) or 'none'}", mend)


def extras() -> Iterator[Finding]:
    """What is good to have."""
    for name, package, why in (
        ("JupyterLab", "jupyterlab", "tito notebook opens chapters in it"),
        ("PyTorch", "torch", "make bench compares with it"),
    ):
        if importlib.util.find_spec(package):
            yield Finding(name, GOOD, importlib.metadata.version(package))
        else:
            mend = f"{why}: {Path(sys.executable).name} -m pip install {package}"
            yield Finding(name, GOOD, "not installed (optional)", mend)
