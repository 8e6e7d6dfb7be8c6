"""A local static server, as plain as the hosts that will serve the site.

Runs by itself too: python tools/serve.py FOLDER [--port N] [--sub-path /x/] [--headers]
"""

import argparse
import errno
import os
import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

DEFAULT_PORT = 8000
PORTS_TRIED = 20
# Given here, not left to the machine's own table, which differs (Windows' registry most of all).
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gz": "application/gzip",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".ipynb": "application/json",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".whl": "application/zip",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".zip": "application/zip",
}
ISOLATION = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class PortBusy(Exception):
    """No port to serve on; the message says which and how to choose."""


class Handler(SimpleHTTPRequestHandler):
    """Serves files under a sub-path, precompressed where a `.gz` lies beside the file."""

    protocol_version = "HTTP/1.1"
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, **TYPES}  # noqa: RUF012

    def __init__(self, *arguments, sub_path: str, headers: bool, **options) -> None:  # type: ignore[no-untyped-def]
        self.sub_path = sub_path
        self.isolation = ISOLATION if headers else {}
        self.packed: str | None = None
        super().__init__(*arguments, **options)

    def send_head(self):  # type: ignore[no-untyped-def]
        """Answer outside the sub-path with 404; prefer the `.gz` of a file, if asked for."""
        path = urlsplit(self.path).path
        self.packed = None
        if path + "/" == self.sub_path:
            self.send_response(HTTPStatus.MOVED_PERMANENTLY)
            self.send_header("Location", self.sub_path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        if not path.startswith(self.sub_path):
            self.send_error(HTTPStatus.NOT_FOUND, f"The site is at {self.sub_path}")
            return None
        packed = self.translate_path(self.path) + ".gz"
        if "gzip" in self.headers.get("Accept-Encoding", "") and os.path.isfile(packed):
            self.packed = packed
        return super().send_head()

    def translate_path(self, path: str) -> str:
        """The file of a URL path, the sub-path taken off."""
        if self.packed:
            return self.packed
        return super().translate_path("/" + path.removeprefix(self.sub_path))

    def guess_type(self, path: str | os.PathLike[str]) -> str:
        """The type of a file; of a packed one, that of what is in it."""
        name = os.fspath(path)
        return super().guess_type(name.removesuffix(".gz") if self.packed else name)

    def end_headers(self) -> None:
        """Add the headers that every answer carries."""
        if self.packed:
            self.send_header("Content-Encoding", "gzip")
        # The browser asks again each time, so that a rebuilt page shows on reload.
        self.send_header("Cache-Control", "no-cache")
        for name, value in self.isolation.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing of requests that went well; errors have their status in the browser."""


class Server(ThreadingHTTPServer):
    """Threads end with the process; a port in use is an error on every system."""

    daemon_threads = True
    allow_reuse_address = os.name == "posix"

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that hangs up in the middle of an answer is no error worth a traceback."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def make_server(
    folder: Path, port: int | None = None, sub_path: str = "/", headers: bool = False
) -> Server:
    """A server of `folder` on localhost, not yet running.

    Port `None` takes the default or, where that is busy, the next free one; port 0 any free one.
    A port that was asked for and is busy raises `PortBusy`.
    """
    handler = partial(
        Handler, directory=str(folder), sub_path=f"/{sub_path.strip('/')}/".replace("//", "/"),
        headers=headers,
    )  # fmt: skip
    tried = [port] if port is not None else range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED)
    for candidate in tried:
        try:
            return Server(("127.0.0.1", candidate), handler)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            reason = "busy" if error.errno == errno.EADDRINUSE else "not allowed"
            if port is None:
                print(f"port {candidate} is {reason}, trying the next one", flush=True)
    ports = str(port) if port is not None else f"{tried[0]} to {tried[-1]}"
    raise PortBusy(f"Port {ports} is {reason}. Choose another: make serve PORT=9000")


def address(server: Server, sub_path: str = "/") -> str:
    """The address to open in a browser."""
    return f"http://localhost:{server.server_address[1]}/{sub_path.strip('/')}".rstrip("/") + "/"


def main() -> int:
    """Serve a folder until stopped; the first line printed is the address."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("build/site"))
    parser.add_argument("--port", type=int)
    parser.add_argument("--sub-path", default="/", help="serve the site under this path")
    parser.add_argument(
        "--headers",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="send the headers of cross-origin isolation (plain hosts send none)",
    )
    options = parser.parse_args()
    try:
        server = make_server(options.folder, options.port, options.sub_path, options.headers)
    except PortBusy as busy:
        print(busy, file=sys.stderr)
        return 1
    print(address(server, options.sub_path), flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
