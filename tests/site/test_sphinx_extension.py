"""The Sphinx extension: MyST becomes elements that read well without scripts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

from tito import starters
from tito.course import Course

FRONT = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
%s---
"""
CODE = 'x = "<b>&amp;"  # a comment\n\nif x:\n    print(x)'
CHAPTER = f"""
# Tensor

See {{numref}}`02-tensor-mean`.

```{{code-cell}} python
{CODE}
```

```{{code-cell}} python
:tags: [hide-input, thebe-init]
hidden = 1
```

```{{code-cell}} python
:tags: [remove-input]
removed = 1
```

```{{code-cell}} python
:tags: [remove-cell]
gone = 1
```

```{{code-cell}} python
:tags: [remove-cell, thebe-init]
setup = 1
```

```{{tt-exercise}} 02-tensor/add
Words *above* the editor.
```

```{{tt-exercise}} 02-tensor/mean
```
"""
OTHER = """
# Elsewhere

{numref}`02-tensor-add`, {numref}`the mean ({number}) <02-tensor/mean>`, {ref}`02-tensor-add`.

```{code-cell} python
print("no chapter")
```

```{tt-map}
```
"""


def build(root: Path, book: Path, pages: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Build a book of these pages, warnings as errors, with the project's own configuration."""
    names = list(pages)
    for name, text in pages.items():
        (book / name).parent.mkdir(parents=True, exist_ok=True)
        (book / name).write_text(text, "utf-8")
    entries = "".join(f"  - file: {name.removesuffix('.md')}\n" for name in names[1:])
    root_page = names[0].removesuffix(".md")
    contents = f"format: jb-book\nroot: {root_page}\n" + (
        f"chapters:\n{entries}" if entries else ""
    )
    (book / "_toc.yml").write_text(contents, "utf-8")
    settings = {
        "title": "Test",
        "only_build_toc_files": True,
        "execute": {"execute_notebooks": "off"},
        "launch_buttons": {"thebe": True},
        "sphinx": {"local_extensions": {"tinytorch_book": str(root / "book" / "_ext")}},
    }
    (book / "_config.yml").write_text(json.dumps(settings), "utf-8")
    program = str(Path(sys.executable).with_name("jupyter-book"))
    command = [program, "build", str(book), "-W", "--keep-going"]
    return subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)


@pytest.fixture(scope="module")
def book(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, BeautifulSoup]:
    """A small book with a chapter two folders deep, read."""
    folder = tmp_path_factory.mktemp("book")
    pages = {
        "start.md": "# Start\n\nWords.",
        "book/chapters/02_tensor.md": FRONT % "" + CHAPTER,
        "book/other.md": FRONT % "" + OTHER,
        "book/declared.md": FRONT % "tinytorch_level: 5\n"
        + "\n# D\n\n```{code-cell} python\n1\n```\n",
    }
    done = build(root, folder, pages)
    assert done.returncode == 0, done.stdout + done.stderr
    html = folder / "_build" / "html"
    return {
        path.relative_to(html).as_posix(): BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in html.rglob("*.html")
    }


@pytest.fixture
def chapter(book: dict[str, BeautifulSoup]) -> BeautifulSoup:
    """The page of the chapter."""
    return book["book/chapters/02_tensor.html"]


def source(element: Tag) -> str:
    """The text an element would put into its editor."""
    code = element.select_one("pre.tt-source code")
    assert code is not None
    return code.get_text()


def tagged(page: BeautifulSoup, tag: str) -> Tag:
    """The one cell with a tag."""
    (found,) = page.select(f'tt-cell[data-tags~="{tag}"]')
    return found


def test_a_cell_holds_exactly_its_source_highlighted(chapter: BeautifulSoup) -> None:
    cell = next(c for c in chapter.select("tt-cell") if not c.get("data-tags"))
    assert source(cell) == CODE
    assert cell.select_one("pre.tt-source:not([hidden]) span.k"), "readable without scripts"
    assert cell["data-level"] == "2"


def test_hidden_input_is_folded_and_removed_input_is_not_shown(chapter: BeautifulSoup) -> None:
    hidden = tagged(chapter, "hide-input")
    assert hidden.select_one("details:not([open]) > pre.tt-source:not([hidden])")
    removed = tagged(chapter, "remove-input")
    assert removed.select_one("pre.tt-source[hidden]")
    assert source(removed) == "removed = 1"


def test_a_removed_cell_is_gone_unless_it_sets_the_session_up(chapter: BeautifulSoup) -> None:
    setup = tagged(chapter, "remove-cell")
    assert source(setup) == "setup = 1"
    assert setup.has_attr("hidden")
    assert "gone" not in chapter.get_text()
    first = next(c for c in chapter.select("tt-cell"))
    assert first is setup, "it runs before the cells that need it"
    # sphinx-thebe's script finds the cells to run at the start by this class.
    assert {source(c) for c in chapter.select(".tag_thebe-init")} == {"setup = 1", "hidden = 1"}


def test_the_level_is_the_chapters_or_the_declared_one(book: dict[str, BeautifulSoup]) -> None:
    levels = {
        name: [cell.get("data-level") for cell in page.select("tt-cell")]
        for name, page in book.items()
    }
    assert levels["book/other.html"] == [None]
    assert levels["book/declared.html"] == ["5"]


