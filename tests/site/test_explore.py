"""Cells tagged `explore`: controls for the page, a picture and words for a page without scripts."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from .test_sphinx_extension import FRONT, build

SETUP = """
```{code-cell} python
:tags: [thebe-init]
import matplotlib.pyplot as plt
def draw(x):
    plt.plot([0, x])
    plt.show()
    print("a line up to", x)
```
"""
CELL = """
```{code-cell} python
:tags: [explore]
x = 2.0%s
draw(x)
```
"""
CONTROL = "  # slide: 0 to 3 by 0.5"


def page(*parts: str) -> dict[str, str]:
    """A book of one page."""
    return {"book/chapters/03_page.md": FRONT % "" + "\n# Page\n" + "".join(parts)}


def test_the_page_shows_the_picture_and_its_words(root: Path, tmp_path: Path) -> None:
    done = build(root, tmp_path, page(SETUP, CELL % CONTROL))
    assert done.returncode == 0, done.stdout + done.stderr
    html = (tmp_path / "_build" / "html" / "book" / "chapters" / "03_page.html").read_text("utf-8")
    cell = BeautifulSoup(html, "html.parser").select_one("tt-explore > tt-cell")
    assert cell is not None
    picture = cell.select_one(".tt-output img")
    assert picture is not None
    assert picture["alt"] == "a line up to 2.0"
    assert str(picture["src"]).startswith("data:image/svg+xml;base64,")
    assert cell.select_one(".tt-output pre").get_text() == "a line up to 2.0"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("parts", "message"),
    [((SETUP, CELL % ""), "has no control"), ((CELL % CONTROL,), "NameError: name 'draw'")],
    ids=["no control", "an error on the reference"],
)
def test_the_author_is_told(
    root: Path, tmp_path: Path, parts: tuple[str, ...], message: str
) -> None:
    done = build(root, tmp_path, page(*parts))
    assert done.returncode != 0
    assert message in done.stdout + done.stderr
