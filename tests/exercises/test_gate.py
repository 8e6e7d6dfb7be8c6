"""The author's gate: the course's own steps pass it, and it catches what is wrong."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tito import gate
from tito.course import ROOT, Course
from tito.mutants import mutants

STEPS = [step.id for step in Course().steps()]


@pytest.mark.parametrize("step_id", STEPS)
def test_every_step_is_fit_for_students(step_id):
    course = Course()
    found = gate.check_step(course, course.step(step_id))
    assert not found, "\n".join(f"{c.path}:{c.line}: {c.message}" for c in found)


@pytest.fixture
def spoiled(tmp_path):
    """A course of its own and a way to spoil a file of it; what the gate then says of `add`."""
    root = tmp_path / "course"
    for folder in ("tinytorch", "exercises"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))

    def complaints(name: str, old: str, new: str) -> list[str]:
        path = root / "exercises" / "02_tensor" / name
        text = path.read_text() if path.exists() else ""
        assert re.search(old, text, re.DOTALL) or not text
        path.write_text(re.sub(old, new, text, count=1, flags=re.DOTALL) if text else new)
        course = Course(root)
        found = gate.check_step(course, course.step("02-tensor/add"))
        return [f"{Path(c.path).name}:{c.line}: {c.message}" for c in found]

    return complaints


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        (
            "chapter.toml",
            r"array\(\[4., 7.\]\)",
            "array([4., 8.])",
            r"chapter.toml:\d\d: .*example",
        ),
        ("chapter.toml", "TODO:", "DO:", "the scaffold has no TODO:"),
        ("chapter.toml", r"hints = \[.*?\]\n", 'hints = ["one"]\n', "at least two hints"),
        ("chapter.toml", r'answer = \["add"\]', 'answer = ["plus"]', "does not define"),
        ("chapter.toml", r'answer = \["add"\]', 'answer = ["add", "mul"]', "next to each other"),
        ("test_add.py", "@pytest.mark.confidence\n", "", "test_add.py:.*exactly one of"),
        ("test_add.py", '    """It adds two numbers."""\n', "", "no docstring"),
        ("test_add.py", "np.array\\(5.0\\)", "np.array(6.0)", "the solution fails it"),
        ("test_add.py", r"@pytest.mark.recorded.*?\n\n\n", "", "no check marked recorded"),
        ("test_add.py", "PROBES", "OTHER", "which this file lacks"),
        (
            "test_add.py",
            r"@pytest.mark.unit\n",
            '@pytest.mark.unit\ndef test_x():\n    """x."""\n    assert 1\n\n\n@pytest.mark.unit\n',
            "an assert without a message",
        ),
        (
            "mistakes/add_right.py",
            "^",
            '"""Is not wrong."""\n\n\ndef add(a, b):\n    return b + a\n',
            "this mistake passes",
        ),
        (
            "mistakes/add_like_another.py",
            "^",
            '"""Looks like another."""\n\n\ndef add(a, b):\n    return None\n',
            "PROBES take this mistake for add_forgets_return",
        ),
        (
            "alternatives/add_wrong.py",
            "^",
            '"""Is not right."""\n\n\ndef add(a, b):\n    return a - b\n',
            "add_wrong.py:1: this right answer does not pass",
        ),
        (
            "chapter.toml",
            r"(hints = \[.*?\n\]\n)",
            r'\1[[steps.survivors]]\nmutant = "a + b -> a - b"\nreason = "none"\n',
            "listed as a survivor",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_file_and_line(spoiled, file, old, new, complaint):
    found = spoiled(file, old, new)
    assert any(re.search(complaint, text) for text in found), found


def test_weak_checks_let_mutants_live(spoiled):
    weak = '''"""Weak."""

import numpy as np
import pytest

from tinytorch.tensor import add

PROBES = [lambda: add(np.ones(2), np.ones(2)), lambda: add(np.array([1, 2]), np.array([3, 5]))]


@pytest.mark.confidence
def test_a():
    """It runs."""
    assert add(np.zeros(2), np.zeros(2)).shape == (2,), "no"


@pytest.mark.learning
def test_b():
    """It runs."""
    assert add(np.zeros(2), np.zeros(2)) is not None, "no"


@pytest.mark.recorded
def test_c():
    """It runs."""
'''
    found = spoiled("test_add.py", ".*", weak.replace("\\", "\\\\"))
    assert any("no check notices this mutant: a + b -> a - b" in text for text in found), found
    assert any(text.startswith("tensor.py:") for text in found)


def test_mutants_are_small_faults():
    text = (
        'def f(x, dim=None, keepdim=False):\n    """Doc 1 + 1."""\n    if x.ndim > 1:\n'
        "        raise ValueError(f'{1 + 1}')\n    y = np.sum(x, axis=dim)\n    return -y * 2"
    )
    changes = [mutant.change for mutant in mutants(text)]
    assert {
        "x.ndim > 1 -> x.ndim >= 1",
        "x.ndim > 1 -> x.ndim > 2",
        "np.sum(x, axis=dim) -> np.sum(x)",
        "-y * 2 -> -y / 2",
        "-y * 2 -> -y * 3",
        "-y -> +y",
        "dropped: y = np.sum(x, axis=dim)",
        "dropped: return -y * 2",
    } <= set(changes)
    assert not [change for change in changes if "Doc" in change.split("->")[-1][:5]]
    assert len({mutant.text for mutant in mutants(text)}) == len(changes)


def test_hidden_folders_never_enter_a_build(tmp_path):
    root = tmp_path / "course"
    for folder in ("tinytorch", "tito", "exercises"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, root / name)
    hidden = root / "exercises" / "02_tensor" / "hidden"
    hidden.mkdir()
    (hidden / "test_secret.py").write_text("")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=root,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "exercises/02_tensor/chapter.toml" in names
    assert "exercises/02_tensor/mistakes/add_concatenates.py" in names
    assert not [name for name in names if "hidden" in name]
    # What is installed from it works by itself.
    (tmp_path / "answer.py").write_text("def add(a, b):\n    return a + b\n")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    result = subprocess.run(
        [sys.executable, "-P", "-m", "tito.cli", "check", "02-tensor/add", "--code", "answer.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
