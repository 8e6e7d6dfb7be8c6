"""Chapter 07, given: a picture of the graph that autograd recorded."""

from __future__ import annotations

from typing import Any

from tinytorch.autograd import topological_order
from tinytorch.graph import Node
from tinytorch.tensor import Tensor

WIDTH, HEIGHT, GAP, ROW = 112, 36, 20, 64


class GraphDrawing:
    """The graph behind a tensor as an SVG picture: leaves on top, the result at the bottom."""

    def __init__(self, result: Tensor, names: dict[str, Tensor] | None = None) -> None:
        if not isinstance(result.grad_fn, Node):
            raise ValueError("draw_graph: this tensor has no history")
        self.names = {id(tensor): name for name, tensor in (names or {}).items()}
        self.order = topological_order(result.grad_fn)

    def _boxes(self) -> dict[Any, tuple[float, int]]:
        """(x, row) of every node and leaf; a row holds what is equally far from the leaves."""
        depth: dict[Any, int] = {}
        for node in self.order:
            above = [depth.setdefault(p, 0) for p in node.parents if p is not None]
            depth[node] = 1 + max(above, default=0)
        used: dict[int, int] = {}
        boxes: dict[Any, tuple[float, int]] = {}
        for item, row in depth.items():
            boxes[item] = (GAP + used.get(row, 0) * (WIDTH + GAP), row)
            used[row] = used.get(row, 0) + 1
        return boxes

    def _repr_svg_(self) -> str:
        boxes = self._boxes()
        width = max(x for x, _ in boxes.values()) + WIDTH + GAP
        height = (1 + max(row for _, row in boxes.values())) * ROW + GAP
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" role="img" font-family="sans-serif" font-size="12">'
            f"<title>graph of {len(self.order)} operations</title>"
        ]
        for item, (x, row) in boxes.items():
            for parent in item.parents if isinstance(item, Node) else ():
                if parent is not None:
                    px, prow = boxes[parent]
                    parts.append(
                        f'<path d="M{px + WIDTH / 2} {GAP + prow * ROW + HEIGHT}'
                        f'L{x + WIDTH / 2} {GAP + row * ROW}" stroke="#8a949c"/>'
                    )
        for item, (x, row) in boxes.items():
            parts.append(self._box(item, x, GAP + row * ROW))
        return "".join(parts) + "</svg>"

    def _box(self, item: Any, x: float, y: int) -> str:
        node = isinstance(item, Node)
        title = (item.name if node else self.names.get(id(item), "leaf")).replace("<", "&lt;")
        fill, radius = ("#dbe8f4", 16) if node else ("#f6e3c5", 4)
        shape = "×".join(map(str, item.shape)) or "number"
        middle = x + WIDTH / 2
        return (
            f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="{radius}" '
            f'fill="{fill}" stroke="#5b6770"/>'
            f'<text x="{middle}" y="{y + 15}" text-anchor="middle" fill="#1d252c">'
            f"{title}</text>"
            f'<text x="{middle}" y="{y + 29}" text-anchor="middle" fill="#5b6770">{shape}</text>'
        )


def draw_graph(result: Tensor, **names: Tensor) -> GraphDrawing:
    """The graph behind `result`, to be shown in a notebook: draw_graph(loss, w=w, b=b)."""
    return GraphDrawing(result, names)
