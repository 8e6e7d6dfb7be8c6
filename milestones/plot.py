"""Curves as an SVG picture, written as text: panels above each other on one horizontal axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

Points = Sequence[tuple[float, float]]
COLORS = ("#2f6fab", "#c8553d", "#4a8f5c", "#8a5fa8")
WIDTH, PANEL, LEFT, RIGHT, TOP, GAP = 640, 190, 64, 16, 30, 36


def svg(title: str, panels: dict[str, Points], axis: str) -> str:
    """A picture: for each name of `panels` a curve through its points (x, y). axis: what x is."""
    height = TOP + len(panels) * (PANEL + GAP) + 8
    every = [x for points in panels.values() for x, _ in points]
    ends = (min(every, default=0.0), max(every, default=1.0))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        'role="img" font-family="sans-serif" font-size="12">',
        f"<title>{_escaped(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="18" font-weight="bold">{_escaped(title)}</text>',
    ]
    for number, (name, points) in enumerate(panels.items()):
        top = TOP + number * (PANEL + GAP)
        parts += _panel(name, points, ends, top, COLORS[number % len(COLORS)])
    parts.append(
        f'<text x="{WIDTH - RIGHT}" y="{height - 8}" text-anchor="end">{_escaped(axis)}</text>'
    )
    return "\n".join([*parts, "</svg>\n"])


def _panel(name: str, points: Points, ends: tuple[float, float], top: int, color: str) -> list[str]:
    finite = [(x, y) for x, y in points if math.isfinite(y)]
    low, high = min((y for _, y in finite), default=0.0), max((y for _, y in finite), default=1.0)
    floor, right = top + PANEL, WIDTH - RIGHT

    def across(x: float) -> float:
        return LEFT + (right - LEFT) * (x - ends[0]) / ((ends[1] - ends[0]) or 1.0)

    def up(y: float) -> float:
        return floor - (PANEL - 14) * (y - low) / ((high - low) or 1.0)

    line = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in finite)
    parts = [
        f'<path d="M{LEFT} {top}V{floor}H{right}" fill="none" stroke="#555"/>',
        f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.6"/>',
        f'<text x="{LEFT + 8}" y="{top + 6}" fill="{color}">{_escaped(name)}</text>',
    ]
    for y in (low, (low + high) / 2, high):
        parts.append(f'<text x="{LEFT - 6}" y="{up(y) + 4:.1f}" text-anchor="end">{y:.3g}</text>')
    for x in (ends[0], (ends[0] + ends[1]) / 2, ends[1]):
        parts.append(
            f'<text x="{across(x):.1f}" y="{floor + 15}" text-anchor="middle">{x:.6g}</text>'
        )
    return parts


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
