"""The wheel that the site ships: what is in it, and that it is the same bytes everywhere."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lite.distribution.sources import sha256

PACKAGES = ("tinytorch", "tito", "exercises", "milestones")


def build(tree: Path, target: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1577836800"}
    subprocess.run(command, cwd=tree, env=environment, check=True, capture_output=True)
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def tree(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the wheel is built from, with an instructor's test in it."""
    copy = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(root / name, copy)
    for name in PACKAGES:
        shutil.copytree(
            root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
    secret = copy / "exercises" / "02_tensor" / "hidden"
    secret.mkdir(parents=True, exist_ok=True)
    (secret / "test_exam.py").write_text("answers = 42\n")
    return copy


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of that copy."""
    return build(tree, tmp_path_factory.mktemp("wheel"))


def test_holds_the_packages_whole_and_nothing_else(wheel: Path, tree: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {
        path.relative_to(tree).as_posix()
        for package in PACKAGES
        for path in (tree / package).rglob("*")
        if path.is_file() and "hidden" not in path.parts
    }
    assert names == wanted
    assert "exercises/02_tensor/chapter.toml" in names


def test_hidden_tests_never_enter_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if "hidden" in name.split("/")]
        assert not [name for name in archive.namelist() if b"answers = 42" in archive.read(name)]


def test_installs_the_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        entries = next(n for n in archive.namelist() if n.endswith("entry_points.txt"))
        assert "tito = tito.__main__:main" in archive.read(entries).decode()
        metadata = next(n for n in archive.namelist() if n.endswith("METADATA"))
        text = archive.read(metadata).decode()
    needs = re.findall(r"^Requires-Dist: (\w+)", text, re.MULTILINE)
    assert sorted(needs) == ["numpy", "pytest", "rich", "typer"]


def test_is_the_same_bytes_whenever_and_wherever_it_is_built(
    wheel: Path, tree: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(tree, copy)
    for path in copy.rglob("*.py"):
        os.utime(path, (1, 1))
    assert sha256(build(copy, tmp_path / "out")) == sha256(wheel)
