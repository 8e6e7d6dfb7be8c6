"""What `make` stands on: stamps, assembly, and words for those whose machine lacks something."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import assembly, browsers, environment, node, stamps
from tools.build import PHASES
from tools.console import Problem, Progress, run


def test_a_stamp_changes_with_bytes_and_names_but_not_with_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamps, "ROOT", tmp_path)
    page = tmp_path / "book" / "page.md"
    page.parent.mkdir()
    page.write_text("one")
    first = stamps.digest(["book"])
    os.utime(page, (1, 1))
    assert stamps.digest(["book"]) == first
    (page.parent / "__pycache__").mkdir()
    (page.parent / "__pycache__" / "x.pyc").write_text("no source")
    assert stamps.digest(["book"]) == first
    page.write_text("two")
    second = stamps.digest(["book"])
    page.rename(page.with_name("other.md"))
    assert len({first, second, stamps.digest(["book"])}) == 3


def test_every_phase_comes_after_those_it_builds_on() -> None:
    seen: set[str] = set()
    for phase in PHASES:
        assert set(phase.after) <= seen
        seen.add(phase.name)


def parts(folder: Path) -> tuple[Path, dict[str, Path]]:
    """A book and bundles, and MathJax beside them."""
    for name in ("book/index.html", "book/_static/a.css", "lite/tt.js", "lite/sw.js"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "lite" / "tt.js.map").write_text("not shipped")
    for source in assembly.MATHJAX.values():
        (folder / "modules" / source).mkdir(parents=True)
    return folder / "modules", {"": folder / "book", "tt": folder / "lite"}


def test_the_site_follows_its_parts(tmp_path: Path) -> None:
    modules, made = parts(tmp_path)
    site = tmp_path / "site"

    def names() -> set[str]:
        return {p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file()}

    assert assembly.assemble_site(site, made, modules) == 4
    assert names() == {".nojekyll", "index.html", "_static/a.css", "tt/tt.js", "sw.js"}
    assert assembly.assemble_site(site, made, modules) == 0
    (site / "sw.js").write_text("its list of files\n" + (site / "sw.js").read_text())
    assert assembly.assemble_site(site, made, modules) == 0

    (tmp_path / "book" / "index.html").write_text("book/other.html")  # the same length
    (tmp_path / "book" / "_static" / "a.css").unlink()
    assert assembly.assemble_site(site, made, modules) == 2
    assert (site / "index.html").read_text() == "book/other.html"
    assert not (site / "_static").exists()


def test_the_entry_parses_on_any_python_3(root: Path) -> None:
    text = (root / "tools" / "__main__.py").read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 6))
    top = [n for n in ast.parse(text).body if isinstance(n, ast.ImportFrom)]
    assert not top, "the entry's own modules are imported after its look at the version"


def test_an_old_python_gets_a_word_not_a_traceback(root: Path) -> None:
    script = (
        "import sys; sys.argv = ['tools', 'serve']; sys.version_info = (3, 8, 10)\n"
        "import shutil; shutil.which = lambda name: None\n"
        "from tools.__main__ import run; raise SystemExit(run())"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "needs Python 3.11 or newer; this is 3.8.10" in done.stdout
    assert "make serve PYTHON=" in done.stdout
    assert done.stderr == ""


def test_a_failed_command_shows_its_end_and_where_the_rest_is(root: Path) -> None:
    code = "print('the reason'); raise SystemExit(3)"
    with pytest.raises(Problem, match=r"(?s)the reason.*failed \(exit code 3\).*\.log"):
        run([sys.executable, "-c", code], "demonstration")
    (root / "build" / "logs" / "demonstration.log").unlink()


def test_a_phase_prints_one_line_with_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    with progress.phase("wheel") as line:
        line.note = "made"
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.split() == ["wheel", f"{line.seconds:.1f}", "s", "made"]


def test_missing_browsers_are_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "find", lambda variable: None)
    monkeypatch.setattr(browsers.shutil, "which", lambda name: None)
    with pytest.raises(Problem) as error:
        browsers.ensure()
    message = str(error.value)
    for word in ("Chromium", "Firefox", "apt-get install chromium firefox-esr", "CHROMIUM=/path"):
        assert word in message


def test_a_node_that_is_too_old_counts_as_none(tmp_path: Path) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.19.0\n")
    old.chmod(0o755)
    assert node.version(str(old)) == 18 < node.OLDEST
    assert node.version(str(tmp_path / "absent")) == 0


def test_packages_that_cannot_be_had_come_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setattr(environment, "python", lambda: Path(sys.executable))
    with pytest.raises(Problem) as error:
        environment.pip("install", "no-such-package-anywhere==1.0")
    assert "no-such-package-anywhere==1.0" in str(error.value)
    assert "pip download -r requirements/site.txt" in str(error.value)