def test_an_exercise_carries_its_step(chapter: BeautifulSoup) -> None:
    course = Course()
    step = course.step("02-tensor/add")
    starter = starters.starter(course, step)
    element = chapter.select_one('tt-exercise[step="02-tensor/add"]')
    assert element is not None
    assert (element["id"], element["data-number"]) == ("02-tensor-add", "2.1")
    assert source(element) == starter
    assert element.select_one("p > em").get_text() == "above"
    data = json.loads(element.select_one('script[type="application/json"]').string)
    assert data["starter"] == starter
    assert data["starter_sha"] == starters.fingerprint(starter)
    assert data["hints"] == list(step.hints)
    assert (data["module"], data["level"], data["points"]) == ("tensor", 2, step.points)


def test_no_text_of_a_step_can_end_the_script_that_carries_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(root / "book" / "_ext"))
    from tinytorch_book import exercises, steps

    hostile = "</script><!--<script>"
    step = steps.Step("02-x/y", hostile, 2, 1, 1, "x", hostile, "", [hostile])
    text = exercises.page_data(step)
    assert "<" not in text
    assert json.loads(text)["hints"] == [hostile]


def test_references_name_the_number_of_the_ladder(book: dict[str, BeautifulSoup]) -> None:
    ladder = [step.id for step in Course().chapter(2).steps]
    place = ladder.index("02-tensor/mean") + 1
    page = book["book/other.html"]
    links = [
        (link.get_text(), link["href"])
        for link in page.select("article a.reference.internal")
        if "02-tensor" in link["href"]
    ]
    there = "chapters/02_tensor.html#02-tensor-"
    title = Course().step("02-tensor/add").title
    assert links == [
        ("Exercise 2.1", there + "add"),
        (f"the mean (2.{place})", there + "mean"),
        (f"Exercise 2.1 ({title})", there + "add"),
    ]
    own = book["book/chapters/02_tensor.html"].select_one('a[href="#02-tensor-mean"] .std-numref')
    assert own.get_text() == f"Exercise 2.{place}"


@pytest.mark.parametrize(
    ("name", "up"),
    [("start.html", ""), ("book/other.html", "../"), ("book/chapters/02_tensor.html", "../../")],
)
def test_scripts_and_styles_are_found_from_any_depth(
    book: dict[str, BeautifulSoup], name: str, up: str
) -> None:
    page = book[name]
    assert page.select_one('script[type="module"]')["src"] == f"{up}tt/tt.js"
    assert page.select_one('link[href$="tt.css"]')["href"] == f"{up}tt/tt.css"
    assert page.select_one('meta[name="tt-root"]')["content"] == (up or "./")


def test_live_code_is_sphinx_thebes_on_our_own_script(book: dict[str, BeautifulSoup]) -> None:
    for name in ("start.html", "book/other.html", "book/chapters/02_tensor.html", "search.html"):
        text = str(book[name])
        assert "unpkg" not in text
        assert "binder" not in text.lower()
        assert text.count("const THEBE_JS_URL") == 1, "a second one is a script error"
    chapter = book["book/chapters/02_tensor.html"]
    assert "THEBE_JS_URL='../../tt/thebe.js'" in str(chapter)
    assert chapter.select_one('[onclick*="initThebe"]'), "the theme's button is there"


def test_a_step_that_does_not_exist_stops_the_build_and_names_one_that_does(
    root: Path, tmp_path: Path
) -> None:
    done = build(root, tmp_path, {"start.md": "# S\n\n```{tt-exercise} 02-tensor/ad\n```\n"})
    assert done.returncode != 0
    assert "start.md:3" in done.stderr
    assert "There is no step '02-tensor/ad'" in done.stderr
    assert "02-tensor/add" in done.stderr


def test_an_exercise_on_two_pages_is_an_error(root: Path, tmp_path: Path) -> None:
    text = "\n\n```{tt-exercise} 02-tensor/add\n```\n"
    done = build(root, tmp_path, {"start.md": "# A" + text, "second.md": "# B" + text})
    assert done.returncode != 0
    assert "duplicate label 02-tensor/add" in done.stderr
    assert "second.md" in done.stderr


def test_the_map_is_a_list_that_needs_no_script(book):
    rows = book["book/other.html"].select("tt-map [data-step]")
    assert [row["data-step"] for row in rows] == [step.id for step in Course().steps()]
    row = next(row for row in rows if row["data-step"] == "02-tensor/add")
    assert row.a["href"] == "chapters/02_tensor.html#02-tensor-add"
    # The small book has no page of this chapter.
    assert rows[0].a is None


def test_every_page_knows_the_course(book):
    for name in ("start.html", "book/chapters/02_tensor.html"):
        course = json.loads(book[name].select_one("#tt-course").string)
        assert [chapter["id"] for chapter in course] == [c.id for c in Course().chapters]
        assert course[1]["page"] == "book/chapters/02_tensor.html"
        assert course[1]["steps"][0]["id"] == "02-tensor/add"
