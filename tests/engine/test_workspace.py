"""A student's folder: what is written, what is left alone, what is refused."""

import json
import os
import subprocess
import sys

import pytest

from tito import progress, starters
from tito import workspace as workspaces
from tito.course import Course
from tito.errors import TitoError
from tito.workspace import STATE, Workspace

RIGHT = "def add(a, b):\n    return a + b"


def snapshot(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_init_makes_a_package_and_a_second_one_changes_nothing(workspace, course):
    before = snapshot(workspace.root)
    assert {"pyproject.toml", "tinytorch/__init__.py", "tinytorch/course.py", STATE} <= set(before)
    assert "tinytorch/tensor.py" not in before
    Workspace.create(workspace.root, course).refresh_given()
    assert snapshot(workspace.root) == before
    assert json.loads(before[STATE])["schema"] == 1


def test_start_lays_starters_and_companions_once(workspace, course):
    chapter = course.chapter("02")
    written = workspace.start(chapter)
    assert written[0] == "tinytorch/tensor.py"
    assert {f"tinytorch/{name}.py" for name in course.companions(chapter)} == set(written[1:])
    workspace.path("tinytorch/tensor.py").write_text("# mine\n")
    assert workspace.start(chapter) == []
    assert workspace.read("tinytorch/tensor.py") == "# mine\n"


def test_what_parses_goes_into_the_module_and_the_rest_is_a_draft(workspace, course):
    add = course.step("02-tensor/add")
    assert workspace.text(add) == starters.starter(course, add)
    assert workspace.save(add, RIGHT).place == "module"
    module = workspace.read("tinytorch/tensor.py")
    saved = workspace.save(add, RIGHT + " +")
    assert (saved.place, saved.error.line) == ("draft", 2)
    assert workspace.read("tinytorch/tensor.py") == module
    assert workspace.text(add) == RIGHT + " +"
    assert workspace.module_text(add) == RIGHT
    workspace.save(add, RIGHT)
    assert workspace.read(workspace.draft_name(add)) is None


def test_drafts_that_parse_are_adopted(workspace, course):
    add, mean = course.step("02-tensor/add"), course.step("02-tensor/mean")
    workspace.write(workspace.draft_name(mean), starters.starter(course, mean))
    assert workspace.adopt_drafts() == []
    assert not workspace.started(course.chapter(2))
    workspace.write(workspace.draft_name(add), RIGHT)
    workspace.write(workspace.draft_name(mean), "def mean(")
    assert workspace.adopt_drafts() == [add.id]
    assert workspace.module_text(add) == RIGHT
    assert workspace.text(mean) == "def mean("


def test_given_files_follow_the_course_unless_changed_by_hand(copied: Course, tmp_path):
    made = Workspace.create(tmp_path / "w", copied)
    made.start(copied.chapter(2))
    made.write("tinytorch/course.py", made.read("tinytorch/course.py") + "# mine\n")
    for name in ("course.py", "nn/__init__.py", "shape.py"):
        path = copied.package / name
        path.write_text(path.read_text() + "# newer\n")
    again = Workspace.open(made.root, copied)
    again.refresh_given()
    assert again.read("tinytorch/nn/__init__.py").endswith("# newer\n")
    assert again.read("tinytorch/shape.py").endswith("# newer\n")
    assert again.read("tinytorch/course.py").endswith("# mine\n")
    assert "tinytorch/course.py was changed by hand" in again.warnings[0]


def test_a_changed_starter_is_noticed_and_nothing_is_overwritten(workspace, course):
    add = course.step("02-tensor/add")
    workspace.save(add, RIGHT)
    workspace.entry(add)["starter"] = "0" * 64
    steps = progress.state(workspace)["chapters"][1]["steps"]
    assert [step["id"] for step in steps if step["starter_changed"]] == [add.id]
    assert workspace.text(add) == RIGHT


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"schema": 2, "steps": {}}', "newer-workspace"),
        ("{", "damaged-workspace"),
        ('{"schema": "1"}', "damaged-workspace"),
        ('{"schema": 1, "steps": []}', "damaged-workspace"),
        ('{"schema": 1, "steps": {"02-tensor/add": 3}}', "damaged-workspace"),
        ("[1]", "damaged-workspace"),
    ],
)
def test_a_newer_or_damaged_workspace_is_refused_unchanged(workspace, course, text, kind):
    workspace.path(STATE).write_text(text)
    before = snapshot(workspace.root)
    with pytest.raises(TitoError) as caught:
        Workspace.open(workspace.root, course)
    assert caught.value.kind == kind
    assert caught.value.hint
    with pytest.raises(TitoError):
        Workspace.create(workspace.root, course)
    assert snapshot(workspace.root) == before


