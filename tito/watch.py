"""`tito check --watch`: check again whenever a file is saved, with a few keys.

A save while a check runs ends that check and begins a new one. Ctrl-C ends a check that runs;
otherwise it ends the watching.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tito import progress, show
from tito.checking import check_in, steps_meant
from tito.course import Course, Step
from tito.errors import TitoError
from tito.report import Report
from tito.runner import Spare
from tito.terminal import Keys, keys
from tito.workspace import Workspace

PAUSE = 0.1  # seconds between two looks at the files
KEYS = "n next   h hint   l list   c check   q quit"
STOPPED = 130


class Watch:
    """Watching one step, one chapter, or whatever is next."""

    def __init__(self, root: Path, course: Course, what: str, timeout: float) -> None:
        self.root, self.course, self.what, self.timeout = root, course, what, timeout
        self.spare = Spare(course)
        self.steps: list[Step] = []
        self.seen: dict[Path, tuple[int, int]] = {}

    def run(self) -> int:
        """Watch until told to stop; the exit code."""
        self.steps, _ = steps_meant(self.course, self._workspace(), self.what)
        self._begin_chapter()
        try:
            with keys() as typed:
                return self._loop(typed)
        except KeyboardInterrupt:
            show.note("\nStopped watching. Your files and your progress are as they were.")
            return STOPPED
        finally:
            self.spare.close()

    def _loop(self, typed: Keys) -> int:
        actions: dict[str, Callable[[], None]] = {
            "n": self._next,
            "h": self._hint,
            "l": self._list,
            "c": self._check,
        }
        self._check()
        while True:
            key = typed.get(PAUSE)
            if key in ("q", "Q", "\x04"):
                show.note("Stopped watching.")
                return 0
            if action := actions.get(key.lower()):
                self._tell_errors(action)
            elif self._changed():
                self._settle()
                self._check()

    def _workspace(self) -> Workspace:
        """As it is now: another terminal may have changed it."""
        return Workspace.open(self.root, self.course)

    def _files(self) -> dict[Path, tuple[int, int]]:
        found = {}
        for path in (self.root / "tinytorch").rglob("*.py"):
            try:
                status = path.stat()
            except OSError:
                continue  # An editor replaces it at this moment.
            found[path] = (status.st_mtime_ns, status.st_size)
        return found

    def _changed(self) -> bool:
        return self._files() != self.seen

    def _settle(self) -> None:
        """Wait until an editor that writes in parts is done."""
        before = self._files()
        time.sleep(0.03)
        while (now := self._files()) != before:
            before = now
            time.sleep(0.03)

    def _check(self) -> None:
        self._tell_errors(self._check_once)
        self.spare.prepare()
        self._prompt()

    def _tell_errors(self, action: Callable[[], None]) -> None:
        try:
            action()
        except TitoError as error:
            show.error(error)

    def _check_once(self) -> None:
        while True:
            self.seen = self._files()
            workspace = self._workspace()
            show.clear()
            show.note(f"Checking {self._about()} ... (Ctrl-C stops the check)")
            try:
                for result in self._reports(workspace):
                    step = self.course.step(result["step"])
                    path = workspace.path(f"tinytorch/{step.module}.py")
                    show.report(result, step, path)
            except KeyboardInterrupt:
                show.warn("Stopped the check. Save the file, or press c, to check again.")
                return
            if not self._changed():
                show.after_check(workspace, self.course.of(self.steps[0]))
                return
            self._settle()

    def _reports(self, workspace: Workspace) -> Iterator[Report]:
        return check_in(workspace, self.steps, self.timeout, self._changed, self.spare)

    def _about(self) -> str:
        return self.steps[0].id if len(self.steps) == 1 else self.course.of(self.steps[0]).id

    def _prompt(self) -> None:
        workspace = self._workspace()
        steps = list(self.course.steps())
        done = sum(progress.passed(workspace, step) for step in steps)
        show.note(f"\n{done} of {len(steps)} steps done. Watching {self._about()}.   {KEYS}")
        sys.stdout.flush()

    def _next(self) -> None:
        workspace = self._workspace()
        open_here = [step for step in self.steps if not progress.passed(workspace, step)]
        if open_here:
            show.note(f"{open_here[0].id} is open still. h shows a hint.")
            return
        step = progress.next_step(workspace)
        if step is None:
            show.note("Every step that exists is done.")
            return
        self.steps = [step]
        self._begin_chapter()
        self._check()

    def _begin_chapter(self) -> None:
        workspace = self._workspace()
        chapter = self.course.of(self.steps[0])
        if not workspace.started(chapter):
            workspace.start(chapter)
            name = workspace.path(workspace.module_name(chapter))
            show.note(f"Started chapter {chapter.number:02}: {name}")

    def _hint(self) -> None:
        workspace = self._workspace()
        step = next((s for s in self.steps if not progress.passed(workspace, s)), self.steps[-1])
        opened = workspace.open_hints(step)
        show.note(f"{step.id}, hint {len(opened)} of {len(step.hints)}: {opened[-1]}")

    def _list(self) -> None:
        show.status(progress.state(self._workspace()))
