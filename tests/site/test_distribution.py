"""The Python of the page: what happens when a file is wrong, missing, half there, or offline."""

import hashlib
import http.server
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lite.distribution import fetch
from lite.distribution.assemble import OwnWheel, assemble, top_level
from lite.distribution.sources import File, Mirror, Sources, read_sources, sha256

NOWHERE = "http://127.0.0.1:9/"  # the port that discards: nothing listens there
BODY = bytes(range(256)) * 1000
WHEEL = "thing-1.0-py3-none-any.whl"


def sources(file: File, address: str = NOWHERE) -> Sources:
    return Sources(address, Mirror("no-such-package", "1.0", "x.whl", "0" * 64, ""), (), (file,))


def wheel(source: str, body: bytes = BODY) -> File:
    return File(WHEEL, hashlib.sha256(body).hexdigest(), source, name="thing", version="1.0")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pip finds nothing, whatever this machine reaches."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")


@contextmanager
def web(body: bytes) -> Iterator[tuple[str, list[str]]]:
    """A host of one file, that can be asked for a part of it; the ranges it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            asked.append(wanted)
            start = int(wanted.removeprefix("bytes=").removesuffix("-") or 0)
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            self.wfile.write(body[start:])

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", asked
    finally:
        server.shutdown()
        server.server_close()


def test_wrong_bytes_are_named_with_both_hashes_and_not_kept(tmp_path: Path, offline: None) -> None:
    bad = b"not the wheel"
    data = tmp_path / "data"
    data.mkdir()
    (data / WHEEL).write_bytes(bad)
    expected = wheel("pypi")
    fetcher = fetch.Fetcher(sources(expected), tmp_path / "cache", tmp_path, data)

    with pytest.raises(fetch.FetchError) as error:
        fetcher.fetch()

    message = str(error.value)
    assert WHEEL in message
    assert expected.sha256 in message
    assert hashlib.sha256(bad).hexdigest() in message
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_host_with_wrong_bytes_leaves_nothing(tmp_path: Path, offline: None) -> None:
    with web(b"an error page") as (address, _):
        fetcher = fetch.Fetcher(sources(wheel("cdn"), address), tmp_path / "cache", tmp_path)
        with pytest.raises(fetch.FetchError, match="has other bytes: expected SHA-256"):
            fetcher.fetch()
    assert list((tmp_path / "cache").iterdir()) == []


def test_no_network_says_what_to_copy_where(tmp_path: Path, offline: None) -> None:
    for source in ("cdn", "pypi"):
        fetcher = fetch.Fetcher(sources(wheel(source)), tmp_path / "cache", tmp_path)
        with pytest.raises(fetch.FetchError) as error:
            fetcher.fetch()
        message = str(error.value)
        assert WHEEL in message
        assert "set TINYTORCH_DATA to that folder" in message
        assert str(tmp_path / "cache") in message


def test_the_readers_own_folder_is_enough(tmp_path: Path, offline: None) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / WHEEL).write_bytes(BODY)
    fetcher = fetch.Fetcher(sources(wheel("pypi")), tmp_path / "cache", tmp_path, data)
    assert fetcher.fetch()[WHEEL].read_bytes() == BODY


def test_a_broken_download_goes_on_where_it_stopped(tmp_path: Path, offline: None) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / f"{WHEEL}.part").write_bytes(BODY[:1000])
    with web(BODY) as (address, asked):
        fetcher = fetch.Fetcher(sources(wheel("cdn"), address), cache, tmp_path)
        assert fetcher.fetch()[WHEEL].read_bytes() == BODY
    assert asked == ["bytes=1000-"]
    assert [path.name for path in cache.iterdir()] == [WHEEL]


def test_a_damaged_cache_is_filled_again(tmp_path: Path, offline: None) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / WHEEL).write_bytes(BODY[:-1])
    with web(BODY) as (address, _):
        fetch.Fetcher(sources(wheel("cdn"), address), cache, tmp_path).fetch()
    assert (cache / WHEEL).read_bytes() == BODY


def test_own_wheel_gets_its_hash_into_its_name_and_old_files_go(tmp_path: Path) -> None:
    path = tmp_path / "own-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("own/__init__.py", "")
        archive.writestr(
            "own-0.1.0.dist-info/METADATA", "Name: own\nVersion: 0.1.0\nLicense: MIT\n"
        )
    lock_file = File("pyodide-lock.json", "", "npm")
    (tmp_path / "pyodide-lock.json").write_text('{"info": {"python": "3.14.0"}}')
    target = tmp_path / "target"
    target.mkdir()
    (target / "own-0.1.0-0older-py3-none-any.whl").touch()

    lock = assemble(
        Sources(NOWHERE, sources(lock_file).mirror, (lock_file,), ()),
        {"pyodide-lock.json": tmp_path / "pyodide-lock.json"},
        [OwnWheel(path, ("numpy",))],
        target,
    )

    entry = lock["packages"]["own"]
    assert entry["sha256"] == sha256(path)
    assert entry["sha256"][:12] in entry["file_name"]
    assert entry["imports"] == ["own"]
    assert lock["info"] == {"python": "3.14.0"}
    assert {p.name for p in target.iterdir()} == {
        entry["file_name"],
        "pyodide-lock.json",
        "NOTICE.txt",
    }
    assert "own 0.1.0: MIT" in (target / "NOTICE.txt").read_text()


def test_sources_name_every_file_by_its_hash_and_every_dependency() -> None:
    listed = read_sources()
    assert all(len(file.sha256) == 64 for file in listed.files)
    assert {file.source for file in listed.files} == {"cdn", "pypi", "npm"}
    names = [wheel.name for wheel in listed.wheels]
    assert names == sorted(set(names))


def test_a_dependency_that_is_not_listed_is_an_error(tmp_path: Path) -> None:
    text = Path(fetch.__file__).with_name("sources.toml").read_text(encoding="utf-8")
    broken = tmp_path / "sources.toml"
    broken.write_text(text.replace('depends = ["wcwidth"]', 'depends = ["wcwidth", "absent"]'))
    with pytest.raises(ValueError, match="prompt-toolkit depends on \\['absent'\\]"):
        read_sources(broken)


@pytest.mark.parametrize(
    ("member", "name"),
    [
        ("numpy/linalg/__init__.py", "numpy"),
        ("six.py", "six"),
        ("PIL/_imaging.cpython-314-wasm32-emscripten.so", "PIL"),
        ("numpy-2.4.3.dist-info/METADATA", ""),
        ("numpy.libs/readme.py", ""),
    ],
)
def test_what_a_wheel_is_imported_as(member: str, name: str) -> None:
    assert top_level(member) == name


def test_shipped_runtime_is_what_its_lock_says(site: Path) -> None:
    folder = site / "pyodide"
    lock = json.loads((folder / "pyodide-lock.json").read_text(encoding="utf-8"))
    packages = lock["packages"]
    for name, package in packages.items():
        assert sha256(folder / package["file_name"]) == package["sha256"], name
        assert set(package["depends"]) <= set(packages), name
    core = {file.file for file in read_sources().core}
    assert {p.name for p in folder.iterdir()} == core | {"NOTICE.txt"} | {
        package["file_name"] for package in packages.values()
    }
