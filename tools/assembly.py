"""Puts the built parts together in one folder that any static host can serve."""

import shutil
from collections.abc import Iterator
from pathlib import Path

# MathJax as Sphinx's mathjax_path in _config.yml names it: TeX in, HTML and its fonts out, and the
# extensions it asks for when a formula needs one.
MATHJAX = {
    f"_static/mathjax/{name}": f"mathjax/es5/{name}"
    for name in ("tex-chtml.js", "output/chtml/fonts", "input/tex/extensions")
}
WORKER = "sw.js"
# Left out: what Sphinx keeps for itself, and source maps.
UNSHIPPED_NAMES = {".buildinfo", ".doctrees", ".lock"}
UNSHIPPED_ENDINGS = (".map", ".bak")


def assemble_site(site: Path, parts: dict[str, Path], modules: Path) -> int:
    """Make `site` hold `parts` (folder in the site -> folder built); how many files changed.

    Files already there with the same bytes are left alone, and a file is replaced in one move,
    so a site that is being served stays whole. What is in no part is deleted.
    """
    wanted: dict[Path, Path] = {}
    for target, source in parts.items():
        wanted |= _files(source, site / target)
    for name, source_name in MATHJAX.items():
        wanted |= _files(modules / source_name, site / name)
    # A service worker rules the folder it is in, so the site's own is at the root.
    worker = wanted.pop(site / "tt" / "sw.js")
    changed = sum(_place(source, target) for target, source in wanted.items())
    changed += _place_worker(worker, site / WORKER)
    # Hosts that would process the site with Jekyll drop folders that begin with an underscore.
    (site / ".nojekyll").touch()
    kept = {*wanted, site / WORKER, site / ".nojekyll"}
    for path in sorted(site.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in kept:
            path.unlink()
            changed += 1
    return changed


def _files(source: Path, target: Path) -> dict[Path, Path]:
    if source.is_file():
        return {target: source}
    return {target / path.relative_to(source): path for path in _shipped(source)}


def _shipped(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in UNSHIPPED_NAMES or path.name.endswith(UNSHIPPED_ENDINGS):
            continue
        if path.is_dir():
            yield from _shipped(path)
        else:
            yield path


def _place_worker(source: Path, target: Path) -> bool:
    """Copy the service worker, unless it is there under the list of files put before it."""
    script = source.read_bytes()
    if target.exists() and target.read_bytes().partition(b"\n")[2] == script:
        return False
    return _place(source, target)


def _place(source: Path, target: Path) -> bool:
    """Copy a file if its bytes differ; whether it was copied."""
    if target.exists():
        old, new = target.stat(), source.stat()
        # The copy carries the source's time, so equal time and size mean an equal file.
        if old.st_size == new.st_size and old.st_mtime_ns == new.st_mtime_ns:
            return False
        if old.st_size == new.st_size and target.read_bytes() == source.read_bytes():
            return False
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".new")
    shutil.copy2(source, partial)
    partial.replace(target)
    return True
