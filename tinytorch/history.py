"""Chapter 08, given: what happened during training, epoch by epoch, and a picture of it."""

from __future__ import annotations

import math
from typing import Any

COLORS = ("#2f6fab", "#c8553d", "#4a8f5c", "#8a5fa8", "#a07d1c", "#5b6770")
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 560, 260, 56, 14, 34


class History:
    """One dictionary of numbers for each epoch. `history["loss"]` is the list over epochs.

    In a notebook it shows itself as curves; `plot("loss", "validation_loss")` picks some.
    """

    def __init__(self, epochs: list[dict[str, float]] | None = None) -> None:
        self.epochs = epochs or []

    def append(self, values: dict[str, float]) -> None:
        """Add the numbers of one epoch."""
        self.epochs.append(values)

    def names(self) -> list[str]:
        """The quantities, in the order in which they first appeared."""
        return list(dict.fromkeys(name for epoch in self.epochs for name in epoch))

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.names():
            raise KeyError(f"history has {', '.join(self.names()) or 'nothing'}, not {name}")
        return [epoch.get(name, math.nan) for epoch in self.epochs]

    def __len__(self) -> int:
        return len(self.epochs)

    def plot(self, *names: str) -> Curves:
        """Curves of the quantities named (none: all losses), over the epochs."""
        chosen = names or [name for name in self.names() if "loss" in name]
        return Curves({name: self[name] for name in chosen})

    def _repr_svg_(self) -> str:
        return self.plot()._repr_svg_()

    def __repr__(self) -> str:
        lines = [
            f"{i + 1:5d}  " + "  ".join(f"{k} {v:.4g}" for k, v in epoch.items())
            for i, epoch in enumerate(self.epochs)
        ]
        return "\n".join(["epoch", *lines])


class Curves:
    """A line for each list of numbers, as an SVG picture."""

    def __init__(self, series: dict[str, list[float]]) -> None:
        self.series = series

    def save(self, path: Any) -> None:
        """Write the picture to a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self._repr_svg_())

    def _repr_svg_(self) -> str:
        values = [v for ys in self.series.values() for v in ys if math.isfinite(v)] or [0.0]
        low, high = min(values), max(values)
        span = (high - low) or 1.0
        count = max((len(ys) for ys in self.series.values()), default=1)
        right, floor = WIDTH - 12, HEIGHT - BOTTOM

        def x(i: int) -> float:
            return LEFT + (right - LEFT) * (i / max(1, count - 1))

        def y(v: float) -> float:
            return floor - (floor - TOP) * (v - low) / span

        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" role="img" font-family="sans-serif" font-size="11" '
            f'fill="currentColor"><title>{", ".join(self.series)}</title>',
            f'<path d="M{LEFT} {TOP}V{floor}H{right}" fill="none" stroke="currentColor"/>',
        ]
        for v in (low, (low + high) / 2, high):
            parts.append(
                f'<text x="{LEFT - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.3g}</text>'
            )
        for i in sorted({0, (count - 1) // 2, count - 1}):
            parts.append(
                f'<text x="{x(i):.1f}" y="{floor + 14}" text-anchor="middle">{i + 1}</text>'
            )
        for n, (name, ys) in enumerate(self.series.items()):
            color = COLORS[n % len(COLORS)]
            points = " ".join(
                f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(ys) if math.isfinite(v)
            )
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>'
            )
            at = LEFT + 12 + 130 * n
            parts.append(f'<text x="{at}" y="{HEIGHT - 4}" fill="{color}">{name}</text>')
        return "".join(parts) + "</svg>"
