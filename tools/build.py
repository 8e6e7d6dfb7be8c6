"""The phases that make `build/site/`, each done again only when what it reads has changed."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lite.distribution import assemble, fetch
from lite.distribution.sources import read_sources
from lite.kernels import build as kernels

from . import node, stamps
from .assembly import assemble_site
from .console import BUILD, ROOT, Line, Problem, Progress, run

MODULES = ROOT / "lite" / "node_modules"
WHEELS = BUILD / "wheel"
KERNELS = BUILD / "kernels"
PYODIDE = BUILD / "pyodide"
BUNDLES = BUILD / "lite"
JUPYTERLITE = BUILD / "jupyterlite"
BOOK = BUILD / "book" / "_build" / "html"
SITE = BUILD / "site"

PACKAGES = ("tinytorch", "tito", "exercises", "milestones")
OWN_DEPENDS = ("numpy", "pytest", "tinytorch-wasm")
BUNDLED = (
    "lite/src",
    "lite/styles",
    "lite/build.mjs",
    "lite/tsconfig.json",
    "lite/package-lock.json",
)
# An edit of one of these can change any page; an edit of a page changes that page.
BEHIND_PAGES = ("_config.yml", "_toc.yml", "book/_ext", "book/_static", *PACKAGES)


class BookWarnings(Problem):
    """The book was built, with warnings: an error for a site, a notice while writing."""


@dataclass(frozen=True)
class Phase:
    """One phase: what it reads, what it makes and how, and the phases it builds on."""

    name: str
    inputs: tuple[str, ...]
    output: Path
    make: Callable[[Line], None]
    after: tuple[str, ...] = ()

    def update(self, progress: Progress, done: set[str]) -> bool:
        """Do the phase unless it is up to date; whether it was done. `done`: what ran before."""
        inputs = (*self.inputs, "tools/build.py")
        wanted = stamps.digest(inputs, *(stamps.read(name) for name in self.after))
        current = stamps.read(self.name) == wanted and self.output.exists()
        if current and done.isdisjoint(self.after):
            return False
        with progress.phase(self.name) as line:
            stamps.write(self.name, "")
            self.make(line)
            stamps.write(self.name, wanted)
        return True


def make_modules(line: Line) -> None:
    """Install the packages of the browser code from their lock file."""
    line.note = "npm ci" if node.ensure_modules() else "there already"


def make_wheel(line: Line) -> None:
    """Build the wheel of `tinytorch`, `tito` and the exercises: the same bytes everywhere."""
    shutil.rmtree(WHEELS, ignore_errors=True)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(WHEELS)]
    run(command, "wheel build", environment={"SOURCE_DATE_EPOCH": "1577836800"})
    line.note = own_wheel().name


def own_wheel() -> Path:
    """The wheel that `make_wheel` built."""
    return next(WHEELS.glob("tinytorch-*.whl"))


def make_kernels(line: Line) -> None:
    """Compile the WebAssembly kernels and put them into a wheel of their own."""
    shutil.rmtree(KERNELS, ignore_errors=True)
    try:
        wheel = kernels.build(KERNELS)
    except kernels.BuildError as error:
        raise Problem(f"the WebAssembly kernels could not be built: {error}") from None
    line.note = f"{wheel.name}, {wheel.stat().st_size / 1e3:.0f} KB"


def make_runtime(line: Line) -> None:
    """Gather the files of the page's Python and put them together with our wheels."""
    sources = read_sources()
    data = os.environ.get("TINYTORCH_DATA")
    folder = Path(data) if data else None
    fetcher = fetch.Fetcher(sources, fetch.cache_folder(), MODULES, folder)
    try:
        files = fetcher.fetch()
    except fetch.FetchError as error:
        raise Problem(str(error)) from None
    own = [
        assemble.OwnWheel(own_wheel(), OWN_DEPENDS),
        assemble.OwnWheel(next(KERNELS.glob("*.whl")), ("numpy",)),
    ]
    lock = assemble.assemble(sources, files, own, PYODIDE)
    line.note = f"{len(lock['packages'])} packages, {megabytes(PYODIDE)}"


def make_bundles(line: Line) -> None:
    """Bundle the browser code."""
    node.script("build")
    line.note = megabytes(BUNDLES)


