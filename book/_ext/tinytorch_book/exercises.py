"""The `{tt-exercise}` directive: a step of a chapter as a numbered `<tt-exercise>` element.

    ```{tt-exercise} 02-tensor/add
    Optional words above the editor, in MyST.
    ```

The number is the chapter's and the place in its ladder (Exercise 2.1), as it is everywhere else
a student meets it. {numref}`02-tensor-add` and {ref}`02-tensor-add` refer to it, in the manner of
sphinx-exercise.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

from . import steps
from .source import source_node


class tt_exercise(nodes.General, nodes.Element):
    """An exercise: a title, the words above the editor and the starter."""


class tt_exercise_title(nodes.Part, nodes.TextElement):
    """Title line; its own node, so that it is searched and is not a section."""


class ExerciseDirective(SphinxDirective):
    """Build an exercise from its step id."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The exercise's node, or an error that names the step ids that are near."""
        step_id = self.arguments[0].strip()
        try:
            ladder = steps.load()
        except Exception as problem:
            raise self.error(f"The course could not be loaded: {problem}") from problem
        step = ladder.get(step_id)
        if step is None:
            near = get_close_matches(step_id, ladder, n=3, cutoff=0.5) or sorted(ladder)[:3]
            raise self.error(
                f"There is no step {step_id!r} in exercises/. Near it: {', '.join(near) or 'none'}."
            )
        for path in step.files:
            self.env.note_dependency(str(path))
        node = tt_exercise(ids=[step.anchor], step=step, classes=["tt"])
        self.set_source_info(node)
        self.state.document.set_id(node)
        node += tt_exercise_title("", f"Exercise {step.number}: {step.title}")
        self.state.nested_parse(self.content, self.content_offset, node)
        node += source_node(step.starter)
        self.register(step)
        return [node]

    def register(self, step: steps.Step) -> None:
        """Make the exercise a target; Sphinx itself refuses the same one on a second page."""
        title = f"Exercise {step.number} ({step.title})"
        for label in (step.anchor, step.id):
            self.env.domains["std"].note_hyperlink_target(
                label, self.env.docname, step.anchor, title
            )


def name_in_references(_app: Sphinx, config: Config) -> None:
    config.numfig_format.setdefault("exercise", "Exercise %s")


def number(_app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Give {numref} the ladder's numbers in place of the ones Sphinx counted on the pages."""
    for docname, kinds in env.toc_fignumbers.items():
        if "exercise" in kinds:
            by_anchor = {step.anchor: step for step in steps.load().values()}
            for anchor in kinds["exercise"]:
                step = by_anchor[anchor]
                env.toc_fignumbers[docname]["exercise"][anchor] = (step.chapter, step.place)
    return []


def page_data(step: steps.Step) -> str:
    """What the element needs to know, as JSON that cannot end its script element."""
    data = {
        "title": step.title,
        "points": step.points,
        "hints": step.hints,
        "starter": step.starter,
        "starter_sha": step.starter_sha,
        "module": step.module,
        "level": step.chapter,
    }
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")


def visit_exercise(translator: HTML5Translator, node: tt_exercise) -> None:
    step: steps.Step = node["step"]
    translator.body.append(
        f'<tt-exercise class="tt" step="{step.id}" id="{step.anchor}" data-number="{step.number}"'
        f' data-level="{step.chapter}" role="group" aria-labelledby="{step.anchor}-title">\n'
    )


def depart_exercise(translator: HTML5Translator, node: tt_exercise) -> None:
    translator.body.append(
        f'<script type="application/json">{page_data(node["step"])}</script>\n</tt-exercise>\n'
    )


def visit_title(translator: HTML5Translator, node: tt_exercise_title) -> None:
    step: steps.Step = node.parent["step"]
    points = "1 point" if step.points == 1 else f"{step.points} points"
    translator.body.append(
        f'<header class="tt-head"><p class="tt-title" id="{step.anchor}-title">'
        f'<span class="tt-number">Exercise {step.number}</span> '
        f'<span class="tt-name">{escape(step.title)}</span></p>'
        f'<p class="tt-points">{points}</p></header>\n'
    )
    raise nodes.SkipNode


def ignore(_translator: object, _node: nodes.Node) -> None:
    """Other builders show the children alone."""


def setup(app: Sphinx) -> None:
    """Register the directive, its nodes and its numbering."""
    app.add_enumerable_node(
        tt_exercise,
        "exercise",
        lambda node: node["step"].title,
        html=(visit_exercise, depart_exercise),
        latex=(ignore, ignore),
        text=(ignore, ignore),
        texinfo=(ignore, ignore),
    )
    paragraph = (
        lambda translator, node: translator.visit_paragraph(node),
        lambda translator, node: translator.depart_paragraph(node),
    )
    app.add_node(
        tt_exercise_title,
        html=(visit_title, None),
        latex=paragraph,
        text=paragraph,
        texinfo=paragraph,
    )
    app.add_directive("tt-exercise", ExerciseDirective)
    app.connect("config-inited", name_in_references)
    # After Sphinx's own collector, which runs at the default priority.
    app.connect("env-get-updated", number, priority=900)
