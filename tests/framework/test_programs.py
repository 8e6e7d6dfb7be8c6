"""Programs written for PyTorch run unchanged but for the name of the package they import."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).resolve().parents[2]
IMPORT = re.compile(r"^(import|from) torch\b(.*)$", re.MULTILINE)
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")


def with_package(source: str, package: str) -> str:
    """The program with `package` in the place of torch in its imports."""

    def other(line: re.Match[str]) -> str:
        alias = " as torch" if line.group(0) == "import torch" else ""
        return f"{line.group(1)} {package}{line.group(2)}{alias}"

    return IMPORT.sub(other, source)


def run(name: str, package: str, **options: Any) -> dict[str, float]:
    """What the program's `main` returns, run in a process of its own."""
    source = with_package((PROGRAMS / f"{name}.py").read_text(), package)
    source = source.partition('if __name__ == "__main__":')[0]
    source += f"\nimport json\nprint(json.dumps(main(**{options!r})))\n"
    done = subprocess.run(
        [sys.executable, "-"],
        input=source,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


CASES = [
    ("mlp_classifier", {}, 0.97),
    ("cnn_classifier", {}, 0.95),
    ("gpt", {}, 0.9),
    ("gpt", {"flash": False}, 0.9),
]


@pytest.mark.parametrize("package", ["torch", "tinytorch"])
@pytest.mark.parametrize(("name", "options", "least"), CASES)
def test_program_learns_with_either_package(
    name: str, options: dict[str, Any], least: float, package: str
) -> None:
    pytest.importorskip(package)
    result = run(name, package, **options)
    assert result["accuracy"] >= least, result


@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("*.py")), ids=lambda path: path.stem)
def test_only_import_lines_differ(program: Path) -> None:
    before = program.read_text().splitlines()
    after = with_package(program.read_text(), "tinytorch").splitlines()
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert changed
    assert all(a.startswith(("import torch", "from torch")) for a, _ in changed)
