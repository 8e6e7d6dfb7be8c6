"""Steps of the course as the pages need them; the only place that knows the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


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


def load() -> dict[str, Step]:
    """Every step of the course by id, in course order."""
    raise NotImplementedError
