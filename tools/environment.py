"""The isolated Python environment in `.venv`, from hash-locked requirements."""

import os
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

from .console import ROOT, Problem, Progress, run
from .stamps import digest

FOLDER = ROOT / ".venv"
LOCKED = ["requirements/site.txt", "requirements/test.txt"]
HELP = """\
The Python packages could not be installed. If this machine has no network, get them elsewhere:
  pip download -r requirements/site.txt -r requirements/test.txt -d wheels
copy that folder here, and say: PIP_NO_INDEX=1 PIP_FIND_LINKS=/path/to/wheels make serve"""


def python() -> Path:
    """The environment's Python."""
    return FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_active() -> bool:
    """Whether this very Python is the environment's, with all it needs installed."""
    return Path(sys.prefix).resolve() == FOLDER.resolve() and _stamp("locked") == _wanted()


def ensure() -> Path:
    """Make the environment if it is not there or not current; its Python."""
    if _stamp("locked") == _wanted() and python().exists():
        return python()
    if not python().exists():
        print("Setting up, once: about 250 MB of packages, a minute or two.", flush=True)
    with Progress().phase("environment") as line:
        if not _works():
            _create()
        requirements = [part for name in LOCKED for part in ("-r", ROOT / name)]
        pip("install", "--require-hashes", "--no-deps", *requirements)
        pip("install", "--no-deps", "--no-build-isolation", "--editable", ROOT)
        _write("locked", _wanted())
        line.note = f"Python {sys.version_info.major}.{sys.version_info.minor} in .venv"
    return python()


def ensure_extra(name: str) -> None:
    """Install `requirements/<name>` into the environment, once."""
    path = f"requirements/{name}"
    wanted = digest([path])
    if _stamp(name) != wanted:
        hashes = ["--require-hashes"] if name.endswith(".txt") else []
        pip("install", *hashes, "-r", ROOT / path)
        _write(name, wanted)


def pip(*arguments: str | Path) -> None:
    """Run the environment's pip; a `Problem` with its output and what to do if it fails."""
    command = [python(), "-m", "pip", *arguments, "--quiet", "--no-input"]
    command += ["--disable-pip-version-check"]
    try:
        run(command, "pip")
    except Problem as problem:
        raise Problem(f"{problem}\n\n{HELP}") from None


def _works() -> bool:
    """Whether there is an environment of a Python that is new enough."""
    if not python().exists():
        return False
    check = "import sys, pip; raise SystemExit(sys.version_info < (3, 11))"
    done = subprocess.run([python(), "-c", check], capture_output=True, check=False)
    return done.returncode == 0


def _create() -> None:
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    try:
        venv.create(FOLDER, with_pip=True, symlinks=os.name == "posix")
    except (subprocess.CalledProcessError, OSError, ImportError) as error:
        shutil.rmtree(FOLDER, ignore_errors=True)
        raise Problem(
            f"Python at {sys.executable} could not make the environment .venv ({error}).\n"
            "On Debian and Ubuntu its module is a package of its own: "
            "apt-get install python3-venv"
        ) from None


def _wanted() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return digest(LOCKED, repr(project))


def _stamp(name: str) -> str:
    path = FOLDER / f".{name}.stamp"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _write(name: str, value: str) -> None:
    (FOLDER / f".{name}.stamp").write_text(value, encoding="utf-8")
