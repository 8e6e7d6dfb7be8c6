"""MyST code cells as `<tt-cell>` elements, with the standard cell tags honored.

| tag | effect |
|---|---|
| hide-input, hide-output, hide-cell | folded, one click away |
| remove-input | not shown; Run and the output stay |
| remove-output | the output is not shown |
| remove-cell | not on the page; with thebe-init it still runs first |
| thebe-init | runs before the first cell of a session |
| raises-exception | an error is the point of this cell |
| explore | a picture with controls: see explore.py |
"""

from __future__ import annotations

import re
from functools import cached_property
from html import escape
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator

from .source import source_node, tt_source


class tt_cell(nodes.General, nodes.Element):
    """A code cell: its source, then the output of the build, if there was one."""


def page_level(env: BuildEnvironment, docname: str) -> int | None:
    """The course level a page runs at: its front matter's `tinytorch_level`, else its chapter.

    Pages that belong to no chapter have none and run at the highest.
    """
    declared = env.metadata.get(docname, {}).get("tinytorch_level")
    chapter = re.match(r"(\d\d)_", docname.rsplit("/", 1)[-1])
    number = declared if declared is not None else chapter and chapter[1]
    return None if number is None else int(number)


class ElementCells(SphinxPostTransform):
    """Replace myst-nb's cell containers by ours, in HTML only."""

    # After myst-nb has chosen the output's mime type, before it folds hidden cells.
    default_priority = 190
    formats = ("html",)

    def run(self, **_options: object) -> None:
        """Convert every code cell of the page."""
        for container in list(self.document.findall(nodes.container)):
            if container.get("nb_element") == "cell_code":
                container.replace_self(self.element(container))
        section = self.document.next_node(nodes.section)
        if section is not None:
            for code, tags in self.removed_setup_cells():
                section.insert(1, self.cell(code, tags))

    def element(self, container: nodes.container) -> tt_cell:
        tags = [str(tag).replace("_", "-") for tag in container["cell_metadata"].get("tags", [])]
        literal = container.next_node(nodes.literal_block)
        code = literal.astext() if literal is not None else self.sources[container["cell_index"]]
        cell = self.cell(code, tags)
        cell.source, cell.line = container.source, container.line
        outputs = (c for c in container.findall(nodes.container) if c is not container)
        for output in outputs:
            if output.get("nb_element") == "cell_code_output":
                cell += output
                break
        return cell

    def cell(self, code: str, tags: list[str]) -> tt_cell:
        cell = tt_cell(level=page_level(self.env, self.env.docname), tags=tags)
        cell += source_node(code, hidden=bool({"remove-input", "remove-cell"} & set(tags)))
        return cell

    def removed_setup_cells(self) -> list[tuple[str, list[str]]]:
        """Source and tags of cells that are off the page but set a session up, last first."""
        if not self.notebook_path.exists():
            return []
        found = []
        for cell in self.notebook.cells:
            tags = [str(tag).replace("_", "-") for tag in cell.metadata.get("tags", [])]
            if {"remove-cell", "thebe-init"} <= set(tags):
                found.append((cell.source, tags))
        return found[::-1]

    @property
    def notebook_path(self) -> Path:
        # myst-nb writes every notebook page there; it alone keeps the source of removed cells.
        folder = Path(self.env.mystnb_config.output_folder)
        return folder / f"{self.env.docname}.ipynb"

    @cached_property
    def notebook(self) -> nbformat.NotebookNode:
        return nbformat.read(self.notebook_path, as_version=4)

    @cached_property
    def sources(self) -> list[str]:
        return [cell.source for cell in self.notebook.cells]


def visit_cell(translator: HTML5Translator, node: tt_cell) -> None:
    tags = node["tags"]
    # `cell` and `tag_*` are the names that sphinx-thebe and myst-nb give; scripts rely on them.
    classes = " ".join(["tt", "cell", *(f"tag_{tag}" for tag in tags)])
    attributes = f'class="{escape(classes)}"'
    if node["level"] is not None:
        attributes += f' data-level="{node["level"]}"'
    if tags:
        attributes += f' data-tags="{escape(" ".join(tags))}"'
    if "remove-cell" in tags:
        attributes += " hidden"
    translator.body.append(f"<tt-cell {attributes}>\n")
    fold_input = {"hide-input", "hide-cell"} & set(tags)
    fold_output = {"hide-output", "hide-cell"} & set(tags)
    for child in node.children:
        is_source = isinstance(child, tt_source)
        folded = fold_input if is_source else fold_output
        if folded:
            what = "code" if is_source else "output"
            translator.body.append(f'<details class="tt-fold"><summary>Show the {what}</summary>\n')
        if not is_source:
            translator.body.append('<div class="tt-output">\n')
        child.walkabout(translator)
        if not is_source:
            translator.body.append("</div>\n")
        if folded:
            translator.body.append("</details>\n")
    translator.body.append("</tt-cell>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the cell node and its transform."""
    app.add_node(tt_cell, html=(visit_cell, None))
    app.add_post_transform(ElementCells)
