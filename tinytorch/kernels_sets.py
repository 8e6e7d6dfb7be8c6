"""Which functions run: sets of kernels (chapter 16, given).

`implementations` and `rules` say what runs for an operation and for its gradient. A kernel set
fills them: `use_kernels("fast")` puts the functions declared with `fast` in the place of those that
chapters 02 to 15 wrote, `use_kernels("plain")` takes them out. Results are the same to rounding.
In the browser there is a third set, "wasm" (`kernels_wasm`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from tinytorch.autograd import rules
from tinytorch.kernels_memory import release_memory
from tinytorch.tensor import Array, implementations

Rule = Callable[..., Any]
Function = TypeVar("Function", bound=Callable[..., Any])


class KernelSet:
    """Functions that stand in for operations, and the gradient rules that go with them."""

    def __init__(self) -> None:
        self.implementations: dict[str, Callable[..., Any]] = {}
        self.rules: dict[str, Rule] = {}

    def implements(self, name: str) -> Callable[[Function], Function]:
        """Declare a function as the implementation of operation `name` in this set."""

        def declare(function: Function) -> Function:
            self.implementations[name] = function
            return function

        return declare

    def gradient_of(self, name: str) -> Callable[[Function], Function]:
        """Declare a function as the gradient rule of operation `name` in this set."""

        def declare(function: Function) -> Function:
            self.rules[name] = function
            return function

        return declare


fast = KernelSet()
sets: dict[str, KernelSet] = {"plain": KernelSet(), "fast": fast}  # the best one last
absent: dict[str, str] = {}  # a set that cannot be had here -> why
_in_use = "plain"
_placed: set[str] = set()  # operations whose implementation the set in use has put there
_plain_rules: dict[str, Rule | None] = {}  # what the set in use has displaced


def use_kernels(name: str, only: Collection[str] | None = None) -> str:
    """Choose the kernel set: "plain", "fast", or in the browser "wasm"; returns the one before.

    only: the operations it holds for, with their gradients; all others stay plain. It holds from
    now on. What was recorded before keeps its own gradient rules.
    """
    global _in_use, _placed, _plain_rules
    if name not in sets:
        why = f" ({absent[name]})" if name in absent else ""
        raise ValueError(f"use_kernels: there are {', '.join(sets)}; got {name!r}{why}")
    before, _in_use = _in_use, name
    for operation in _placed:
        implementations.pop(operation, None)
    for operation, rule in _plain_rules.items():
        if rule is None:
            rules.pop(operation, None)
        else:
            rules[operation] = rule
    chosen = sets[name]
    wanted = {k for k in (*chosen.implementations, *chosen.rules) if only is None or k in only}
    _placed = wanted & chosen.implementations.keys()
    _plain_rules = {k: rules.get(k) for k in wanted & chosen.rules.keys()}
    implementations.update({k: chosen.implementations[k] for k in _placed})
    rules.update({k: chosen.rules[k] for k in _plain_rules})
    if name == "plain":
        release_memory()
    return before


def best_kernels() -> str:
    """The name of the fastest set there is here."""
    return list(sets)[-1]


def kernels_in_use() -> str:
    """The name of the kernel set in use."""
    return _in_use


def floats(*arrays: Array | None) -> bool:
    """Whether all arrays given are float32, or all float64: what the kernels are written for."""
    kinds = {array.dtype.char for array in arrays if array is not None}
    return kinds == {"f"} or kinds == {"d"}
