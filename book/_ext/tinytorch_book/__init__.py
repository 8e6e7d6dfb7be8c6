"""Sphinx extension of the book: live cells, exercises and the page's own scripts.

MyST code cells become `<tt-cell>`, `{tt-exercise}` becomes `<tt-exercise>`. Both are plain,
highlighted HTML that reads well on its own; `tt/tt.js` upgrades them in place.
"""

from __future__ import annotations

from sphinx.application import Sphinx

from . import cells, course_map, exercises, explore, pages, source


def setup(app: Sphinx) -> dict[str, object]:
    """Register the parts; named in `_config.yml` under `local_extensions`."""
    source.setup(app)
    cells.setup(app)
    explore.setup(app)
    exercises.setup(app)
    course_map.setup(app)
    pages.setup(app)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True}
