"""The `{tt-map}` directive, and what every page knows of the course.

The map is a list of chapters and steps that reads well on its own; `<tt-map>` marks it. Every page
carries the chapters as JSON, for the marks in the sidebar and the ways to open steps.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

from . import steps

WITHOUT_SCRIPTS = "Your browser runs no JavaScript: this is the course, without what you have done."


class tt_map(nodes.General, nodes.Element):
    """The place of the map."""


class MapDirective(SphinxDirective):
    """Put the map here."""

    def run(self) -> list[nodes.Node]:
        """The map's node; the page is built anew when the course changes."""
        for step in steps.load().values():
            for path in step.files:
                self.env.note_dependency(str(path))
        node = tt_map()
        self.set_source_info(node)
        return [node]


def page_of(env: BuildEnvironment, chapter: steps.Chapter) -> str | None:
    """The document with the chapter's exercises, if the book has one."""
    labels = env.domains["std"].anonlabels
    for step in chapter.steps:
        if step.anchor in labels:
            return str(labels[step.anchor][0])
    return None


def course(app: Sphinx) -> list[dict[str, Any]]:
    """The chapters as `lite/src/workspace/progress.ts` reads them."""
    found = []
    for chapter in steps.chapters():
        document = page_of(app.env, chapter)
        found.append(
            {
                "id": chapter.id,
                "number": chapter.number,
                "title": chapter.title,
                "module": chapter.module,
                "page": app.builder.get_target_uri(document) if document else None,
                "steps": [{"id": step.id, "title": step.title} for step in chapter.steps],
            }
        )
    return found


def add_course(
    app: Sphinx,
    _page: str,
    _template: str,
    context: dict[str, Any],
    _doctree: nodes.document | None,
) -> None:
    """Put the course into a page's head, as JSON that cannot end its script element."""
    text = json.dumps(course(app), ensure_ascii=False).replace("<", "\\u003c")
    context["metatags"] = context.get("metatags", "") + (
        f'\n<script type="application/json" id="tt-course">{text}</script>'
    )


def link(address: str | None, words: str) -> str:
    """A link, or the words alone where the book has no page of it."""
    return f'<a href="{escape(address)}">{escape(words)}</a>' if address else escape(words)


def chapter_html(chapter: steps.Chapter, page: str | None) -> str:
    """A chapter with what it unlocks and its steps."""
    rows = "\n".join(
        f'<li data-step="{step.id}"><span class="tt-map-step">'
        f'<span class="tt-map-number">{step.number}</span> '
        f"{link(page and f'{page}#{step.anchor}', step.title)}</span></li>"
        for step in chapter.steps
    )
    return (
        f'<li class="tt-map-chapter" data-chapter="{chapter.number}">\n'
        f'<h2 class="tt-map-title">{link(page, f"{chapter.number:02} {chapter.title}")}</h2>\n'
        f'<p class="tt-map-capability">{escape(chapter.capability)}</p>\n'
        f'<ol class="tt-map-steps">\n{rows}\n</ol>\n</li>\n'
    )


def visit_map(translator: HTML5Translator, _node: tt_map) -> None:
    builder = translator.builder
    env = builder.env
    here = builder.current_docname
    parts = []
    for chapter in steps.chapters():
        document = page_of(env, chapter)
        page = builder.get_relative_uri(here, document) if document else None
        parts.append(chapter_html(chapter, page))
    translator.body.append(
        '<tt-map class="tt">\n<div class="tt-map-now"><noscript><p>'
        f"{escape(WITHOUT_SCRIPTS)}</p></noscript></div>\n"
        f'<ol class="tt-map-chapters">\n{"".join(parts)}</ol>\n</tt-map>\n'
    )
    raise nodes.SkipNode


def ignore(_translator: object, _node: nodes.Node) -> None:
    """Other builders leave the map out."""


def setup(app: Sphinx) -> None:
    """Register the directive, and the course on every page."""
    others = {name: (ignore, ignore) for name in ("latex", "text", "texinfo")}
    app.add_node(tt_map, html=(visit_map, None), **others)
    app.add_directive("tt-map", MapDirective)
    app.connect("html-page-context", add_course)
