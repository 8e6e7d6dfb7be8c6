"""What every page carries: the element script and styles, and Live Code on our own kernel.

sphinx-thebe stays the convention of the book (button, directive, tags). The script it would take
from a CDN is our `tt/thebe.js`, which has the two calls it uses, so no page leaves this site.
"""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

LIVE_SCRIPT = "tt/thebe.js"


def is_thebe_script(script: Any) -> bool:
    """Whether sphinx-thebe's own configuration or its CDN script is meant."""
    if isinstance(script, str):
        return "thebe@" in script
    name = str(script.filename or "")
    return "thebe@" in name or "THEBE_JS_URL" in script.attributes.get("body", "")


def add_to_page(
    app: Sphinx,
    _page: str,
    _template: str,
    context: dict[str, Any],
    _doctree: nodes.document | None,
) -> None:
    """Put our head elements in, with paths relative to the page: any sub-path works."""

    def path(name: str) -> str:
        return escape(context["pathto"](name, resource=True))

    # sphinx-thebe writes its configuration once too often, which is a script error.
    context["script_files"] = [s for s in context["script_files"] if not is_thebe_script(s)]
    # Its script reads these globals; the selectors name nothing, for our elements do the work.
    nothing = "tt-none"
    settings = "".join(
        f"const {name}={value!r};"
        for name, value in {
            "THEBE_JS_URL": context["pathto"](LIVE_SCRIPT, resource=True),
            "thebe_selector": nothing,
            "thebe_selector_input": nothing,
            "thebe_selector_output": nothing,
        }.items()
    )
    root = path("x").removesuffix("x") or "./"
    context["metatags"] = context.get("metatags", "") + (
        f'\n<meta name="tt-root" content="{root}" />'
        f'\n<link rel="stylesheet" href="{path("tt/tt.css")}" />'
        f"\n<script>{settings}</script>"
        # Both wait for the page; the calls of sphinx-thebe exist before its button is pressed.
        f'\n<script defer src="{path(LIVE_SCRIPT)}"></script>'
        f'\n<script type="module" src="{path("tt/tt.js")}"></script>'
    )


def drop_thebe_configuration(app: Sphinx, doctree: nodes.document, _docname: str) -> None:
    """Take out the Binder configuration that sphinx-thebe appends: nothing reads it here."""
    if app.builder.format != "html":
        return
    for raw in list(doctree.findall(nodes.raw)):
        if "text/x-thebe-config" in raw.astext():
            raw.parent.remove(raw)


def setup(app: Sphinx) -> None:
    """Register the page hooks, after those of sphinx-thebe and the theme."""
    app.connect("html-page-context", add_to_page, priority=900)
    app.connect("doctree-resolved", drop_thebe_configuration, priority=900)
