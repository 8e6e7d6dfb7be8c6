"""The engine as the page calls it."""

import base64
import inspect
import json
import subprocess
import sys

import pytest

from tito import isolation, runner, service
from tito.workspace import STATE

ADD = "02-tensor/add"
RIGHT = "def add(a, b):\n    return a + b"


class Page:
    """A page's storage, fed only by `changes`, as the browser's is."""

    def __init__(self, root, course):
        self.root = root
        self.files: dict[str, str] = {}
        self.service = service.Service(course)

    def __call__(self, name, **request):
        answer = json.loads(self.service.handle(json.dumps({"call": name, **request})))
        self.files.update(answer["changes"]["write"])
        for path in answer["changes"]["delete"]:
            del self.files[path]
        return answer

    def on_disk(self):
        paths = (p for p in self.root.rglob("*") if p.is_file())
        return {p.relative_to(self.root).as_posix(): p.read_text() for p in paths}


@pytest.fixture
def page(tmp_path, course):
    page = Page(tmp_path / "workspace", course)
    assert page("open", root=str(page.root))["ok"]
    return page


@pytest.fixture
def keep_modules():
    """The tests' own tinytorch comes back after a test that loads another."""
    names = ("TINYTORCH_LEVEL", "TINYTORCH_STUDENT", "TINYTORCH_KERNELS")
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setenv(name, "")
            patch.delenv(name)
        hooks, outer = list(sys.meta_path), isolation.take_out()
        yield
        isolation.take_out()
        sys.modules.update(outer)
        sys.meta_path[:] = hooks


def test_the_pages_copy_is_always_the_folder(page):
    page("check", step=ADD, code=RIGHT)
    page("save", step=ADD, code="def add(")
    page("reset", step=ADD)
    page("use_reference", chapters=["01"], on=True)
    page("solution", step="02-tensor/mean")
    assert page.files == page.on_disk()
    exported = page("export")["zip_base64"]
    page("check", step=ADD, code="def add(a, b):\n    return a - b")
    assert page("import", zip_base64=exported)["ok"]
    assert page.files == page.on_disk()


def test_a_check_saves_judges_and_records(page):
    answer = page("check", step=ADD, code=RIGHT)
    assert answer["report"]["outcome"] == "passed"
    assert answer["chapter_done"] is False
    assert page("text", step=ADD)["text"] == RIGHT
    wrong = page("check", step=ADD, code="def add(a, b)\n    return 1")["report"]
    assert (wrong["outcome"], wrong["phase"], wrong["line"]) == ("error", "parse", 1)
    assert page("text", step=ADD) == {
        **page("text", step=ADD),
        "text": "def add(a, b)\n    return 1",
        "draft": True,
        "outcome": "error",
    }


def test_the_next_step_runs_on_the_students_own(page):
    page("check", step=ADD, code="def add(a, b):\n    raise ValueError('mine')")
    mean = page(
        "check",
        step="02-tensor/sum",
        code="def sum(a, dim=None, keepdim=False):\n    return add(a, a)",
    )
    assert "mine" in mean["report"]["tests"][0]["message"]


def test_the_solution_is_recorded_as_revealed(page):
    answer = page("solution", step=ADD)
    assert "return a + b" in answer["solution"]
    assert answer["revealed"]
    page("check", step=ADD, code=RIGHT)
    chapters = page("state")["state"]["chapters"]
    step = next(s for c in chapters for s in c["steps"] if s["id"] == ADD)
    assert (step["outcome"], step["revealed"]) == ("passed", True)


@pytest.mark.parametrize(
    ("request_json", "kind"),
    [
        ("", "internal"),
        ("[]", "bad-request"),
        ('{"call": "nope"}', "bad-request"),
        ('{"call": "check", "step": "02-tensor/ad", "code": ""}', "unknown-step"),
        ('{"call": "check", "step": "02-tensor/add"}', "bad-request"),
        ('{"call": "text", "step": 3}', "bad-request"),
        ('{"call": "import", "zip_base64": "%%"}', "bad-archive"),
        ('{"call": "import", "zip_base64": "aGVsbG8="}', "bad-archive"),
    ],
)
def test_a_bad_request_is_an_answer(page, request_json, kind):
    answer = json.loads(page.service.handle(request_json))
    assert answer["ok"] is False
    assert answer["error"]["kind"] == kind
    assert answer["error"]["message"]


def test_a_newer_workspace_is_refused(page, course):
    page.root.joinpath(STATE).write_text('{"schema": 7}')
    again = Page(page.root, course)
    answer = again("open", root=str(page.root))
    assert answer["error"]["kind"] == "newer-workspace"
    assert again.files == {}


def test_what_a_stopped_check_wrote_comes_with_the_next_answer(page, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run", stopped)
    with pytest.raises(KeyboardInterrupt):
        page("check", step=ADD, code=RIGHT)
    page("state")
    assert page.files == page.on_disk()
    assert RIGHT in page.files["tinytorch/tensor.py"]


@pytest.mark.usefixtures("keep_modules")
def test_live_cells_run_on_what_is_there(page):
    first = page("prepare_live", chapter=2)
    assert (first["package"], first["missing"]) == ("reference", ["01-setup/manual-seed"])
    page("check", step=ADD, code="def add(a, b):\n    return a + b + 0 * a")
    page("use_reference", chapters=[1], on=True)
    live = page("prepare_live", chapter=2)
    assert (live["package"], live["reloaded"]) == ("student", True)
    assert "02-tensor/mean" in live["filled"]
    assert ADD not in live["filled"]
    import tinytorch

    assert "a + b + 0 * a" in inspect.getsource(sys.modules["tinytorch.tensor"])
    assert tinytorch.Tensor([1.0, 3.0]).mean().item() == 2.0
    assert "tinytorch.layers" not in sys.modules
    assert page("prepare_live", chapter=2)["reloaded"] is False
    assert sys.modules["tinytorch"] is tinytorch
    # A passed step that was broken since is not filled in: the page says what is wrong.
    page("save", step=ADD, code=f"raise OSError('broken')\n{RIGHT}")
    broken = page("prepare_live", chapter=2)
    assert (broken["package"], broken["problem"]) == ("reference", "OSError: broken")
    assert sys.modules["tinytorch"] is not tinytorch


def test_the_engine_needs_no_terminal_library():
    code = (
        "import sys\nfor name in ('typer', 'rich', 'click'): sys.modules[name] = None\n"
        "import tito.service, tito.judge, tito.archive, tito.runner\n"
        "assert 'tinytorch' not in sys.modules\nprint(tito.service.handle('{}'))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert b"bad-request" in result.stdout


def test_an_export_can_be_imported_elsewhere(page, tmp_path, course):
    page("check", step=ADD, code=RIGHT)
    data = page("export")["zip_base64"]
    assert base64.b64decode(data)[:2] == b"PK"
    other = Page(tmp_path / "other", course)
    other("open", root=str(other.root))
    assert other("import", zip_base64=data)["ok"]
    assert other("text", step=ADD)["text"] == RIGHT
    assert other.files == other.on_disk() == page.files
