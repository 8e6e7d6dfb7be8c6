"""`tito.data`: bytes from any source, only if their hash is right, whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from tito import data
from tito.data_sources import Address, Archive, LocalFolder, NpmPackage, read_png

CONTENT = np.random.default_rng(0).bytes(700_000)  # what the fixture `server` serves as toy.bin
DIGEST = hashlib.sha256(CONTENT).hexdigest()
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYTORCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TINYTORCH_DATA", raising=False)


def toy(*sources: object, digest: str = DIGEST) -> data.DataSet:
    return data.DataSet("toy", "Toy", "none", len(CONTENT), {"toy.bin": digest}, sources)  # type: ignore[arg-type]


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def put(*sources: object, digest: str = DIGEST) -> None:
        monkeypatch.setitem(data.DATA_SETS, "toy", toy(*sources, digest=digest))

    return put


def test_get_fetches_once_and_reports_progress(server, declare) -> None:
    declare(Address(server.url + "/{file}"))
    seen: list[tuple[str, int, int | None]] = []
    folder = data.get("toy", lambda *event: seen.append(event))
    assert (folder / "toy.bin").read_bytes() == CONTENT
    assert seen[-1] == ("toy.bin", len(CONTENT), len(CONTENT))
    assert data.get("toy") == folder
    assert len(server.requests) == 1
    assert data.verify("toy") == []


def test_interrupted_download_goes_on_where_it_stopped(server, declare) -> None:
    declare(Address(server.url + "/{file}"))
    server.end_after = 300_000
    with pytest.raises(data.DataError, match="ended after 300000 of 700000"):
        data.get("toy")
    assert not (data.folder_of("toy") / "toy.bin").exists()
    server.end_after = None
    folder = data.get("toy")
    assert (folder / "toy.bin").read_bytes() == CONTENT
    assert server.requests[-1] == ("/toy.bin", "bytes=300000-")
    assert not data._partial("toy").exists()


def test_server_without_ranges_starts_again(server, declare) -> None:
    declare(Address(server.url + "/{file}"))
    server.end_after, server.ranges = 1000, False
    with pytest.raises(data.DataError):
        data.get("toy")
    server.end_after = None
    assert (data.get("toy") / "toy.bin").read_bytes() == CONTENT


def test_stale_partial_is_thrown_away_and_fetched_whole(server, declare) -> None:
    declare(Address(server.url + "/{file}"))
    data._partial("toy").mkdir(parents=True)
    (data._partial("toy") / "toy.bin.part").write_bytes(b"not the beginning of that file")
    assert (data.get("toy") / "toy.bin").read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == ["bytes=30-", None]


def test_wrong_bytes_name_file_expected_and_found_hash(server, declare) -> None:
    server.files["/toy.bin"] = b"something else"
    declare(Address(server.url + "/{file}"))
    with pytest.raises(data.DataError) as caught:
        data.get("toy")
    message = str(caught.value)
    found = hashlib.sha256(b"something else").hexdigest()
    for part in ("toy.bin", DIGEST, found, "TINYTORCH_DATA"):
        assert part in message
    assert not (data.folder_of("toy") / "toy.bin").exists()


def test_next_source_serves_when_one_is_wrong(server, declare, tmp_path, monkeypatch) -> None:
    server.files["/toy.bin"] = b"a page that asks you to log in"
    declare(
        Address(server.url + "/{file}"), Address(server.url + "/absent/{file}"), LocalFolder("toy")
    )
    room = tmp_path / "room"
    (room / "toy").mkdir(parents=True)
    (room / "toy" / "toy.bin.gz").write_bytes(gzip.compress(CONTENT))
    monkeypatch.setenv("TINYTORCH_DATA", str(room))
    assert (data.get("toy") / "toy.bin").read_bytes() == CONTENT


def test_damaged_file_is_noticed_and_fetched_again(server, declare) -> None:
    declare(Address(server.url + "/{file}"))
    path = data.get("toy") / "toy.bin"
    path.write_bytes(CONTENT[:-1] + b"!")
    assert "toy.bin has SHA-256" in data.verify("toy")[0]
    assert (data.get("toy") / "toy.bin").read_bytes() == CONTENT


def test_gzip_at_an_address_and_members_of_an_archive(server, declare) -> None:
    server.files["/toy.bin.gz"] = gzip.compress(CONTENT)
    declare(Address(server.url + "/{file}.gz"))
    assert (data.get("toy") / "toy.bin").read_bytes() == CONTENT
    assert data.remove("toy")
    assert not data.remove("toy")
    server.files["/toy.tar.gz"] = tarball({"box/toy.bin": CONTENT, "../escape": b"x"})
    declare(Archive(server.url + "/toy.tar.gz", "box/"))
    assert (data.get("toy") / "toy.bin").read_bytes() == CONTENT
    assert not list(data.cache_folder().rglob("escape"))


def tarball(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, body in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return out.getvalue()


def test_package_comes_through_the_npm_client(declare, tmp_path, monkeypatch) -> None:
    """A stand-in for the client writes the tarball: which flags npm takes is npm's own business."""
    (tmp_path / "made.tgz").write_bytes(tarball({"package/data/toy.bin": CONTENT}))
    client = tmp_path / "bin" / "npm"
    client.parent.mkdir()
    client.write_text(
        f'#!/bin/sh\n[ "$1" = pack ] && [ "$2" = toy@1.0 ] && cp {tmp_path}/made.tgz toy-1.0.tgz\n'
    )
    client.chmod(0o755)
    monkeypatch.setenv("PATH", str(client.parent) + os.pathsep + os.environ["PATH"])
    declare(NpmPackage("toy@1.0", {"toy.bin": "package/data/toy.bin"}))
    assert (data.get("toy") / "toy.bin").read_bytes() == CONTENT


