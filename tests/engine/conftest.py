"""What the engine's tests share."""

import shutil
from pathlib import Path

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
