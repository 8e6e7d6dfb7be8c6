"""A changed foundation: which finished steps are checked again, and what is then on record."""

import json
from pathlib import Path

import pytest

from tito import progress, service
from tito.course import Course
from tito.workspace import Workspace

ADD, RELU = "02-tensor/add", "03-activations/relu"
PLAIN = "def add(a, b):\n    return a + b"
HELPFUL = f"{PLAIN}\n\n\ndef larger(a, b):\n    return np.maximum(a, b)"
LEANING = """@tensor_method
@array_operation
def relu(x):
    from tinytorch.tensor import larger

    return larger(x, 0)"""


class Page:
    """The service on a workspace, called as the page calls it."""

    def __init__(self, root: Path, course: Course) -> None:
        self.root, self.course = root, course
        self.service = service.Service(course)
        self("open", root=str(root))

    def __call__(self, call: str, **request: object) -> dict:
        answer = json.loads(self.service.handle(json.dumps({"call": call, **request})))
        assert answer["ok"], answer
        return answer

    def entry(self, step: str) -> dict:
        chapters = self("state")["state"]["chapters"]
        return next(s for c in chapters for s in c["steps"] if s["id"] == step)


@pytest.fixture
def page(tmp_path: Path, course: Course) -> Page:
    """Relu passes, and leans on a helper that stands in add's region."""
    page = Page(tmp_path / "workspace", course)
    page("use_reference", chapters=[2], on=True)
    assert page("check", step=ADD, code=HELPFUL)["report"]["outcome"] == "passed"
    answer = page("check", step=RELU, code=LEANING)
    assert answer["report"]["outcome"] == "passed", answer
    return page


def test_nothing_is_due_while_nothing_changed(page):
    assert page("check", step=ADD, code=HELPFUL)["due"] == []
    answer = page("recheck", step=RELU, after=ADD)
    assert (answer["outcome"], answer["changes"]["write"]) == (None, {})


def test_a_step_that_a_change_broke_is_named_and_mends_with_its_foundation(page):
    assert page("check", step=ADD, code=PLAIN)["due"] == [RELU]
    assert page("recheck", step=RELU, after=ADD)["outcome"] == "failed"
    broken = page.entry(RELU)
    assert (broken["outcome"], broken["broken_by"]) == ("failed", ADD)
    assert page("recheck", step=RELU, after=ADD)["outcome"] is None, "once is enough"
    assert page("check", step=ADD, code=HELPFUL)["due"] == [RELU]
    assert page("recheck", step=RELU, after=ADD)["outcome"] == "passed"
    assert (page.entry(RELU)["outcome"], page.entry(RELU)["broken_by"]) == ("passed", None)


def test_a_failed_change_checks_nothing_again(page):
    assert page("check", step=ADD, code="def add(a, b):\n    return a")["due"] == []


def test_a_change_of_a_later_chapter_leaves_the_foundations_alone(page):
    answer = page("check", step=RELU, code=LEANING.replace("(x, 0)", "(0, x)"))
    assert (answer["report"]["outcome"], answer["due"]) == ("passed", [])


def test_what_was_given_up_is_broken_and_no_try_of_the_student(page):
    page("check", step=ADD, code=PLAIN)
    again = page("recheck", step=RELU, after=ADD, gave_up=True)
    assert again["outcome"] == "error"
    workspace = Workspace.open(page.root, page.course)
    assert workspace.state["steps"][RELU]["broken_by"] == ADD
    assert "failures" not in workspace.state["steps"][RELU]
    assert not progress.passed(workspace, page.course.step(RELU))


def test_a_reset_or_a_check_of_its_own_ends_the_story(page):
    page("check", step=ADD, code=PLAIN)
    page("recheck", step=RELU, after=ADD)
    page("check", step=RELU, code="def relu(x):\n    return x")
    assert page.entry(RELU)["broken_by"] is None
    assert page("check", step=ADD, code=HELPFUL)["due"] == []
