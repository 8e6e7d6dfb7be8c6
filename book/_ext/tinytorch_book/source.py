"""Python source as highlighted HTML that the page elements read back as plain text."""

from __future__ import annotations

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


class tt_source(nodes.literal_block):
    """Code of a cell or an exercise; every builder but HTML sees a literal block."""


def source_node(code: str, **attributes: object) -> tt_source:
    """A node for `code`, without the trailing newline an editor would show as a line."""
    code = code.rstrip("\n")
    return tt_source(code, code, language="python", **attributes)


def highlighted(code: str) -> str:
    """`code` as HTML spans whose text is exactly `code`."""
    lexer = PythonLexer(stripnl=False, ensurenl=False)
    return highlight(code, lexer, HtmlFormatter(nowrap=True)).removesuffix("\n")


def visit_source(translator: HTML5Translator, node: tt_source) -> None:
    # The class is on the pre: `div.highlight pre` would get sphinx-copybutton's button.
    hidden = " hidden" if node.get("hidden") else ""
    code = highlighted(node.rawsource)
    # Long lines scroll, which a keyboard must reach too.
    translator.body.append(
        f'<pre class="tt-source highlight" tabindex="0"{hidden}><code>{code}</code></pre>\n'
    )
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the node: own HTML, a literal block elsewhere."""
    plain = (
        lambda translator, node: translator.visit_literal_block(node),
        lambda translator, node: translator.depart_literal_block(node),
    )
    app.add_node(tt_source, html=(visit_source, None), latex=plain, text=plain, texinfo=plain)
