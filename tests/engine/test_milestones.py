"""`tito milestone`: what it refuses, on whose functions it runs, and what it keeps."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tito import milestone as milestones
from tito import regions, starters
from tito.course import ROOT, Course
from tito.workspace import Workspace


def tito(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tito", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def finish(workspace: Workspace, level: int) -> None:
    """Write the reference's answers into every chapter up to `level`, and call them passed."""
    for chapter in workspace.course.chapters:
        if chapter.number <= level:
            workspace.start(chapter)
            for step in chapter.steps:
                workspace.save(step, starters.solution(workspace.course, step))
                workspace.entry(step)["outcome"] = "passed"
    workspace.save_state()


def test_an_unready_workspace_gets_the_list(workspace: Workspace) -> None:
    refused = tito(workspace.root, "milestone", "xor")
    assert refused.returncode == 2
    for part in ("02-tensor/add", "02-tensor/matmul", "tito use-reference", "--reference"):
        assert part in refused.stderr
    assert not (workspace.root / "runs").exists()
    assert "Did you mean 'xor'" in tito(workspace.root, "milestone", "xr").stderr


def test_xor_on_a_package_of_ones_own(workspace: Workspace, course: Course) -> None:
    finish(workspace, 6)
    done = tito(workspace.root, "milestone", "xor")
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "4 of 4 on 10 of 10 seeds" in done.stdout
    folder = workspace.root / "runs" / "xor"
    log = (folder / "log.txt").read_text("utf-8")
    assert "at level 06" in log
    mine = next(line for line in log.splitlines() if line.startswith("your package:"))
    assert "tensor" in mine
    assert "xor: 4 of 4" in log
    picture = ElementTree.fromstring((folder / "plot.svg").read_text("utf-8"))
    assert len(picture.findall("{http://www.w3.org/2000/svg}polyline")) == 2
    result = json.loads((folder / "result.json").read_text("utf-8"))
    assert (result["passed"], result["package"]) == (True, "student")
    assert "passed" in tito(workspace.root, "milestone").stdout
    assert "runs/" not in "".join(tito(workspace.root, "export", "w.zip").stdout)


def test_a_step_that_broke_since_is_found_first(workspace: Workspace, course: Course) -> None:
    finish(workspace, 6)
    step = course.step("02-tensor/matmul")
    path = workspace.path("tinytorch/tensor.py")
    broken = regions.splice(path.read_text("utf-8"), step, "def matmul(a, b):\n    return a * b\n")
    path.write_text(broken, "utf-8")
    refused = tito(workspace.root, "milestone", "xor")
    assert refused.returncode == 2
    assert "02-tensor/matmul" in refused.stderr
    assert not (workspace.root / "runs").exists()


def test_every_milestone_is_declared_and_runs_at_its_level(course: Course) -> None:
    known = milestones.load(course)
    assert list(known) == ["xor", "mnist", "cifar10", "tinygpt"]
    for one in known.values():
        code = f"import milestones.{one.name} as m; assert m.main; import milestones.functions"
        code += "" if one.level < 10 else "; from milestones import agreement; agreement.kernels()"
        environment = {**os.environ, "TINYTORCH_LEVEL": str(one.level)}
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)


# A package with one module of its own: a relu whose gradient is wrong.
DRIVER = """
import sys
from pathlib import Path
import tinytorch as torch
from tinytorch import nn
from tinytorch.tensor import implementations
from tinytorch.training import train_step
from milestones.common import describe
from milestones.functions import choose
folder = Path(sys.argv[2])
describe(folder)
def trial():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batch = torch.randn(5, 3), torch.zeros(5, dtype=torch.int64)
    return lambda: train_step(model, [batch], nn.CrossEntropyLoss(), optimizer)
choose(sys.argv[1], folder, trial, 1000)
print("running:", *sorted(implementations))
"""


@pytest.fixture
def choose(tmp_path: Path):
    """Choose functions for a package whose relu passes every gradient through."""
    package = tmp_path / "tinytorch"
    package.mkdir()
    rules = (ROOT / "tinytorch" / "gradient_rules.py").read_text("utf-8")
    autograd = (ROOT / "tinytorch" / "autograd.py").read_text("utf-8")
    assert "relu" in rules + autograd
    wrong = (
        '\n\nfrom tinytorch.autograd import rules\n\nrules["relu"] = lambda grad, output, x: grad\n'
    )
    (package / "gradient_rules.py").write_text(rules + wrong, "utf-8")

    def run(wanted: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TINYTORCH_LEVEL": "10"}
        environment["TINYTORCH_STUDENT"] = str(package)
        done = subprocess.run(
            [sys.executable, "-P", "-c", DRIVER, wanted, str(tmp_path / "run")],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_kernels_stand_in_only_where_they_agree(choose, tmp_path: Path) -> None:
    told = choose("fast")
    running = told.partition("running:")[2].split()
    assert {"linear", "conv2d", "cross_entropy", "SGD.step"} <= set(running)
    assert "relu" not in running
    assert "relu: the gradient of input 1 differs" in told
    assert "scaled_dot_product_attention" not in told, "chapter 13 is hidden at level 10"
    assert "on your own functions: about" in told
    log = (tmp_path / "run" / "log.txt").read_text("utf-8")
    assert "your package: gradient_rules" in log
    assert "functions that run: fast kernels for" in log
    again = choose("fast")
    assert "about" not in again, "a run that goes on keeps its functions without measuring again"
    assert again.partition("running:")[2].split() == running
    assert choose("own").partition("running:")[2].split() == []


def test_every_kernel_has_a_case_and_agrees_with_the_reference() -> None:
    code = (
        "from milestones import agreement; found = agreement.compare(); "
        "sets = agreement.kernels(); names = {*sets.fast.implementations, *sets.fast.rules}; "
        "assert names == set(agreement.CASES) == set(found), names ^ set(found); "
        "assert not any(found.values()), found"
    )
    environment = {**os.environ, "TINYTORCH_KERNELS": "plain"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
