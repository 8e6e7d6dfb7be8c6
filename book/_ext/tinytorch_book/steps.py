"""Steps of the course as the pages need them; the only place that knows the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tito import starters
from tito.course import Course


@dataclass(frozen=True)
class Step:
    """One exercise. `place` is its position in the chapter's ladder, from 1."""

    id: str
    title: str
    chapter: int
    place: int
    points: int
    module: str
    starter: str
    starter_sha: str
    hints: list[str] = field(default_factory=list)
    files: tuple[Path, ...] = ()

    @property
    def number(self) -> str:
        """The number a reader sees, as in Exercise 2.1."""
        return f"{self.chapter}.{self.place}"

    @property
    def anchor(self) -> str:
        """The id of the exercise on its page."""
        return self.id.replace("/", "-")


@dataclass(frozen=True)
class Chapter:
    """A chapter of the course with its ladder."""

    id: str
    number: int
    title: str
    module: str
    capability: str
    steps: tuple[Step, ...]


@cache
def chapters() -> list[Chapter]:
    """Every chapter in course order."""
    ladder = load()
    return [
        Chapter(
            id=chapter.id,
            number=chapter.number,
            title=chapter.title,
            module=chapter.module,
            capability=chapter.capability,
            steps=tuple(ladder[step.id] for step in chapter.steps),
        )
        for chapter in Course().chapters
    ]


@cache
def load() -> dict[str, Step]:
    """Every step of the course by id, in course order."""
    course = Course()
    ladder = {}
    for chapter in course.chapters:
        for place, step in enumerate(chapter.steps, 1):
            text = starters.starter(course, step)
            ladder[step.id] = Step(
                id=step.id,
                title=step.title,
                chapter=chapter.number,
                place=place,
                points=step.points,
                module=step.module,
                starter=text,
                starter_sha=starters.fingerprint(text),
                hints=list(step.hints),
                # A page is built anew when what it shows of the step has changed.
                files=(chapter.folder / "chapter.toml", course.package / f"{step.module}.py"),
            )
    return ladder
