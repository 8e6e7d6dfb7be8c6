"""What the engine's tests share."""

import http.server
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tito.course import ROOT, Course
from tito.workspace import Workspace


@pytest.fixture(scope="session")
def course() -> Course:
    return Course()


@pytest.fixture
def workspace(tmp_path: Path, course: Course) -> Workspace:
    return Workspace.create(tmp_path / "work", course)


@pytest.fixture
def copied(tmp_path: Path) -> Course:
    """A course of its own, which a test may spoil."""
    root = tmp_path / "course"
    skip = shutil.ignore_patterns("__pycache__")
    for folder in ("tinytorch", "exercises"):
        shutil.copytree(ROOT / folder, root / folder, ignore=skip)
    return Course(root)


class Server(http.server.ThreadingHTTPServer):
    """Serves `files`; knows ranges; can end early or be slow."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {"/toy.bin": np.random.default_rng(0).bytes(700_000)}
        self.requests: list[tuple[str, str | None]] = []
        self.end_after: int | None = None
        self.slow = False
        self.ranges = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.requests.append((self.path, wanted))
        if self.path not in self.server.files:
            self.send_error(404)
            return
        body = self.server.files[self.path]
        if wanted and self.server.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                self.send_error(416)
                return
            body = body[start:]
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        step = 20_000 if self.server.slow else len(body)
        for at in range(0, len(body[: self.server.end_after]), step):
            self.wfile.write(body[: self.server.end_after][at : at + step])
            if self.server.slow:
                time.sleep(0.03)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()
