"""The engine as the page calls it: JSON in, JSON out, the same workspace as on disk.

`handle` never raises, except KeyboardInterrupt when the reader stops a check. Each answer carries
`changes`: what was written and deleted in the workspace folder since the answer before, which the
page copies into the browser's storage.
"""

import base64
import binascii
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tito import archive, isolation, progress, recheck, runner, starters
from tito.course import Chapter, Course
from tito.errors import TitoError
from tito.explain import describe
from tito.report import PASSED, not_python
from tito.workspace import Workspace

Answer = dict[str, Any]
Request = dict[str, Any]


class Service:
    """The state of one page: its course, its workspace, and what its live cells run on."""

    def __init__(self, course: Course | None = None) -> None:
        self._course = course
        self._root: Path | None = None
        self._changes: dict[str, str | None] = {}
        self._live: tuple[Any, ...] | None = None
        self._calls: dict[str, Callable[[Request], Answer]] = {
            "open": self._open,
            "starter": self._starter,
            "text": self._text,
            "save": self._save,
            "check": self._check,
            "recheck": self._recheck,
            "prepare_live": self._prepare_live,
            "state": lambda request: {"state": progress.state(self._workspace())},
            "use_reference": self._use_reference,
            "export": self._export,
            "import": self._import,
            "reset": self._reset,
            "solution": self._solution,
        }

    def handle(self, request_json: str) -> str:
        """Answer one request."""
        try:
            request = json.loads(request_json)
            if not isinstance(request, dict) or request.get("call") not in self._calls:
                known = ", ".join(self._calls)
                raise TitoError("bad-request", "There is no such call.", f"There are: {known}.")
            answer = {"ok": True, **self._calls[request["call"]](request)}
        except TitoError as error:
            answer = {"ok": False, "error": error.as_json()}
        except Exception as error:
            message = f"The course engine failed: {describe(error)}"
            hint = "Your work is kept. Reload the page; if it happens again, please report it."
            answer = {"ok": False, "error": TitoError("internal", message, hint).as_json()}
        # After a stopped check its changes are still here: they go out with the next answer.
        changes, self._changes = self._changes, {}
        answer["changes"] = {
            "write": {name: text for name, text in changes.items() if text is not None},
            "delete": [name for name, text in changes.items() if text is None],
        }
        return json.dumps(answer)

    @property
    def course(self) -> Course:
        """The course, read at the first call."""
        if self._course is None:
            self._course = Course()
        return self._course

    def _workspace(self) -> Workspace:
        if self._root is None:
            raise TitoError("not-open", "No workspace is open.", "Call `open` first.")
        return self._noted(Workspace.open(self._root, self.course))

    def _noted(self, workspace: Workspace) -> Workspace:
        # One journal for all: what a call wrote before it was stopped is not forgotten.
        self._changes.update(workspace.changes)
        workspace.changes = self._changes
        return workspace

    def _open(self, request: Request) -> Answer:
        root = Path(_text(request, "root"))
        workspace = self._noted(Workspace.create(root, self.course))
        self._root = root
        workspace.refresh_given()
        adopted = workspace.adopt_drafts()
        return {"root": str(root), "adopted": adopted, "state": progress.state(workspace)}

    def _starter(self, request: Request) -> Answer:
        step = self.course.step(_text(request, "step"))
        text = starters.starter(self.course, step)
        return {"starter": text, "starter_sha": starters.fingerprint(text)}

    def _text(self, request: Request) -> Answer:
        step = self.course.step(_text(request, "step"))
        workspace = self._workspace()
        entry = workspace.state["steps"].get(step.id, {})
        starter = starters.fingerprint(starters.starter(self.course, step))
        return {
            "text": workspace.text(step),
            "draft": workspace.read(workspace.draft_name(step)) is not None,
            "outcome": entry.get("outcome"),
            "revealed": bool(entry.get("revealed")),
            "starter_changed": entry.get("starter", starter) != starter,
        }

    def _save(self, request: Request) -> Answer:
        step = self.course.step(_text(request, "step"))
        saved = self._workspace().save(step, _text(request, "code"))
        answer: Answer = {"saved": saved.place}
        if saved.error:
            answer["message"], answer["line"] = saved.error.message, saved.error.line
        return answer

    def _check(self, request: Request) -> Answer:
        step = self.course.step(_text(request, "step"))
        workspace = self._workspace()
        chapter = self.course.of(step)
        saved = workspace.save(step, _text(request, "code"))
        if saved.error:
            result = not_python(step.id, saved.error)
        else:
            with progress.package(workspace, chapter.number) as package:
                jobs = [{"step": step.id, "package": str(package)}]
                result = next(runner.run(self.course, jobs))
        workspace.record(result)
        recheck.note(workspace, step)
        following = progress.next_step(workspace)
        # What a failed answer would break is no news.
        due = recheck.due(workspace) if result["outcome"] == PASSED else []
        return {
            "report": result,
            "chapter_done": progress.done(workspace, chapter),
            "missing": progress.missing(workspace, chapter.number),
            "revealed": bool(workspace.entry(step)["revealed"]),
            "next": following.id if following else None,
            "due": [step.id for step in due],
        }

    def _recheck(self, request: Request) -> Answer:
        """Check a finished step again after a change; the page asks for each that is due."""
        workspace = self._workspace()
        step = self.course.step(_text(request, "step"))
        after = self.course.step(_text(request, "after"))
        if step not in recheck.due(workspace):
            return {"outcome": None}
        gave_up = bool(request.get("gave_up"))
        return {"outcome": recheck.again(workspace, step, after, gave_up=gave_up)["outcome"]}

    def _prepare_live(self, request: Request) -> Answer:
        """Make `tinytorch` in this process the one that a page's cells run on."""
        workspace = self._workspace()
        key = request.get("chapter")
        number = self.course.chapter(key).number if key is not None else progress.level(workspace)
        lacking = progress.missing(workspace, number) if number is not None and key else []
        filled = progress.open_steps(workspace, number or 99, own=True)
        started = any(workspace.started(chapter) for chapter in self.course.chapters)
        student = started and not lacking
        answer: Answer = {
            "package": "student" if student else "reference",
            "level": number,
            "missing": lacking,
            "filled": [step.id for step in filled] if student else [],
        }
        wanted = (student, number, tuple(answer["filled"]), _digest(workspace) if student else "")
        if self._live == wanted and "tinytorch" in sys.modules:
            return {**answer, "reloaded": False}
        self._live = None
        folder = workspace.root / "tinytorch" if student else None
        if student and filled:
            folder = Path(tempfile.gettempdir()) / "tinytorch-live"
            shutil.rmtree(folder, ignore_errors=True)
            progress.fill(workspace, filled, folder)
        try:
            isolation.load(self.course.package, number, folder)
        except Exception as error:
            if not student:
                raise
            answer.update(package="reference", filled=[], problem=describe(error))
            isolation.load(self.course.package, number, None)
        self._live = wanted
        return {**answer, "reloaded": True}

    def _use_reference(self, request: Request) -> Answer:
        chapters: list[Chapter] = [self.course.chapter(key) for key in request.get("chapters", [])]
        workspace = self._workspace()
        workspace.use_reference(chapters, bool(request.get("on", True)))
        return {"state": progress.state(workspace)}

    def _export(self, request: Request) -> Answer:
        workspace = self._workspace()
        workspace.adopt_drafts()
        return {"zip_base64": base64.b64encode(archive.export(workspace)).decode("ascii")}

    def _import(self, request: Request) -> Answer:
        if self._root is None:
            raise TitoError("not-open", "No workspace is open.", "Call `open` first.")
        try:
            data = base64.b64decode(_text(request, "zip_base64"), validate=True)
        except (binascii.Error, ValueError):
            raise TitoError("bad-archive", "This is not a zip file.", "Choose another.") from None
        workspace = self._noted(archive.replace(self._root, self.course, data))
        workspace.adopt_drafts()
        return {"files": len(archive.files(workspace.root)), "state": progress.state(workspace)}

    def _reset(self, request: Request) -> Answer:
        step = self.course.step(_text(request, "step"))
        return {"text": self._workspace().reset(step)}

    def _solution(self, request: Request) -> Answer:
        step = self.course.step(_text(request, "step"))
        workspace = self._workspace()
        workspace.reveal(step)
        entry = workspace.entry(step)
        return {
            "solution": starters.solution(self.course, step),
            "text": workspace.text(step),
            "passed": entry["outcome"] == PASSED,
            "revealed": bool(entry["revealed"]),
        }


def _text(request: Request, name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str):
        raise TitoError("bad-request", f"The request needs a text `{name}`.")
    return value


def _digest(workspace: Workspace) -> str:
    """A fingerprint of all code in the student's package."""
    total = hashlib.sha256()
    for path in sorted((workspace.root / "tinytorch").rglob("*.py")):
        total.update(path.as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


_service = Service()


def handle(request_json: str) -> str:
    """Answer one request of the page (see `Service`)."""
    return _service.handle(request_json)
