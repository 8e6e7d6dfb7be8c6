"""Levels, the student's folder, namespaces, and which module may import which."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import tinytorch
from tinytorch.course import EXPORTS, MODULES

PACKAGE = Path(tinytorch.__file__).parent


def python(code: str, path: Path = PACKAGE.parent, **variables: str) -> str:
    """What `code` prints in a Python of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TINYTORCH")}
    # Compiled once for all calls, and outside of the source tree.
    kept["PYTHONDONTWRITEBYTECODE"] = ""
    kept["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir()) / "tinytorch-tests-compiled")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, "PYTHONPATH": str(path), **variables},
        cwd=path,
        capture_output=True,
        text=True,
    )
    return (done.stdout + done.stderr).strip()


def test_every_module_has_its_place_in_the_course():
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "course"}
    assert files == set(MODULES)
    assert list(MODULES.values()) == sorted(MODULES.values())


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_comes_before_it(module):
    """Earlier chapters, or modules listed before it in its own; only NumPy from outside."""
    order = list(MODULES)
    allowed = {*order[: order.index(module)], "course"}
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            parent = node.module or ""
            names = (
                [f"{parent}.{a.name}" for a in node.names] if parent == "tinytorch" else [parent]
            )
        for name in names:
            top, _, rest = name.partition(".")
            if top == "tinytorch":
                assert rest.split(".")[0] in allowed
            else:
                assert top == "numpy" or top in sys.stdlib_module_names


def test_modules_stay_readable_in_length():
    long = {p.name for p in PACKAGE.rglob("*.py") if len(p.read_text().splitlines()) > 450}
    assert not long


@pytest.mark.parametrize("level", sorted(set(MODULES.values())))
def test_each_level_imports_and_hides_what_comes_later(level):
    code = f"""
import sys, tinytorch
from tinytorch.course import MODULES, level
assert level() == {level}
there = {{m.split(".")[1] for m in sys.modules if m.startswith("tinytorch.")}} & set(MODULES)
assert there == {{m for m, k in MODULES.items() if k <= {level}}}, there
print("fine")
"""
    assert python(code, TINYTORCH_LEVEL=str(level)) == "fine"


def test_a_later_chapter_is_named():
    code = """
import tinytorch
for statement in (
    "from tinytorch.autograd import record", "tinytorch.no_grad", "tinytorch.nn.Conv2d",
    "from tinytorch.nn.functional import conv2d", "tinytorch.nn.nonsense",
):
    try:
        exec(statement)
    except Exception as error:
        print(type(error).__name__, error)
"""
    lines = python(code, TINYTORCH_LEVEL="4").splitlines()
    assert lines[0] == (
        "ModuleNotFoundError tinytorch.autograd is chapter 07; this runs at level 04"
    )
    assert "autograd is chapter 07" in lines[1]
    assert "spatial is chapter 09" in lines[2]
    assert "spatial is chapter 09" in lines[3]
    assert lines[4] == "AttributeError module 'tinytorch.nn' has no attribute 'nonsense'"


def test_the_students_module_takes_the_place_of_the_reference(tmp_path):
    source = (PACKAGE / "activations.py").read_text(encoding="utf-8")
    (tmp_path / "activations.py").write_text(source + "\nMINE = True\n", encoding="utf-8")
    code = """
import tinytorch, tinytorch.layers
from tinytorch import activations, activation_layers
print(activations.MINE, activation_layers.activations is activations,
      tinytorch.nn.functional.relu is activations.relu)
"""
    assert python(code, TINYTORCH_STUDENT=str(tmp_path)) == "True True True"


def test_an_exception_in_the_students_module_comes_through(tmp_path):
    (tmp_path / "activations.py").write_text("raise ZeroDivisionError('mine')\n")
    last = python("import tinytorch", TINYTORCH_STUDENT=str(tmp_path)).splitlines()[-1]
    assert last == "ZeroDivisionError: mine"


def test_a_package_that_stands_alone_says_which_chapter_is_missing(tmp_path):
    own = tmp_path / "tinytorch"
    for path in [*PACKAGE.glob("n*/*.py"), *PACKAGE.glob("o*/*.py"), *PACKAGE.glob("u*/*.py")]:
        target = own / path.relative_to(PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("__init__", "course", *(m for m, k in MODULES.items() if k <= 3)):
        (own / f"{name}.py").write_text((PACKAGE / f"{name}.py").read_text(encoding="utf-8"))
    code = """
import tinytorch
print(tinytorch.__file__)
print(tinytorch.relu(tinytorch.tensor([-1.0, 2.0])).tolist())
from tinytorch.layers import Linear
"""
    lines = python(code, path=tmp_path).splitlines()
    assert lines[0] == str(own / "__init__.py")
    assert lines[1] == "[0.0, 2.0]"
    assert lines[-1].endswith("tinytorch.layers is not in this package yet: chapter 04 writes it")


def test_every_exported_name_exists():
    for namespace in EXPORTS:
        module = tinytorch
        for part in filter(None, namespace.split(".")):
            module = getattr(module, part)
        for entries in EXPORTS[namespace].values():
            for entry in entries.split():
                assert hasattr(module, entry.partition("=")[0].rpartition(".")[2]), entry


def test_importing_is_quick():
    """Every check in the page imports a fresh package: CPU time beyond NumPy, compiled before."""
    code = """
import numpy, numpy.random, time
start = time.process_time()
import tinytorch
print(time.process_time() - start)
"""
    times = [float(python(code)) for _ in range(4)]
    assert min(times[1:]) < 0.1, times
