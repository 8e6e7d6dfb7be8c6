"""The course as data: chapters and steps, read from `exercises/` and from the reference package.

Nothing here imports tinytorch: the order of its modules is read from the text of
`tinytorch/course.py`.
"""

import ast
import difflib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tito.errors import TitoError

ROOT = Path(__file__).resolve().parents[1]
STEP_ID = re.compile(r"\d\d-[a-z0-9-]+/[a-z0-9-]+")
_MOST_INPUT = 80


@dataclass(frozen=True)
class Step:
    """One step of a chapter: some names of the reference module that the student writes."""

    id: str
    title: str
    answer: tuple[str, ...]
    points: int
    grade_id: str
    concepts: tuple[str, ...]
    scaffold: str
    hints: tuple[str, ...]
    survivors: dict[str, str] = field(hash=False)
    chapter: int
    module: str
    folder: Path

    @property
    def stem(self) -> str:
        """The step's own name as it stands in file names: `add` of `02-tensor/add`."""
        return self.id.partition("/")[2].replace("-", "_")

    @property
    def test_file(self) -> Path:
        """The step's checks."""
        return self.folder / f"test_{self.stem}.py"

    @property
    def class_name(self) -> str | None:
        """The class whose methods the step writes; None for names at the top level."""
        owner, dot, _ = self.answer[0].rpartition(".")
        return owner if dot else None

    @property
    def names(self) -> tuple[str, ...]:
        """The names the student defines in the step's text, without the class."""
        return tuple(name.rpartition(".")[2] for name in self.answer)

    def mistakes(self) -> list[Path]:
        """Files of known wrong answers."""
        return self._answers("mistakes")

    def alternatives(self) -> list[Path]:
        """Files of right answers unlike the reference."""
        return self._answers("alternatives")

    def _answers(self, kind: str) -> list[Path]:
        # A longer step name that begins the same (`add` and `add_scalar`) keeps its own files.
        others = {path.stem[5:] for path in self.folder.glob("test_*.py")} - {self.stem}
        longer = tuple(f"{name}_" for name in others if name.startswith(f"{self.stem}_"))
        found = (self.folder / kind).glob(f"{self.stem}_*.py")
        return sorted(path for path in found if not (longer and path.stem.startswith(longer)))


@dataclass(frozen=True)
class Chapter:
    """A chapter: one module of the package and the ladder of steps that writes it."""

    id: str
    number: int
    title: str
    module: str
    capability: str
    minutes: int
    steps: tuple[Step, ...]
    folder: Path


