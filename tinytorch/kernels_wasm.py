"""Kernels in WebAssembly (chapter 16, given): what runs in the browser in place of NumPy's loops.

NumPy in a browser has no BLAS and no vector instructions in its mathematical functions. The
package `tinytorch_wasm`, which the page's Python has beside NumPy, brings both: functions that
write into arrays they are given, and answer whether they did. The companions put them in the place
of operations; what they decline (float64, a layout they do not know) goes to the fast NumPy set.
Where there is no such package, or where it does not trust itself, there is no set "wasm".
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from tinytorch.kernels_sets import Function, KernelSet, absent, fast, sets
from tinytorch.tensor import Array

PACKAGE = "tinytorch_wasm"


class WasmSet(KernelSet):
    """The fast set, with functions from WebAssembly where there are some.

    An implementation that returns NotImplemented leaves the case to the fast set's.
    """

    def implements(self, name: str) -> Callable[[Function], Function]:
        """Declare a function as the implementation of operation `name` in this set."""
        before = fast.implementations.get(name)

        def declare(function: Function) -> Function:
            @functools.wraps(function)
            def run(*inputs: Any, **options: Any) -> Any:
                output = function(*inputs, **options)
                if output is NotImplemented and before is not None:
                    return before(*inputs, **options)
                return output

            self.implementations[name] = run
            return function

        return declare


def is_float32(*arrays: Any) -> bool:
    """Whether all that are given (not None) are float32 arrays, what the kernels work on."""
    return all(a is None or (isinstance(a, np.ndarray) and a.dtype == np.float32) for a in arrays)


def rows_of(x: Array, width: int) -> Array:
    """x (..., width) as a contiguous matrix; a view where the memory allows it."""
    return np.ascontiguousarray(x).reshape(-1, width)


lib: Any = import_module(PACKAGE).kernels if find_spec(PACKAGE) else None
wasm = WasmSet()
wasm.implementations.update(fast.implementations)
wasm.rules.update(fast.rules)
if lib is None:
    absent["wasm"] = "it runs in the browser's Python"
else:
    sets["wasm"] = wasm
