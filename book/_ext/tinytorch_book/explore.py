"""Cells tagged `explore`: a picture the reader moves, as a `<tt-explore>` around a `<tt-cell>`.

    ```{code-cell} python
    :tags: [explore]
    f = relu  # choose: relu, sigmoid, tanh
    x = 1.0  # slide: -5 to 5 by 0.25
    tangent(f, x)
    ```

Each line with such a comment becomes a control of the page. Without scripts, or before Python
runs, the page shows what the cell gives on the reference, drawn while the book is built.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

from .cells import tt_cell
from .source import tt_source

ROOT = Path(__file__).resolve().parents[3]
CONTROL = re.compile(r"^\w+ = .+?  # (?:slide: \S+ to \S+ by \S+|choose: .+)$", re.MULTILINE)
logger = logging.getLogger(__name__)


class tt_explore(nodes.General, nodes.Element):
    """A cell with controls."""


class ExploreCells(SphinxPostTransform):
    """Wrap cells tagged `explore` and draw what they show."""

    default_priority = 195  # after cells.ElementCells has made the cells
    formats = ("html",)

    def run(self, **_options: object) -> None:
        """Convert every cell of the page that has the tag."""
        cells = list(self.document.findall(tt_cell))
        setup = [source(cell) for cell in cells if "thebe-init" in cell["tags"]]
        for cell in cells:
            if "explore" not in cell["tags"]:
                continue
            code = source(cell)
            if not CONTROL.search(code):
                logger.warning(
                    "A cell tagged explore has no control: write `x = 1.0  # slide: -5 to 5 by 0.5`"
                    " or `f = relu  # choose: relu, tanh`.",
                    location=cell,
                )
            wrapper = tt_explore()
            cell.replace_self(wrapper)
            wrapper += cell
            try:
                cell += static_picture([*setup, code], cell["level"])
            except ValueError as problem:
                logger.warning("An explore cell fails on the reference: %s", problem, location=cell)


def source(cell: tt_cell) -> str:
    """The code of a cell."""
    node = cell.next_node(tt_source)
    return node.rawsource if node is not None else ""


def static_picture(cells: list[str], level: int | None) -> nodes.raw:
    """What the last of `cells` draws and prints, as HTML. Raises ValueError with its traceback."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if level is not None:
        environment["TINYTORCH_LEVEL"] = str(level)
    program = [sys.executable, str(Path(__file__).with_name("drawn.py"))]
    done = subprocess.run(
        program,
        input=json.dumps({"cells": cells}),
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise ValueError(done.stderr.strip())
    answer = json.loads(done.stdout)
    text = escape(answer["text"])
    html = f'<pre class="tt-text">{text}</pre>'
    if answer["svg"]:
        data = base64.b64encode(answer["svg"].encode()).decode()
        picture = f'src="data:image/svg+xml;base64,{data}" alt="{text or "Picture"}"'
        html = f'<img class="tt-picture" {picture} />\n{html}'
    return nodes.raw("", html, format="html")


def visit_explore(translator: HTML5Translator, _node: tt_explore) -> None:
    translator.body.append('<tt-explore class="tt">\n')


def depart_explore(translator: HTML5Translator, _node: tt_explore) -> None:
    translator.body.append("</tt-explore>\n")


def setup(app: Sphinx) -> None:
    """Register the wrapper and its transform."""
    app.add_node(tt_explore, html=(visit_explore, depart_explore))
    app.add_post_transform(ExploreCells)
