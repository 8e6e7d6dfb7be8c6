"""The local server: right types, any path, and a clear word when a port is busy."""

import gzip
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tools import serve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small site."""
    for name in ("index.html", "a.js", "a.mjs", "a.wasm", "a.whl", "lock.json", "f.woff2"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "index.html").write_text("a page")
    return tmp_path


@contextmanager
def running(folder: Path, **options: object) -> Iterator[str]:
    server = serve.make_server(folder, 0, **options)  # type: ignore[arg-type]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield serve.address(server, str(options.get("sub_path", "/")))
    finally:
        server.shutdown()
        server.server_close()


def get(address: str, **headers: str) -> HTTPResponse:
    answer = urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=5)
    assert isinstance(answer, HTTPResponse)
    return answer


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.wasm", "application/wasm"),
        ("a.whl", "application/zip"),
        ("lock.json", "application/json"),
        ("f.woff2", "font/woff2"),
    ],
)
def test_types(folder: Path, name: str, kind: str) -> None:
    with running(folder) as address, get(address + name) as answer:
        assert answer.headers["Content-Type"] == kind
        assert answer.read() == name.encode()


def test_plain_unless_told(folder: Path) -> None:
    with running(folder) as address, get(address) as answer:
        assert not [name for name in answer.headers if name.startswith("Cross-Origin")]
    with running(folder, headers=True) as address, get(address) as answer:
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"


def test_sub_path_is_the_whole_site_and_all_there_is(folder: Path) -> None:
    with running(folder, sub_path="/deep/er/") as address:
        assert address.endswith("/deep/er/")
        with get(address + "book/") as answer:
            assert answer.read() == b"a page"
        with get(address.rstrip("/")) as answer:  # redirected to the folder
            assert answer.read() == b"index.html"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(address.removesuffix("deep/er/") + "index.html")


def test_precompressed_file_is_sent_to_those_who_take_it(folder: Path) -> None:
    (folder / "a.js.gz").write_bytes(gzip.compress(b"packed"))
    with running(folder) as address:
        with get(address + "a.js", **{"Accept-Encoding": "gzip"}) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert answer.headers["Content-Type"].startswith("text/javascript")
            assert gzip.decompress(answer.read()) == b"packed"
        with get(address + "a.js") as answer:
            assert answer.headers["Content-Encoding"] is None
            assert answer.read() == b"a.js"


def test_nothing_outside_the_folder_is_served(folder: Path) -> None:
    with running(folder / "book") as address, pytest.raises(urllib.error.HTTPError, match="404"):
        get(address + "..%2fa.js")


@pytest.fixture
def busy() -> Iterator[int]:
    """A port on which something listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def test_busy_default_port_takes_the_next_and_says_so(
    folder: Path, busy: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serve, "DEFAULT_PORT", busy)
    server = serve.make_server(folder)
    server.server_close()
    assert busy < server.server_address[1] < busy + serve.PORTS_TRIED
    assert f"port {busy} is busy" in capsys.readouterr().out


def test_busy_port_that_was_asked_for_is_an_error_that_says_how_to_choose(
    folder: Path, busy: int
) -> None:
    command = [sys.executable, serve.__file__, str(folder), "--port", str(busy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert f"Port {busy} is busy" in done.stderr
    assert "make serve PORT=" in done.stderr
    assert "Traceback" not in done.stderr
