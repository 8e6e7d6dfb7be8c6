"""The browsers of the browser tests: the machine's, or Debian's packages where permitted."""

import os
import shutil
import subprocess
from pathlib import Path

from .console import Problem

# Environment variable the tests read -> commands looked for, usual places, Debian's package.
BROWSERS = {
    "CHROMIUM": (
        ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
        ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",),
        "chromium",
    ),
    "FIREFOX": (
        ("firefox-esr", "firefox"),
        ("/Applications/Firefox.app/Contents/MacOS/firefox",),
        "firefox-esr",
    ),
}


def find(variable: str) -> str | None:
    """The path of a browser: as the environment variable says, on PATH, or in a usual place."""
    commands, places, _ = BROWSERS[variable]
    if chosen := os.environ.get(variable):
        return chosen
    found = (shutil.which(command) for command in commands)
    usual = (place for place in places if Path(place).exists())
    return next((path for path in (*found, *usual) if path), None)


def ensure() -> dict[str, str]:
    """Both browsers by environment variable, installed if missing and permitted."""
    missing = [variable for variable in BROWSERS if not find(variable)]
    if missing and shutil.which("apt-get") and os.name == "posix" and os.geteuid() == 0:
        _install([BROWSERS[variable][2] for variable in missing])
    paths = {variable: find(variable) for variable in BROWSERS}
    if absent := [variable for variable, path in paths.items() if not path]:
        packages = " ".join(BROWSERS[variable][2] for variable in absent)
        tool = " ".join(f"{'chrome' if v == 'CHROMIUM' else 'firefox'}@stable" for v in absent)
        raise Problem(
            f"The browser tests need {' and '.join(a.capitalize() for a in absent)}. One of:\n"
            f"  Debian and Ubuntu:  sudo apt-get install {packages}\n"
            f"  any system:         npx @puppeteer/browsers install {tool}\n"
            f"  or name the program: {' '.join(f'{a}=/path/to/it' for a in absent)} make test"
        )
    return {variable: path for variable, path in paths.items() if path}


def _install(packages: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        subprocess.run(
            ["apt-get", "-qq", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=False,
        )
