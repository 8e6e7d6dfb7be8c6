"""A student's workspace: the package that grows, drafts, and what is known of each step.

The same folder on disk, in the page (mirrored from the browser's storage) and in the exported
zip. Every write is atomic and noted in `changes`, which the page copies into its storage.
A student's file is never overwritten, except where a step's own text is put into its region.
"""

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tito import __version__, regions, starters
from tito.course import Chapter, Course, Step
from tito.errors import TitoError
from tito.grammar import NotPython, normal, read_source
from tito.report import Report, is_complete

SCHEMA = 1
STATE = ".tito/workspace.json"
PYPROJECT = """\
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "my-tinytorch"
version = "0.1.0"
description = "My own deep learning framework, written chapter by chapter."
requires-python = ">=3.11"
dependencies = ["numpy>=1.26"]

[tool.setuptools.packages.find]
include = ["tinytorch*"]
"""


@dataclass(frozen=True)
class Saved:
    """Where a text went: into the module, or aside as a draft because of `error`."""

    place: str
    error: NotPython | None = None


class Workspace:
    """One workspace folder. `Workspace.create` makes it, `Workspace.open` takes an existing one."""

    def __init__(self, root: Path, course: Course, state: dict[str, Any]) -> None:
        self.root = root
        self.course = course
        self.state = state
        self.changes: dict[str, str | None] = {}
        self.warnings: list[str] = []

    @classmethod
    def create(cls, root: Path, course: Course) -> "Workspace":
        """Make a workspace in a folder, which may exist; files in it stay as they are."""
        if (root / STATE).exists():
            return cls.open(root, course)
        root.mkdir(parents=True, exist_ok=True)
        state = {"schema": SCHEMA, "course": __version__, "steps": {}, "given": {}}
        workspace = cls(root, course, {**state, "choices": {"reference": []}})
        workspace.refresh_given()
        workspace.save_state()
        return workspace

    @classmethod
    def open(cls, root: Path, course: Course) -> "Workspace":
        """The workspace in a folder. Nothing is changed, except by `refresh_given` and the like."""
        path = root / STATE
        try:
            text = path.read_text("utf-8")
        except OSError:
            hint = "Go to your workspace folder, or make one here: tito init"
            raise TitoError("no-workspace", f"{root} is not a workspace.", hint) from None
        return cls(root, course, checked_state(text, str(path)))

    # Files.

    def path(self, name: str) -> Path:
        """The file of a name relative to the workspace."""
        return self.root / name

    def read(self, name: str) -> str | None:
        """The text of a file; None when there is none."""
        try:
            return read_source(self.path(name))
        except FileNotFoundError:
            return None
        except NotPython as error:
            raise TitoError("not-text", f"{name}: {error.message}", "Save it as UTF-8.") from None

    def write(self, name: str, text: str) -> None:
        """Write a file as a whole or not at all."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with open(temporary, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self.changes[name] = text

    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self.path(name).unlink()
            self.changes[name] = None

    def save_state(self) -> None:
        """Write what is known of the steps."""
        self.write(STATE, json.dumps(self.state, indent=1, sort_keys=True) + "\n")

    # Given code.

    def refresh_given(self) -> None:
        """Write given files that are missing, and newer versions of those nobody changed."""
        files = {name: path.read_text("utf-8") for name, path in self.course.given_files().items()}
        for chapter in self.course.chapters:
            if self.started(chapter):
                files.update(self._companions(chapter))
        files["pyproject.toml"] = PYPROJECT
        before = dict(self.state["given"])
        for name, text in files.items():
            self._give(name, text)
        if self.state["given"] != before and (self.root / STATE).exists():
            self.save_state()

    def _give(self, name: str, text: str) -> None:
        given: dict[str, str] = self.state["given"]
        current, wanted = self.read(name), starters.fingerprint(text)
        if current is None:
            self.write(name, text)
        elif starters.fingerprint(current) != wanted:
            if given.get(name) != starters.fingerprint(current):
                self.warnings.append(f"{name} was changed by hand and is left as it is.")
                return
            self.write(name, text)
        given[name] = wanted

    def _companions(self, chapter: Chapter) -> dict[str, str]:
        names = self.course.companions(chapter)
        return {f"tinytorch/{name}.py": self.course.reference(name) for name in names}

    # Chapters and steps.

    def module_name(self, chapter: Chapter) -> str:
        """The file a chapter writes."""
        return f"tinytorch/{chapter.module}.py"

    def started(self, chapter: Chapter) -> bool:
        """Whether the chapter's module is the student's."""
        return self.path(self.module_name(chapter)).exists()

    def start(self, chapter: Chapter) -> list[str]:
        """Lay the starters in; the files written. What exists stays."""
        written = []
        if not self.started(chapter):
            self.write(self.module_name(chapter), starters.module(self.course, chapter))
            written.append(self.module_name(chapter))
        for name, text in self._companions(chapter).items():
            if self.read(name) is None:
                written.append(name)
            self._give(name, text)
        for step in chapter.steps:
            entry = self.entry(step)
            entry.setdefault("starter", starters.fingerprint(starters.starter(self.course, step)))
        if written:
            self.save_state()
        return written

    def entry(self, step: Step) -> dict[str, Any]:
        """What is known of a step; made when there is nothing yet."""
        steps: dict[str, dict[str, Any]] = self.state["steps"]
        return steps.setdefault(step.id, {"outcome": None, "revealed": False})

    def draft_name(self, step: Step) -> str:
        """The file that keeps a text which is not (yet) in the module."""
        return f".tito/drafts/{step.id}.py"

    def text(self, step: Step) -> str:
        """The student's text of a step: the draft, the module's, or the starter."""
        draft = self.read(self.draft_name(step))
        return draft if draft is not None else self.module_text(step)

    def module_text(self, step: Step) -> str:
        """The step's text in the module; the starter when the chapter is not started."""
        source = self.read(f"tinytorch/{step.module}.py")
        if source is None:
            return starters.starter(self.course, step)
        return regions.extract(source, step)

    def save(self, step: Step, code: str) -> Saved:
        """Put a text into the module; keep it as a draft when the module would not parse."""
        code = normal(code)
        chapter = self.course.of(step)
        if not self.started(chapter):
            self.start(chapter)
        name = self.module_name(chapter)
        source = self.read(name) or ""
        try:
            result = regions.splice(source, step, code)
        except NotPython as error:
            self._keep_draft(step, code)
            return Saved("draft", error)
        except TitoError:
            self._keep_draft(step, code)
            raise
        if result != source:
            self.write(name, result)
        self.delete(self.draft_name(step))
        return Saved("module")

    def _keep_draft(self, step: Step, code: str) -> None:
        if self.read(self.draft_name(step)) != code:
            self.write(self.draft_name(step), code)

    def adopt_drafts(self) -> list[str]:
        """Put drafts that parse by now into their modules; the ids of their steps."""
        adopted = []
        for step in self.course.steps():
            draft = self.read(self.draft_name(step))
            if draft is None:
                continue
            # A starter that was only looked at starts nothing.
            if not self.started(self.course.of(step)) and draft == self.module_text(step):
                self.delete(self.draft_name(step))
                continue
            with contextlib.suppress(TitoError):
                if self.save(step, draft).place == "module":
                    adopted.append(step.id)
        return adopted

    def reset(self, step: Step) -> str:
        """Back to the starter, which is returned; the text until now is kept aside."""
        text = starters.starter(self.course, step)
        with contextlib.suppress(TitoError):
            if (old := self.text(step)) != text:
                self.keep_aside(step, old)
        self.delete(self.draft_name(step))
        self.start(self.course.of(step))
        saved = self.save(step, text)
        if saved.error:
            self.delete(self.draft_name(step))
            name = f"tinytorch/{step.module}.py"
            hint = f"Mend {name} first, or move it away and run: tito start {step.chapter:02}"
            raise TitoError("not-python", saved.error.message, hint)
        entry = self.entry(step)
        entry.update(outcome=None, starter=starters.fingerprint(text), complete=False)
        entry.pop("broken_by", None)
        self.save_state()
        return text

    def set_draft_aside(self, step: Step) -> str | None:
        """Keep a draft among the old texts, where nothing reads it; its new name."""
        draft = self.read(self.draft_name(step))
        if draft is None:
            return None
        kept = self.keep_aside(step, draft)
        self.delete(self.draft_name(step))
        return kept

    def keep_aside(self, step: Step, text: str) -> str:
        """Keep an old text of a step among others, where nothing reads it; its new name."""
        count = 1
        while self.path(f".tito/kept/{step.id}.{count}.py").exists():
            count += 1
        name = f".tito/kept/{step.id}.{count}.py"
        self.write(name, text)
        return name

    def record(self, result: Report, *, broken_by: Step | None = None) -> None:
        """Remember the outcome of a check; `broken_by` when it is a change there that it checks."""
        entry = self.entry(self.course.step(result["step"]))
        entry.pop("broken_by", None)
        if broken_by and result["outcome"] != "passed":
            entry["broken_by"] = broken_by.id
        entry["outcome"] = result["outcome"]
        entry["complete"] = is_complete(result)
        entry["checked"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        # The student has tried nothing when it was another step that changed.
        if result["outcome"] == "failed" and not broken_by:
            entry["failures"] = entry.get("failures", 0) + 1
        self.save_state()

    def open_hints(self, step: Step, *, everything: bool = False) -> list[str]:
        """Open one more hint, or all; every hint that is open by now."""
        entry = self.entry(step)
        count = len(step.hints) if everything else min(entry.get("hints", 0) + 1, len(step.hints))
        entry["hints"] = count
        self.save_state()
        return list(step.hints[:count])

    def reveal(self, step: Step) -> None:
        """Remember that the solution was shown before the step was passed."""
        if self.entry(step)["outcome"] != "passed":
            self.entry(step)["revealed"] = True
            self.save_state()

    def use_reference(self, chapters: list[Chapter], on: bool) -> None:
        """Record (or take back) the choice to go on with the reference for these chapters."""
        chosen = set(self.state["choices"].get("reference", []))
        numbers = {chapter.number for chapter in chapters}
        self.state["choices"]["reference"] = sorted(chosen | numbers if on else chosen - numbers)
        self.save_state()


def checked_state(text: str, where: str) -> dict[str, Any]:
    """The content of workspace.json, refused when it is damaged or from a newer course."""
    try:
        state = json.loads(text)
        schema = state["schema"]
        if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
            raise ValueError("schema")
    except (ValueError, KeyError, TypeError, RecursionError):
        hint = "Restore it from an export, or move it away and run: tito init (your code stays)."
        raise TitoError("damaged-workspace", f"{where} is damaged.", hint) from None
    if schema > SCHEMA:
        message = (
            f"This workspace was made by a newer version of the course (schema {schema}; "
            f"this one reads up to {SCHEMA}): {where}. Nothing was changed."
        )
        raise TitoError("newer-workspace", message, "Update the course and open it again.")
    for name, kind in (("steps", dict), ("given", dict), ("choices", dict)):
        if not isinstance(state.setdefault(name, kind()), kind):
            message = f"{where} is damaged: `{name}` is not what it should be."
            raise TitoError("damaged-workspace", message, "Restore it from an export.")
    if not all(isinstance(entry, dict) for entry in state["steps"].values()):
        message = f"{where} is damaged: `steps` is not what it should be."
        raise TitoError("damaged-workspace", message, "Restore it from an export.")
    for entry in state["steps"].values():
        entry.setdefault("outcome", None)
        entry.setdefault("revealed", False)
    return dict(state)