class Course:
    """All chapters that have exercises, and the reference package they are written for."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.package = root / "tinytorch"
        self.exercises = root / "exercises"
        folders = sorted(path.parent for path in self.exercises.glob("*/chapter.toml"))
        self.chapters: list[Chapter] = [_load_chapter(folder) for folder in folders]
        self.chapters.sort(key=lambda chapter: chapter.number)
        self._steps = {step.id: step for chapter in self.chapters for step in chapter.steps}

    @cached_property
    def modules(self) -> dict[str, int]:
        """Chapter number of every course module, companions included, in course order."""
        path = self.package / "course.py"
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.AnnAssign):
                targets: list[ast.expr] = [node.target]
            elif isinstance(node, ast.Assign):
                targets = node.targets
            else:
                continue
            if node.value and any(isinstance(t, ast.Name) and t.id == "MODULES" for t in targets):
                return dict(ast.literal_eval(node.value))
        raise TitoError("course", f"{path} defines no MODULES", "Reinstall the course.")

    def steps(self) -> Iterator[Step]:
        """Every step in course order."""
        return iter(self._steps.values())

    def step(self, step_id: str) -> Step:
        """The step with this id; an unknown id names the nearest one that exists."""
        if step_id in self._steps:
            return self._steps[step_id]
        shown = step_id if len(step_id) <= _MOST_INPUT else step_id[:_MOST_INPUT] + "..."
        raise TitoError(
            "unknown-step",
            f"There is no step {shown!r}.",
            self._nearest(step_id, list(self._steps)),
        )

    def chapter(self, key: str | int) -> Chapter:
        """A chapter by number (2, "02"), id ("02-tensor") or module name ("tensor")."""
        text = str(key).strip().rstrip("/")
        for chapter in self.chapters:
            if text in (chapter.id, chapter.module) or (
                text.isascii() and text.isdigit() and len(text) < 4 and int(text) == chapter.number
            ):
                return chapter
        names = [chapter.id for chapter in self.chapters]
        hint = self._nearest(text, names)
        raise TitoError("unknown-chapter", f"There is no chapter {text[:_MOST_INPUT]!r}.", hint)

    def of(self, step: Step) -> Chapter:
        """The chapter a step belongs to."""
        return next(chapter for chapter in self.chapters if chapter.number == step.chapter)

    def reference(self, module: str) -> str:
        """The reference's text of a module."""
        return (self.package / f"{module}.py").read_text("utf-8")

    def companions(self, chapter: Chapter) -> list[str]:
        """Given modules that belong to a chapter beside its main one.

        Those the course's order lists, and those named after the main one (`kernels_memory`).
        """
        listed = [name for name, k in self.modules.items() if k == chapter.number]
        named = [path.stem for path in sorted(self.package.glob(f"{chapter.module}_*.py"))]
        names = [*listed, *(name for name in named if name not in self.modules)]
        return [
            name
            for name in names
            if name != chapter.module and (self.package / f"{name}.py").exists()
        ]

    def given_files(self) -> dict[str, Path]:
        """Files every student's package has from the start: the namespaces and the order."""
        root = [self.package / "__init__.py", self.package / "course.py"]
        paths = [*root, *sorted(self.package.glob("*/**/*.py"))]
        return {f"tinytorch/{path.relative_to(self.package).as_posix()}": path for path in paths}

    @staticmethod
    def _nearest(wanted: str, names: list[str]) -> str:
        short = {name.rpartition("/")[2]: name for name in names}
        near = difflib.get_close_matches(wanted[:_MOST_INPUT], [*names, *short], n=1, cutoff=0.5)
        if near:
            return f"Did you mean {short.get(near[0], near[0])!r}?"
        return "There are: " + ", ".join(names[:40]) + "."


def _load_chapter(folder: Path) -> Chapter:
    path = folder / "chapter.toml"
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise TitoError(
            "course", f"{path}: {error}", "Mend the file; see exercises/README.md."
        ) from None
    chapter_id: str = _field(table, "id", str, path)
    number: int = _field(table, "number", int, path)
    module: str = _field(table, "module", str, path)
    rows: list[dict[str, Any]] = _field(table, "steps", list, path)
    return Chapter(
        id=chapter_id,
        number=number,
        title=_field(table, "title", str, path),
        module=module,
        capability=_field(table, "capability", str, path),
        minutes=_field(table, "minutes", int, path),
        steps=tuple(_load_step(row, chapter_id, number, module, path) for row in rows),
        folder=folder,
    )


def _load_step(row: dict[str, Any], chapter: str, number: int, module: str, path: Path) -> Step:
    name = _field(row, "id", str, path)
    step_id = f"{chapter}/{name}"
    if not STEP_ID.fullmatch(step_id):
        hint = "Lower-case letters, digits and hyphens only."
        raise TitoError("course", f"{path}: {step_id!r} is not a step id.", hint)
    where = f"{path}, step {name}"
    return Step(
        id=step_id,
        title=_field(row, "title", str, where),
        answer=tuple(_field(row, "answer", list, where)),
        points=_field(row, "points", int, where),
        grade_id=_field(row, "grade_id", str, where),
        concepts=tuple(_field(row, "concepts", list, where)),
        scaffold=_field(row, "scaffold", str, where).strip("\n"),
        hints=tuple(_field(row, "hints", list, where)),
        survivors={s["mutant"]: s["reason"] for s in row.get("survivors", [])},
        chapter=number,
        module=module,
        folder=path.parent,
    )


def _field(table: dict[str, Any], name: str, kind: type, where: object) -> Any:
    value = table.get(name)
    if not isinstance(value, kind):
        wanted = {str: "text", int: "a whole number", list: "a list"}[kind]
        problem = "is missing" if value is None else f"must be {wanted}"
        raise TitoError("course", f"{where}: `{name}` {problem}.", "See exercises/README.md.")
    return value
