"""From a text to a verdict."""

import os
import sys

import numpy as np
import pytest

from tito import judge, runner, starters
from tito.course import Course
from tito.isolation import fresh

ADD, MEAN = "02-tensor/add", "02-tensor/mean"
RIGHT = "def add(a, b):\n    return a + b"


def verdict(course: Course, text: str, step: str = ADD):
    return judge.judge_text(course, course.step(step), text)


def failed(result, kind: str):
    return [t for t in result["tests"] if t["kind"] == kind and t["outcome"] != "passed"]


def test_every_reference_passes_and_every_starter_fails(course):
    for step in course.steps():
        right = verdict(course, starters.solution(course, step), step.id)
        assert right["outcome"] == "passed", right
        started = verdict(course, starters.starter(course, step), step.id)
        assert started["outcome"] == "failed"
        assert started["tests"][0]["message"] == "This step is not written yet."


def test_the_report_has_the_keys_that_are_promised(course):
    result = verdict(course, "def add(a, b):\n    return a - b")
    keys = {"step", "outcome", "phase", "tests", "duration_ms"}
    assert keys <= set(result) <= keys | {"message", "line", "mistake", "output"}
    fields = {"id", "title", "kind", "outcome", "message", "line", "expected", "got"}
    assert all(set(test) == fields for test in result["tests"])
    first = result["tests"][0]
    assert first["kind"] == "confidence"
    assert (first["expected"], first["got"]) == ("5.0", "-1.0")
    assert "a = 2.0, b = 3.0" in first["message"]
    assert first["line"] == result["line"] == 2


@pytest.mark.parametrize(
    ("text", "phase", "line", "message"),
    [
        ("def add(a, b)\n    return a", "parse", 1, "expected ':'"),
        ("x = 1\nraise ValueError('no')\n" + RIGHT, "import", 2, "ValueError: no"),
        ("import sys\nsys.exit()\n" + RIGHT, "import", 2, "SystemExit"),
        ("import not_there\n" + RIGHT, "import", 1, "not_there"),
        ("def plus(a, b):\n    return a + b", "parse", 1, "a function named `add`"),
        ("", "parse", 1, "a function named `add`"),
        ("import builtins\nbuiltins.len = None\n" + RIGHT, "import", None, "`len`"),
    ],
)
def test_what_cannot_be_checked_is_an_error_that_says_where(course, text, phase, line, message):
    result = verdict(course, text)
    assert (result["outcome"], result["phase"], result.get("line")) == ("error", phase, line)
    assert message in result["message"]
    assert not result["tests"]
    assert len.__name__ == "len"


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("    c = a\n    return c / 0 + b[99]", 3, "`b[99]` raised IndexError"),
        ("    return missing", 2, "`missing` raised NameError"),
        ("    return add(a, b)", 2, "RecursionError"),
        ("    import sys\n    sys.exit(0)", 3, "SystemExit"),
        ("    import pytest\n    pytest.skip('later')", 3, "ended the check early"),
        ("    import builtins\n    builtins.len = builtins.isinstance = None", None, "own `"),
        ("    import pytest\n    pytest.exit('bye')", None, "ended the check early"),
    ],
)
def test_code_that_raises_never_passes(course, body, line, message):
    result = verdict(course, f"def add(a, b):\n{body}")
    assert result["outcome"] in ("failed", "error")
    told = [result.get("message", ""), *(test["message"] or "" for test in result["tests"])]
    assert any(message in text for text in told), told
    if line:
        assert result["line"] == line
    assert isinstance(len([]), int)


def test_numbers_computed_around_the_operations_fail_with_a_message(course):
    body = "return Tensor(np.mean(x.data, axis=dim, keepdims=keepdim))"
    text = f"def mean(x, dim=None, keepdim=False):\n    {body}"
    result = verdict(course, text, MEAN)
    wrong = [test for test in result["tests"] if test["outcome"] != "passed"]
    assert result["outcome"] == "failed"
    assert {test["kind"] for test in wrong} == {"recorded"}
    assert "does not remember that it came from" in wrong[0]["message"]
    assert ".sum()" in wrong[0]["message"]
    assert result["mistake"] == "mean_around_tensors"


def test_every_mistake_gets_its_own_message(course):
    result = verdict(course, "def add(x, y):\n    return np.hstack((x, y))")
    assert result["mistake"] == "add_concatenates"
    assert "one array behind the other" in result["message"]
    assert "mistake" not in verdict(course, "def add(a, b):\n    return a - b")


def test_a_chapter_needs_no_later_one(copied):
    from_last = sorted(copied.chapters, key=lambda chapter: -chapter.number)
    for last in from_last:
        for name, chapter in copied.modules.items():
            if chapter > last.number:
                (copied.package / f"{name}.py").unlink(missing_ok=True)
        for step in last.steps:
            text = starters.solution(copied, step)
            assert verdict(copied, text, step.id)["outcome"] == "passed"


def test_there_is_one_class_tensor(course):
    module = starters.with_answer(course, course.step(ADD), RIGHT)
    with (
        judge.temporary_package({"tensor": module}) as package,
        fresh(course.package, 2, package),
    ):
        import tinytorch

        theirs = sys.modules["tinytorch.tensor"]
        assert theirs.__file__ == str(package / "tensor.py")
        assert tinytorch.Tensor is theirs.Tensor
        homes = [m for n, m in sys.modules.items() if n.startswith("tinytorch")]
        tensors = {id(vars(m)["Tensor"]) for m in homes if "Tensor" in vars(m)}
        assert tensors == {id(theirs.Tensor)}


