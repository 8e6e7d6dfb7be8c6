"""Chapter 07, given: the nodes of the graph, and the table of gradient rules.

`autograd` explains what a rule is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tinytorch.tensor import Array, Tensor

Rule = Callable[..., Any]
rules: dict[str, Rule] = {}  # operation name -> its gradient rule


def gradient_of(name: str) -> Callable[[Rule], Rule]:
    """Declare a function as the gradient rule of operation `name`."""

    def declare(rule: Rule) -> Rule:
        rules[name] = rule
        return rule

    return declare


class Wants(NamedTuple):
    """What a rule's parameters say it needs."""

    output: bool = True
    unused: frozenset[int] = frozenset()
    extras: tuple[str, ...] = ()


@functools.cache
def _wants(rule: Rule) -> Wants:
    """Read the names of a rule's parameters (`autograd` says what they mean)."""
    code = rule.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    unused = frozenset(i for i, name in enumerate(names[2:]) if name.startswith("_"))
    extras = tuple(name for name in ("saved", "needed") if name in names)
    return Wants(not names[1].startswith("_"), unused, extras)


class Node:
    """One recorded operation: what its rule needs, and where its inputs came from.

    parents: for each input the Node that made it, or the leaf Tensor, or None without gradient.
    """

    __slots__ = (
        "__weakref__", "dtype", "inputs", "name", "options", "output", "parents", "rule", "saved",
        "shape", "versions", "watcher",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        parents: tuple[Node | Tensor | None, ...],
        inputs: tuple[Any, ...],
        options: dict[str, Any],
        output: Array,
        saved: tuple[Any, ...],
    ) -> None:
        self.rule = rules.get(name)  # now: the table may say something else at backward
        wants = Wants() if self.rule is None else _wants(self.rule)
        self.name, self.parents, self.options, self.saved = name, parents, options, saved
        self.shape, self.dtype = output.shape, output.dtype
        self.output = output if wants.output else None
        kept = [i not in wants.unused for i in range(len(inputs))]
        self.inputs: list[Any] | None = [
            (x.data if isinstance(x, Tensor) else x) if keep else None
            for x, keep in zip(inputs, kept, strict=True)
        ]
        self.versions = [
            (x._version, x.version)
            for x, keep in zip(inputs, kept, strict=True)
            if keep and isinstance(x, Tensor)
        ]
        self.watcher: Callable[[], Tensor | None] | None = None  # set by retain_grad

    def gradients(self, grad: Array) -> list[tuple[Node | Tensor, Array]]:
        """Ask the rule: (parent, its gradient) for each parent that gets one."""
        if self.watcher is not None and (watched := self.watcher()) is not None:
            watched.grad = Tensor(grad.copy())
        return [
            (parent, np.asarray(g))
            for parent, g in zip(self.parents, self._ask(grad), strict=False)
            if parent is not None and g is not None
        ]

    def _ask(self, grad: Array) -> tuple[Any, ...]:
        if self.inputs is None:
            raise RuntimeError(
                f"backward: what {self.name} saved was freed by an earlier backward(); compute "
                "the result again, or pass retain_graph=True to the first call"
            )
        for cell, version in self.versions:
            if cell[0] != version:
                raise RuntimeError(
                    f"backward: a value that {self.name} needs was changed in place after it ran "
                    f"(version {cell[0]}, was {version}); change a clone(), or change it later"
                )
        if self.rule is None:
            raise NotImplementedError(f"backward: {self.name} has no gradient rule")
        extras: dict[str, Any] = {}
        for name in _wants(self.rule).extras:
            needed = [parent is not None for parent in self.parents]
            extras[name] = self.saved if name == "saved" else needed
        result = self.rule(grad, self.output, *self.inputs, **self.options, **extras)
        return result if isinstance(result, tuple) else (result,)

    def release(self) -> None:
        """Forget everything that was kept for backward."""
        self.parents, self.versions, self.saved = (), [], ()
        self.inputs = self.output = None

    def __repr__(self) -> str:
        return f"<{self.name}>"
