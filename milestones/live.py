"""Watching a training run: loss and accuracy on the screen, in a table, and as a plot."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from milestones.common import Run
from milestones.plot import svg

POINTS = 20  # points of the curves in one epoch
COLUMNS = ("step", "loss", "accuracy")


class Table:
    """What was measured, a row (step, loss, accuracy) each, in `measurements.csv`, and its plot."""

    def __init__(self, folder: Path, title: str) -> None:
        self.path, self.picture, self.title = (
            folder / "measurements.csv",
            folder / "plot.svg",
            title,
        )
        self.rows: list[tuple[float, ...]] = []

    def read(self, until: int) -> None:
        """Take over the rows of a run that goes on, up to the step `until`."""
        if self.path.exists() and until:
            lines = self.path.read_text("utf-8").splitlines()[1:]
            rows = [tuple(map(float, line.split(","))) for line in lines if line.count(",") == 2]
            self.rows = [row for row in rows if row[0] <= until]

    def write(self) -> None:
        """Write table and plot; the old ones stay whole until the new ones are."""
        lines = [",".join(COLUMNS), *(f"{s:.0f},{a:.6g},{b:.6g}" for s, a, b in self.rows)]
        curves = {
            name: [(row[0], row[n]) for row in self.rows] for n, name in enumerate(COLUMNS) if n
        }
        for path, text in (
            (self.path, "\n".join(lines) + "\n"),
            (self.picture, svg(self.title, curves, "steps of the optimizer")),
        ):
            unfinished = path.with_name(f"{path.name}.unfinished")
            unfinished.write_text(text, "utf-8")
            unfinished.replace(path)


class Live:
    """A loss function for `fit` that tells what happens: `fit(..., Live(...), progress=False)`.

    loss_function: what is computed. steps: batches in an epoch. The
    accuracy is the share of targets at which the largest score (last dimension) is.
    """

    def __init__(
        self,
        loss_function: Callable[..., Any],
        run: Run,
        title: str,
        steps: int,
        epochs: int,
    ) -> None:
        self.loss_function, self.run, self.table = loss_function, run, Table(run.folder, title)
        self.steps, self.epochs, self.step = steps, epochs, steps * run.epochs()
        self.first, self.terminal = self.step, sys.stdout.isatty()
        self.table.read(self.step)
        self.began = self.shown = time.monotonic()
        self.window: list[tuple[float, float, int]] = []
        self.epoch: list[tuple[float, float, int]] = []

    def __call__(self, output: Any, target: Any) -> Any:
        loss = self.loss_function(output, target)
        answers = np.asarray(target)
        right = float(np.mean(np.asarray(output).argmax(axis=-1) == answers))
        self._count(float(loss.item()), right, len(answers))
        return loss

    def _count(self, loss: float, right: float, samples: int) -> None:
        self.step += 1
        self.window.append((loss, right, samples))
        self.epoch.append(self.window[-1])
        ends = self.step % self.steps == 0
        if self.step % max(1, self.steps // POINTS) == 0 or ends:
            self.table.rows.append((self.step, *_means(self.window)))
            self.window.clear()
        now = time.monotonic()
        if ends or now - self.shown >= (0.1 if self.terminal else 10.0):
            self.shown = now
            self._say(ends)
        if ends:
            self.epoch.clear()
            self.table.write()
            self.run.note()

    def _say(self, ends: bool) -> None:
        loss, right = _means(self.epoch)
        elapsed = max(time.monotonic() - self.began, 1e-9)
        each = elapsed / (self.step - self.first)
        left = each * (self.steps * self.epochs - self.step)
        inside = (self.step - 1) % self.steps + 1
        text = (
            f"epoch {(self.step - 1) // self.steps + 1}/{self.epochs}  {inside}/{self.steps}  "
            f"loss {loss:.4f}  accuracy {right:.1%}  "
            f"{self.epoch[0][2] / each:,.0f} samples/s  {minutes(left)} left"
        )
        start, clear = ("\r", "\x1b[K") if self.terminal else ("", "")
        end = "\n" if ends or not self.terminal else ""
        print(f"{start}{text}{clear}", end=end, flush=True)


def _means(rows: list[tuple[float, float, int]]) -> tuple[float, float]:
    count = sum(n for *_, n in rows)
    return sum(a * n for a, _, n in rows) / count, sum(b * n for _, b, n in rows) / count


def minutes(seconds: float) -> str:
    """A time to be read: "40 s", "12 min", "2 h 5 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    whole = round(seconds / 60)
    return f"{whole} min" if whole < 100 else f"{whole // 60} h {whole % 60} min"