def make_jupyterlite(line: Line) -> None:
    """Build JupyterLite, which runs on the site's own Python distribution."""
    shutil.rmtree(JUPYTERLITE, ignore_errors=True)
    # Built from a copy, since the builder keeps its own state beside its configuration.
    folder = BUILD / "jupyterlite-sources"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "lite" / "jupyterlite", folder)
    notebooks = [sys.executable, "-m", "tito", "author", "notebooks"]
    run([*notebooks, str(folder / "files" / "notebooks")], "chapters as notebooks")
    command = [sys.executable, "-m", "jupyterlite_core.app", "build"]
    command += ["--lite-dir", str(folder), "--output-dir", str(JUPYTERLITE)]
    run(command, "jupyter lite build", folder=folder)
    line.note = megabytes(JUPYTERLITE)


def make_book(line: Line) -> None:
    """Build the book: the edited pages alone if only pages were edited."""
    behind = stamps.digest(BEHIND_PAGES)
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command += ["build", str(ROOT), "--config", str(ROOT / "_config.yml")]
    command += ["--toc", str(ROOT / "_toc.yml"), "--path-output", str(BOOK.parent.parent)]
    command += ["--quiet", "-W", "--keep-going"]
    if stamps.read("behind pages") != behind:
        command.append("--all")
    stamps.write("behind pages", "")
    try:
        run(command, "book build")
    except Problem as problem:
        if not (BOOK / "index.html").exists():
            raise
        raise BookWarnings(str(problem)) from None
    stamps.write("behind pages", behind)
    line.note = f"{len(list((BOOK / 'book').rglob('*.html')))} pages"


def make_site(line: Line) -> None:
    """Put everything together in `build/site/`."""
    parts = {"": BOOK, "pyodide": PYODIDE, "tt": BUNDLES, "lite": JUPYTERLITE}
    changed = assemble_site(SITE, parts, MODULES)
    # The service worker keeps pages by what their bytes are, which is known only now.
    manifest = ROOT / "lite" / "service-worker" / "manifest.mjs"
    run([*node.node(), str(manifest), str(SITE)], "service worker")
    line.note = f"{megabytes(SITE)}, {changed} files changed"


def megabytes(folder: Path) -> str:
    """The size of a folder, to be read."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{size / 1e6:.1f} MB"


PHASES = (
    Phase("npm", ("lite/package.json", "lite/package-lock.json"), MODULES, make_modules),
    Phase("wheel", (*PACKAGES, "pyproject.toml", "LICENSE"), WHEELS, make_wheel),
    Phase("kernels", ("lite/kernels", "LICENSE"), KERNELS, make_kernels),
    Phase("runtime", ("lite/distribution",), PYODIDE, make_runtime, ("npm", "wheel", "kernels")),
    Phase("bundles", BUNDLED, BUNDLES, make_bundles, ("npm",)),
    Phase(
        "jupyterlite",
        ("lite/jupyterlite", "book/chapters", *PACKAGES),
        JUPYTERLITE,
        make_jupyterlite,
        ("bundles",),
    ),
    Phase("book", ("book", *BEHIND_PAGES), BOOK, make_book),
    Phase(
        "site",
        ("tools/assembly.py", "lite/service-worker"),
        SITE,
        make_site,
        ("runtime", "bundles", "jupyterlite", "book"),
    ),
)
WATCHED = tuple(sorted({path for phase in PHASES for path in phase.inputs}))


def build(progress: Progress, only: tuple[str, ...] = (), strict: bool = True) -> bool:
    """Bring the phases up to date (`only` those named); whether anything was done.

    Not strict: a book with warnings is shown and does not stop the build.
    """
    done: set[str] = set()
    with _alone():
        for phase in PHASES:
            if only and phase.name not in only:
                continue
            try:
                if phase.update(progress, done):
                    done.add(phase.name)
            except BookWarnings as problem:
                if strict:
                    raise
                done.add(phase.name)
                print(f"{problem}\n", flush=True)
    return bool(done)


@contextmanager
def _alone() -> Iterator[None]:
    """Keep two builds of one tree apart: the second waits for the first."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        if os.name == "posix":
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