def test_a_second_class_tensor_is_an_error(course):
    shape = course.reference("shape") + "\n\nclass Tensor:\n    pass\n"
    module = starters.with_answer(course, course.step(ADD), RIGHT)
    with judge.temporary_package({"tensor": module, "shape": shape}) as package:
        result = judge.judge(course, judge.Request(ADD, package))
    assert (result["outcome"], result["phase"]) == ("error", "import")
    assert "two classes Tensor" in result["message"]


@pytest.mark.parametrize(
    ("earlier", "message"),
    [
        ("x = 1\ndef manual_seed(", "tinytorch/random.py, line 2, does not parse"),
        ("x = 1\nraise OSError('mine')", "tinytorch/random.py, line 2, raised OSError: mine"),
        (
            "raise NotImplementedError('01-setup/manual-seed is not written yet: ...')",
            "This needs 01-setup/manual-seed, which is not written yet: write it first, "
            "or go on with the reference for chapter 01.",
        ),
    ],
)
def test_a_broken_foundation_is_named(course, earlier, message):
    module = starters.with_answer(course, course.step(ADD), RIGHT)
    with judge.temporary_package({"tensor": module, "random": earlier}) as package:
        result = judge.judge(course, judge.Request(ADD, package))
    assert (result["outcome"], result["phase"]) == ("error", "import")
    assert message in result["message"]


def test_a_check_of_another_file_than_the_students_is_refused(course):
    text = "import sys\nsys.modules['tinytorch.tensor'] = sys.modules['tinytorch.random']\n" + RIGHT
    assert verdict(course, text)["outcome"] == "error"


def test_only_stretch_may_fail(course):
    text = (
        "def mean(x, dim=None, keepdim=False):\n    total = x.sum(dim, keepdim)\n"
        "    return total / (x.numel() / total.numel())"
    )
    result = verdict(course, text, MEAN)
    assert failed(result, "stretch")
    assert result["outcome"] == "passed"


def test_output_is_bounded(course):
    loop = "for _ in range(2000): print('x' * 10000)"
    text = f"def add(a, b):\n    print('début')\n    {loop}\n    return a + b"
    result = verdict(course, text)
    assert result["outcome"] == "passed"
    assert result["output"].startswith("début\nxxx")
    assert len(result["output"]) < 11_000
    assert result["output"].endswith("more characters are not shown")


def test_nothing_of_the_check_stays_behind(course, tmp_path):
    import tinytorch

    before = dict(sys.modules)
    state = np.random.get_state()[1].copy()
    paths, hooks, folder = list(sys.path), list(sys.meta_path), os.getcwd()
    text = (
        "import os, sys, shutil\n"
        "def add(a, b):\n    os.environ['TINYTORCH_LEVEL'] = '1'\n    os.chdir('/')\n"
        "    np.seterr(all='raise')\n    np.random.seed(0)\n    sys.path.insert(0, 'x')\n"
        "    sys.setrecursionlimit(300)\n    sys.stdout = None\n    return a + b"
    )
    verdict(course, text)
    assert sys.modules["tinytorch"] is tinytorch
    left = {
        n for n in set(sys.modules) - set(before) if n.startswith(("tinytorch", "02_", "test_"))
    }
    assert not left
    assert all(sys.modules[n] is m for n, m in before.items() if n.startswith("tinytorch"))
    assert (sys.path, sys.meta_path, os.getcwd()) == (paths, hooks, folder)
    assert "TINYTORCH_LEVEL" not in os.environ
    assert np.geterr()["divide"] == "warn"
    assert (np.random.get_state()[1] == state).all()


@pytest.mark.parametrize(
    "text",
    [
        # Only once: nothing may run the code again afterwards and take its answer.
        "import signal\n\ntold = []\n\n\ndef add(a, b):\n    if not told:\n        told.append(1)\n"
        "        signal.raise_signal(signal.SIGINT)\n    return a - b",
        f"while True:\n    import signal; signal.raise_signal(signal.SIGINT)\n{RIGHT}",
        "def add(a, b):\n  while True:\n    try:\n      import signal\n"
        "      signal.raise_signal(signal.SIGINT)\n    except Exception: pass",
    ],
    ids=["in a check", "on import", "except Exception"],
)
def test_an_interrupt_goes_through_and_leaves_all_as_it_was(course, text):
    import tinytorch

    hooks, streams = list(sys.meta_path), (sys.stdout, sys.stderr)
    with pytest.raises(KeyboardInterrupt):
        verdict(course, text)
    assert sys.modules["tinytorch"] is tinytorch
    assert (sys.meta_path, (sys.stdout, sys.stderr)) == (hooks, streams)
    assert verdict(course, RIGHT)["outcome"] == "passed"


def test_a_process_of_its_own_gives_the_same_report(course):
    texts = [RIGHT, "def add(a, b):\n    return a - b", "def add(a, b)", "raise OSError\n" + RIGHT]
    jobs = [{"step": ADD, "code": text} for text in texts]
    for there, text in zip(runner.run(course, jobs), texts, strict=True):
        here = verdict(course, text)
        for result in (here, there):
            result.pop("duration_ms")
        assert there == here


def test_code_that_ends_or_blocks_python_costs_only_its_own_verdict(course):
    endless = "def add(a, b):\n    while True: pass"
    texts = ["import os\nos._exit(0)\n" + RIGHT, endless, RIGHT]
    results = list(runner.run(course, [{"step": ADD, "code": t} for t in texts], timeout=3.0))
    assert [result["outcome"] for result in results] == ["error", "error", "passed"]
    assert "did not come to an end" in results[0]["message"]


def test_a_check_is_quick(course):
    step = course.step(ADD)
    text = starters.solution(course, step)
    judge.judge_text(course, step, text)
    times = sorted(judge.judge_text(course, step, text)["duration_ms"] for _ in range(5))
    print(f"{len(step.test_file.read_text())} characters of checks: median {times[2]} ms")
    assert times[2] < 400, times
