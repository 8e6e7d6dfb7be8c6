"""The page reads a step's text out of a module as the engine does, without Python."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

from tito import regions, starters
from tito.course import Course, Step
from tools import node

SCRIPT = """
import { readFileSync } from "node:fs";
import { load } from "./test/load.mjs";
const { extract } = await load("src/elements/regions.ts");
const cases = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(([source, step]) => extract(source, step))));
"""
CLASS = '''import numpy as np


class Box:
    """A box."""

    # >>> 02-tensor/add
    def add(self, other):
        raise NotImplementedError
    # <<< 02-tensor/add

    def after(self):
        return 1
'''
METHODS = [
    "def add(self, other):\n    return self",
    'def add(self, other):\n    """Doc\n\n      indented\n    """\n    return 1',
    'def add(self, other):\n    text = """value\n  kept as it is\n"""\n    return text',
    "def add(self, other):\n    text = '''a # no comment\n'''  # a comment\n    return text",
    "import math\n\n\ndef half(x):\n    return x\n\n\ndef add(self, other):\n    return half(1)",
    "def add(self, other):\n    return 1\n\n\nAFTER = 2",
    "def add(self, other):\n\n    x = 'quote \\' and # hash'\n    return f\"{x}\"\n",
]


def read_in_the_page(root: Path, cases: list[tuple[str, str]]) -> list[str | None]:
    """What the page's own code reads."""
    done = subprocess.run(
        [*node.node(), "--input-type=module", "-e", SCRIPT],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        cwd=root / "lite",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    texts: list[str | None] = json.loads(done.stdout)
    return texts


def answers(course: Course, step: Step) -> list[str]:
    """All texts of a step that the course knows."""
    files = [path.read_text("utf-8") for path in (*step.alternatives(), *step.mistakes())]
    return [starters.starter(course, step), starters.solution(course, step), *files]


def test_every_known_answer_is_read_back(root: Path) -> None:
    course = Course()
    cases, wanted = [], []
    for step in course.steps():
        blank = starters.module(course, course.of(step))
        for text in answers(course, step):
            module = regions.splice(blank, step, text)
            cases.append((module, step.id))
            wanted.append(regions.extract(module, step))
    assert read_in_the_page(root, cases) == wanted


def test_methods_are_dedented_and_strings_keep_their_spaces(root: Path) -> None:
    step = replace(Course().step("02-tensor/add"), answer=("Box.add",))
    modules = [regions.splice(CLASS, step, text) for text in METHODS]
    wanted = [regions.extract(module, step) for module in modules]
    assert wanted == METHODS
    assert read_in_the_page(root, [(module, step.id) for module in modules]) == wanted


def test_a_module_without_the_markers_has_no_text(root: Path) -> None:
    assert read_in_the_page(root, [("def add(): pass\n", "02-tensor/add")]) == [None]
