"""Notebooks on a workspace: `%load_ext tito.magics`, then `%chapter 02` and `%%step 02-tensor/add`.

`%chapter` makes the notebook's cells run at that chapter's level, on the student's package where
its foundations are finished. `%%step` puts the cell into the student's module and checks it.
"""

import json
from pathlib import Path
from typing import Any

from tito import plain
from tito.course import Course
from tito.errors import TitoError
from tito.service import Service
from tito.workspace import STATE, Workspace


class Magics:
    """What the two magics share: the engine on the workspace around the notebook."""

    def __init__(self) -> None:
        here = Path.cwd()
        folders = (folder for folder in (here, *here.parents) if (folder / STATE).exists())
        root = next(folders, None)
        if root is None:
            hint = "Open the notebook in a workspace: tito notebook 02"
            raise TitoError("no-workspace", f"{here} is not in a workspace.", hint)
        self.root, self.course, self.service = root, Course(), Service()
        self.chapter = ""
        self._saved: dict[str, str] = {}
        self._call("open", root=str(root))

    def _call(self, name: str, **request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(
            self.service.handle(json.dumps({"call": name, **request}))
        )
        if not answer["ok"]:
            raise TitoError(**answer["error"])
        return answer

    def to_chapter(self, line: str) -> None:
        """`%chapter 02`: make tinytorch here what it is in that chapter."""
        try:
            self.chapter = str(self.course.chapter(line or "1").number)
            answer = self._call("prepare_live", chapter=int(self.chapter))
        except TitoError as error:
            plain.error(error)
            return
        whose = "your package" if answer.get("package") == "student" else "the reference"
        plain.note(f"Chapter {self.chapter.zfill(2)}: cells run on {whose}.")

    def step(self, line: str, cell: str) -> None:
        """`%%step 02-tensor/add`: put the cell into the module, check it, show the verdict."""
        try:
            cell = cell.removesuffix("\n")  # IPython ends every cell with one of its own
            step = self.course.step(line.strip())
            kept = self._keep_other_text(step.id, cell)
            answer = self._call("check", step=step.id, code=cell)
            path = self.root / "tinytorch" / f"{step.module}.py"
            self._saved[step.id] = cell.rstrip("\n")
            if kept:
                plain.note(f"{path} had another text of this step; it is kept in {kept}")
            plain.report(answer["report"])
            if self.chapter:
                self._call("prepare_live", chapter=int(self.chapter))
        except TitoError as error:
            plain.error(error)

    def _keep_other_text(self, step_id: str, cell: str) -> str | None:
        """Keep what an editor wrote meanwhile, which the cell is about to replace."""
        workspace = Workspace.open(self.root, self.course)
        step = self.course.step(step_id)
        if not workspace.started(self.course.of(step)):
            return None
        try:
            there = workspace.module_text(step).rstrip("\n")
        except TitoError:
            return None
        fresh = self._call("starter", step=step_id)["starter"].rstrip("\n")
        if there in (cell.rstrip("\n"), fresh, self._saved.get(step_id)):
            return None
        return workspace.keep_aside(step, there)


def load_ipython_extension(ipython: Any) -> None:
    """What `%load_ext tito.magics` calls."""
    try:
        magics = Magics()
    except TitoError as error:
        plain.error(error)
        return
    ipython.register_magic_function(magics.to_chapter, "line", "chapter")
    ipython.register_magic_function(magics.step, "cell", "step")