def test_a_write_that_fails_leaves_the_old_file(workspace, monkeypatch):
    before = snapshot(workspace.root)

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr(workspaces.os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        workspace.write("pyproject.toml", "x")
    assert snapshot(workspace.root) == before


def test_reset_keeps_the_old_text(workspace, course):
    add = course.step("02-tensor/add")
    workspace.save(add, RIGHT)
    assert workspace.reset(add) == workspace.text(add) == starters.starter(course, add)
    assert workspace.read(".tito/kept/02-tensor/add.1.py") == RIGHT


def test_on_disk_a_draft_is_kept_but_no_longer_read(workspace, course):
    add = course.step("02-tensor/add")
    workspace.save(add, RIGHT)
    workspace.save(add, "def add(")
    assert workspace.set_draft_aside(add) == ".tito/kept/02-tensor/add.1.py"
    assert workspace.read(".tito/kept/02-tensor/add.1.py") == "def add("
    assert workspace.text(add) == RIGHT
    assert workspace.set_draft_aside(add) is None


def test_unknown_names_suggest_the_nearest(course):
    for wanted, nearest in [
        ("02-tensor/ad", "02-tensor/add"),
        ("2-tensor/add", "02-tensor/add"),
        ("mean", "02-tensor/mean"),
        ("02-tensr/mean", "02-tensor/mean"),
    ]:
        with pytest.raises(TitoError) as caught:
            course.step(wanted)
        assert nearest in caught.value.hint
    with pytest.raises(TitoError, match="'99'"):
        course.chapter("99")
    assert course.chapter("2") is course.chapter("tensor") is course.chapter("02-tensor")


def test_foundations_and_the_choice_of_the_reference(workspace, course):
    add = course.step("02-tensor/add")
    workspace.save(add, RIGHT)
    first = [step.id for step in course.chapter(1).steps]
    assert progress.missing(workspace, 2) == first
    workspace.use_reference([course.chapter(1), course.chapter(2)], True)
    assert progress.missing(workspace, 3) == []
    state = progress.state(workspace)
    assert all(step["revealed"] for step in state["chapters"][0]["steps"])
    # At chapter 3 the open steps of chapter 2 are the reference's; the student's file is not.
    mine = workspace.read("tinytorch/tensor.py")
    with progress.package(workspace, 3) as package:
        assert package != workspace.root / "tinytorch"
        assert "is not written yet" not in (package / "tensor.py").read_text()
    assert workspace.read("tinytorch/tensor.py") == mine
    workspace.use_reference([course.chapter(1)], False)
    assert progress.missing(workspace, 2) == first


def test_the_students_package_stands_alone(workspace, course):
    """Installed under its own name, without the reference beside it."""
    for chapter in course.chapters:
        workspace.start(chapter)
        workspace.write(workspace.module_name(chapter), starters.reference_module(course, chapter))
    code = (
        "import tinytorch, numpy; from tinytorch.tensor import Tensor\n"
        "assert tinytorch.Tensor is Tensor\nprint(tinytorch.__file__, (Tensor([1.0]) + 1).item())\n"
        "try:\n    import tinytorch.layers\nexcept ModuleNotFoundError as e: print(e)"
    )
    first = f"import sys; sys.path.insert(0, {str(workspace.root)!r})"
    result = subprocess.run(
        [sys.executable, "-P", "-c", f"{first}\n{code}"],
        capture_output=True,
        text=True,
        cwd=workspace.root.parent,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert str(workspace.root) in result.stdout
    assert "chapter 04 writes it" in result.stdout
    assert 'name = "my-tinytorch"' in workspace.read("pyproject.toml")
