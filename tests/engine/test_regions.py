"""A step's text goes into its module and comes out again unchanged."""

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tito import regions, starters
from tito.course import Course, Step
from tito.errors import TitoError
from tito.grammar import NotPython

MODULE = '''\
import numpy as np


def add(a, b):
    return a + b


class Layer:
    """A layer."""

    size = 3

    def forward(self, x):
        """Apply it.

        x: anything
        """
        return x

    def extra(self):
        return 1


last = Layer()
'''


def step(*answer: str) -> Step:
    return Step("02-tensor/one", "t", answer, 1, "g", (), "TODO: it", (), {}, 2, "tensor", Path())


FUNCTION, METHOD = step("add"), step("Layer.forward")

TEXTS = {
    "plain": "def NAME(self, x):\n    return x",
    "trailing newlines": "def NAME(self, x):\n    return x\n\n",
    "no newline, comment first": "# mine\ndef NAME(self, x): return x",
    "helper, import, decorator": (
        "import math\nfrom os import path as p\n\nLIMIT = 3\n\n\ndef helper(f):\n    return f\n\n\n"
        "# decorated\n@helper\ndef NAME(self, x):\n    return math.sin(x)\n\n\n"
        "def below(y):\n    return y\n# end"
    ),
    "strings": (
        'def NAME(self, x):\n    """Doc\n  less\n      more\n    """\n'
        '    s = """\nleft\n    in\n"""\n'
        "    t = f'''\n{x}\n  z{\n  x}'''\n    return s + \\\n  t"
    ),
    "tabs and blanks": "def NAME(self, x):\n\tif x:\n\n\t\treturn x\n  \t\n\treturn 1\n   ",
    "helper method": "def NAME(self, x):\n    return self.h(x)\n\ndef h(self, x):\n    return x",
    "one line": "import math; y = 1; NAME = lambda self, x: x",
    "unicode": "def NAME(self, x):\n    é = 'ü\u2028\x0c'\n    return é",
    "something else": "z = 3",
    "marker in a string": 'def NAME(self, x):\n    return """\n# <<< 02-tensor/one\n"""',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("of", [FUNCTION, METHOD], ids=["function", "method"])
def test_what_goes_in_comes_out(text, of):
    text = text.replace("NAME", of.names[0])
    module = regions.mark(MODULE, of)
    spliced = regions.splice(module, of, text)
    assert regions.extract(spliced, of) == text
    ast.parse(spliced)
    # A second text leaves nothing of the first.
    assert regions.splice(spliced, of, regions.extract(module, of)) == module


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *("import math", "def f(y):\n    return y", "@f", "# note", "", "   ", "x = 1"),
                *('"""a\nb"""', "s = '''\n  q\n'''", "def forward(self, x):\n    return x"),
                *("def m(self):\n\n    '''d\n  e'''", "class K:\n    a = 2", "if 1:\n\tpass"),
                *("a = (1,\n2)", "b = f'''\n {1}\n'''", "c = 1; d = 2", "\\"),
            ]
        ),
        max_size=8,
    )
)
def test_any_text_that_is_taken_comes_out(parts):
    text = "\n".join(parts)
    module = regions.mark(MODULE, METHOD)
    try:
        spliced = regions.splice(module, METHOD, text)
    except NotPython:
        return
    assert regions.extract(spliced, METHOD) == text


def test_helpers_and_imports_of_a_method_work():
    method = "def forward(self, x):\n    return twice(math.sqrt(x))"
    text = f"import math\n\n{method}\n\ndef twice(y):\n    return 2 * y"
    space = {}
    exec(regions.splice(regions.mark(MODULE, METHOD), METHOD, text), space)
    assert space["Layer"]().forward(9.0) == 6.0


def test_strings_keep_their_values_in_a_class():
    strings = 's = """\n a\n"""\n    return s + f"""\n{x}\n  b"""'
    text = f'def forward(self, x):\n    """Doc."""\n    {strings}'
    space = {}
    exec(regions.splice(regions.mark(MODULE, METHOD), METHOD, text), space)
    assert space["Layer"]().forward(1) == "\n a\n\n1\n  b"


def test_lines_are_the_texts_own():
    text = "import math\n\ndef forward(self, x):\n    return nowhere"
    spliced = regions.splice(regions.mark(MODULE, METHOD), METHOD, text)
    row = spliced.split("\n").index("        return nowhere") + 1
    assert regions.line_map(spliced, METHOD)[row] == 4
    assert 1 not in regions.line_map(spliced, METHOD)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def add(a, b)\n    return a", 1),
        ("def add(a, b):\n    return (a", 2),
        ("def add(a, b):\n    return a\n  x", 3),
        ("def add(a, b):\n    return '\x00'", 1),
        ("x = 1\nreturn x", 2),
        ("# <<< 02-tensor/one\ndef add(a, b): pass", 1),
        ("from __future__ import annotations\ndef add(a, b): pass", 1),
        ("def add(a, b):\n    type X = int\n    return a", 2),
    ],
)
def test_what_does_not_parse_is_refused_with_its_line(text, line):
    with pytest.raises(NotPython) as caught:
        regions.splice(regions.mark(MODULE, FUNCTION), FUNCTION, text)
    assert caught.value.line == line


def test_lost_markers_are_found_by_name():
    module = regions.mark(MODULE, METHOD).replace("    # <<< 02-tensor/one\n", "")
    assert regions.extract(module, METHOD).startswith("def forward(self, x):")
    spliced = regions.splice(module, METHOD, "def forward(self, x): return 5")
    assert spliced.count("# >>>") == spliced.count("# <<<") == 1
    with pytest.raises(TitoError, match="neither the markers"):
        regions.extract(MODULE.replace("forward", "renamed"), METHOD)


def test_a_starter_shows_the_signature_and_hides_the_answer(course: Course):
    for one in course.steps():
        text = starters.starter(course, one)
        assert f'NotImplementedError("{one.id} is not written yet' in text
        assert "# TODO:" in text
        for node in ast.parse(text).body:
            assert len(node.body) <= 2, "only a docstring and the raise"
        module = starters.module(course, course.of(one))
        assert regions.extract(module, one) == text


def test_every_module_of_starters_imports_what_the_reference_does(course: Course):
    for chapter in course.chapters:
        tree = ast.parse(starters.module(course, chapter))
        reference = ast.parse(course.reference(chapter.module))
        names = [[getattr(n, "name", "") for n in t.body] for t in (tree, reference)]
        assert names[0] == names[1]
