"""The figures of `tito analyze` on chapters made by hand."""

import pytest

from tito import analyze
from tito.course import Course

GOOD = """\
# Chapter

## Step 1

{words}

```python
1 + 1
```

```{{tt-exercise}} 02-tensor/add
```

A {{term}}`shape`.

```{{code-cell}} python
:tags: [hide-input]
x = 1
```
"""
LONG = "\n".join(f"y{i} = {i}" for i in range(11))
LOOPS = "for a in b:\n    for c in d:\n        if e:\n            f = [g for g in h]\n"
TERMS = "{term}`one` {term}`Two things <two>` {term}`three`"


@pytest.fixture
def figures(copied):
    """Figures of chapter 02 with only step `add`, for a page's text and changes to its files."""

    def run(page: str, toml: tuple[str, str] = ("", ""), test: tuple[str, str] = ("", "")):
        folder = copied.exercises / "02_tensor"
        text = (folder / "chapter.toml").read_text()
        text = "[[steps]]".join(text.split("[[steps]]")[:2]).replace(*toml)
        (folder / "chapter.toml").write_text(text)
        checks = folder / "test_add.py"
        checks.write_text(checks.read_text().replace(*test))
        pages = copied.root / "book" / "chapters"
        pages.mkdir(parents=True, exist_ok=True)
        for chapter in copied.chapters:
            (pages / f"{chapter.folder.name}.md").write_text("")
        (pages / "02_tensor.md").write_text(page)
        return analyze.analyze(Course(copied.root))["chapters"][1]

    return run


def test_a_good_chapter(figures):
    page = GOOD.format(words="word " * 40)
    assert figures(page) == {
        "id": "02-tensor",
        "steps": 1,
        "scaffolding": 5.0,
        "high_complexity": 0.0,
        "longest_implementation": 2,
        "max_new_concepts": 2,
        "largest_jump": 0,
        "page_lines": len(page.splitlines()),
    }


@pytest.mark.parametrize(
    ("words", "toml", "test"),
    [
        (39, ("", ""), ("", "")),
        (40, ("array([4., 7.])", "array([4., 8.])"), ("", "")),
        (40, ("APPROACH:", "HOW:"), ("", "")),
        (40, ("", ""), ("mark.learning", "mark.unit")),
        (40, ("", ""), ("mark.confidence", "mark.unit")),
    ],
)
def test_each_part_that_lacks_costs_a_point(figures, words, toml, test):
    result = figures(GOOD.format(words="word " * words), toml, test)
    assert result["scaffolding"] == 4.0


def test_a_bridge_needs_an_example(figures):
    page = GOOD.format(words="word " * 40).replace("```python\n1 + 1\n```\n", "")
    assert figures(page)["scaffolding"] == 4.0


@pytest.mark.parametrize(
    ("cells", "share", "jump"),
    [
        (["x = 1", LONG], 0.0, 1),
        (["x = 1", LONG + "\n" + LOOPS], 0.5, 2),
        (["x = 1", LOOPS, LONG + "\n" + LOOPS], 0.333, 1),
        ([LONG + "\n" + LOOPS, "x = 1"], 0.5, 0),
        (["%time not python"], 0.0, 0),
    ],
)
def test_levels_of_cells(figures, cells, share, jump):
    page = "\n".join(f"```{{code-cell}} python\n{cell}\n```\n" for cell in cells)
    result = figures(page)
    assert (result["high_complexity"], result["largest_jump"]) == (share, jump)


def test_the_concepts_of_a_step_are_those_since_its_heading(figures):
    page = f"{TERMS}\n\n" + GOOD.format(words="{term}`four`\n\n```{code-cell}\nx\n```\n")
    assert figures(page)["max_new_concepts"] == 3


def test_concepts_are_new_once(figures):
    cell = f"```{{code-cell}} python\n{LONG}\n```\n"
    assert figures(f"{TERMS}\n\n{cell}")["high_complexity"] == 1.0
    assert figures(f"{TERMS}\n\n{cell}\n{TERMS}\n\n{cell}")["high_complexity"] == 0.5
