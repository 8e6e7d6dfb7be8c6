"""Random cases of every WebAssembly kernel against NumPy; runs inside Pyodide.

Each case draws its arrays, calls a kernel, and compares what it wrote with NumPy in float64.
"""

import traceback

import numpy as np
import tinytorch_wasm
from kernel_maps import elementwise, gelu, numpy_itself, overlaps, product, refusals
from kernel_rows import images, layer_norm, optimizers, reductions, rows

CASES = (elementwise, elementwise, product, product, refusals, overlaps, rows, layer_norm, gelu)
CASES = (*CASES, reductions, images, optimizers, numpy_itself, numpy_itself)


def grow():
    """Have the memory of the interpreter grow, which moves its buffer."""
    return np.ones(96 << 20, np.uint8)[-1]


def run(seed, count):
    """Run `count` cases; what failed, each with the seed that repeats it."""
    assert tinytorch_wasm.kernels is not None, tinytorch_wasm.why_not
    assert tinytorch_wasm.speed_up_numpy(), "NumPy does not take our loops"
    failures = []
    for number in range(count):
        if number == count // 2:
            grow()
        case = CASES[number % len(CASES)]
        try:
            with np.errstate(all="ignore"):
                case(np.random.default_rng((seed, number)))
        except Exception as error:
            line = traceback.extract_tb(error.__traceback__)[1].lineno
            failures.append(f"{case.__name__} ({seed}, {number}), line {line}: {error!r}"[:400])
            if len(failures) == 10:
                break
    return failures