def test_absent_client_is_said(declare, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    declare(NpmPackage("toy@1.0", {"toy.bin": "package/data/toy.bin"}))
    with pytest.raises(data.DataError, match="npm is not installed"):
        data.get("toy")


DRIVER = """
import sys
from tito import data
from tito.data_sources import Address
digest, url = sys.argv[1:]
sources = (Address(url + "/{file}"),)
data.DATA_SETS["toy"] = data.DataSet("toy", "Toy", "none", 0, {"toy.bin": digest}, sources)
sys.argv = ["tito", "data", "get", "toy"]
from tito.cli import main
main()
"""


def driver(server) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, DIGEST, server.url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_at_once_download_once(server) -> None:
    server.slow = True
    both = [driver(server), driver(server)]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    folders = {out.strip() for out, _ in outputs}
    assert len(folders) == 1
    assert (Path(folders.pop()) / "toy.bin").read_bytes() == CONTENT
    assert len(server.requests) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a signal here")
def test_ctrl_c_leaves_no_file_in_place_and_the_next_run_resumes(server, declare) -> None:
    server.slow = True
    process = driver(server)
    part = data.cache_folder() / "data" / ".partial" / "toy" / "toy.bin.part"
    deadline = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command goes on from there" in errors
    assert not (data.cache_folder() / "data" / "toy").exists()
    server.slow = False
    declare(Address(server.url + "/{file}"))
    assert (data.get("toy") / "toy.bin").read_bytes() == CONTENT
    assert server.requests[-1][1] is not None


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(data.DataError, match="mnist, cifar10, shakespeare, moby-dick"):
        data.get("imagenet")


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/caches"}, "/caches/tinytorch"),
        ("linux", {"HOME": "/home/ada"}, "/home/ada/.cache/tinytorch"),
        ("darwin", {"HOME": "/Users/ada"}, "/Users/ada/Library/Caches/tinytorch"),
    ],
)
def test_cache_folder_by_platform_convention(platform, variables, expected, monkeypatch) -> None:
    for name in ("TINYTORCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert data.cache_folder().as_posix() == expected


@pytest.mark.parametrize("kind", [0, 1, 2, 4])
def test_read_png_undoes_each_filter(kind: int) -> None:
    image = np.random.default_rng(kind).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    assert np.array_equal(read_png(encode_png(image, kind)), image)


def test_read_png_refuses_what_it_cannot_read() -> None:
    with pytest.raises(ValueError, match="not a PNG"):
        read_png(b"GIF89a")
    with pytest.raises(ValueError, match="filter 3"):
        read_png(encode_png(np.zeros((2, 2, 3), np.uint8), 3))


def encode_png(image: np.ndarray, kind: int) -> bytes:
    """PNG of an RGB image with one filter for every row.

    Written from the specification's definitions.
    """
    height, width, _ = image.shape
    wide = np.zeros((height + 1, width + 1, 3), np.int64)
    wide[1:, 1:] = image
    left, up, corner = wide[1:, :-1], wide[:-1, 1:], wide[:-1, :-1]
    estimate = left + up - corner
    near = [np.abs(estimate - other) for other in (left, up, corner)]
    paeth = np.where(
        (near[0] <= near[1]) & (near[0] <= near[2]), left, np.where(near[1] <= near[2], up, corner)
    )
    guess = {0: 0, 1: left, 2: up, 3: (left + up) // 2, 4: paeth}[kind]
    lines = ((image.astype(np.int64) - guess) % 256).astype(np.uint8).reshape(height, -1)
    raw = b"".join(bytes([kind]) + line.tobytes() for line in lines)

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")
        )

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )
