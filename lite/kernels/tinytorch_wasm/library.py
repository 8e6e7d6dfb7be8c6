"""Loading the kernels, and finding out whether they can be trusted here.

Every function takes arrays and writes its result into those that are given for it. It returns 1, or
0 if it has done nothing: an argument is no plain aligned float32 array, a shape does not fit, or
writing would change what is yet to be read. The caller then uses NumPy.
"""

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PATH = Path(__file__).with_name("kernels.wasm")
# The arguments of each function: a an array (or None), f a float, d a double, i an integer.
WINDOWS = "iiiiiiii"  # height and width of: kernel, stride, padding, dilation
SIGNATURES = {
    "matmul": "aaafi",  # a, b, out, scale, whether to add to out
    **dict.fromkeys(("map_exp", "map_log", "map_sqrt", "map_tanh"), "aa"),
    **dict.fromkeys(("map_sigmoid", "map_relu", "map_copy"), "aa"),
    **dict.fromkeys(("map_add", "map_sub", "map_mul", "map_div", "map_maximum"), "aaa"),
    "map_add_relu": "aaa",
    **dict.fromkeys(("map_relu_gradient", "map_sigmoid_gradient", "map_tanh_gradient"), "aaa"),
    **dict.fromkeys(("map_gelu_tanh", "map_gelu_erf"), "aaa"),  # x, gate, out
    **dict.fromkeys(("map_gelu_tanh_gradient", "map_gelu_erf_gradient"), "aaaa"),
    "reduce": "aai",  # x (n, m, k), out (n, k), whether it is the largest (else the sum)
    "softmax_rows": "aai",  # x, out, length of a causal sequence or 0
    "softmax_rows_gradient": "aaaf",  # gradient, output, out, scale
    "log_softmax_rows": "aa",
    "log_softmax_rows_gradient": "aaa",
    "cross_entropy_rows": "aaaaf",  # scores, classes, losses, probabilities, smoothing
    "cross_entropy_rows_gradient": "aaaaf",  # of each loss, probabilities, classes, out, smoothing
    "layer_norm_rows": "aaaaaaf",  # x, weight, bias, out, mean, inverse deviation, eps
    "layer_norm_rows_gradient": "aaaaaaaa",
    "add_rows": "aaa",  # index, rows, what they are added to
    "gather_windows": "aaii" + WINDOWS,
    "scatter_windows": "aaii" + WINDOWS,
    "pool": "aai" + WINDOWS,  # x, out, whether it is the mean (else the largest)
    "mean_pool_gradient": "aa" + WINDOWS,
    "max_pool_gradient": "aaaa" + WINDOWS,
    "adam_step": "aaaaffiddff",
    "sgd_step": "aaff",
    "sgd_momentum_step": "aaafffdii",
}
KINDS: dict[str, Any] = {
    "a": ctypes.py_object,
    "f": ctypes.c_float,
    "d": ctypes.c_double,
    "i": ctypes.c_int,
}

Function = Callable[..., int]


class Kernels:
    """The functions of the module by name."""

    def __init__(self, path: Path) -> None:
        self.library = ctypes.CDLL(str(path))
        for name, kinds in SIGNATURES.items():
            function = self.library[name]
            function.argtypes = [KINDS[kind] for kind in kinds]
            setattr(self, name, function)
        known = (np.ndarray, np.dtype(np.float32), np.dtype(np.int64), None)
        self.library.start(*(ctypes.py_object(thing) for thing in known))

    def __getattr__(self, name: str) -> Function:
        raise AttributeError(f"there is no kernel {name}")

    def describe(self, array: np.ndarray) -> list[int]:
        """An array's address, axes, flags, whether its type and dtype are known, shape, strides."""
        seen = (ctypes.c_int * (5 + 2 * array.ndim))()
        self.library.describe(ctypes.py_object(array), seen)
        return list(seen)


def load(path: Path = PATH) -> tuple[Kernels | None, str]:
    """(the kernels, ""), or (None, why they are not used): NumPy does it all then."""
    if sys.platform != "emscripten":
        return None, "WebAssembly kernels work in the browser's Python only"
    try:
        kernels = Kernels(path)
    except (OSError, AttributeError, MemoryError) as error:
        return None, f"this browser could not load them ({error})"
    try:
        problem = misread(kernels) or wrong(kernels)
    except Exception as error:
        problem = f"their self-test failed with {error!r}"
    return (None, problem) if problem else (kernels, "")


def misread(kernels: Kernels) -> str:
    """What is wrong with how the module sees arrays; the layout in memory is NumPy's own matter."""
    base = np.zeros((4, 3, 6), np.float32)
    frozen = base[0]
    frozen.flags.writeable = False
    examples = [base, base[::-2, :, 1:5:2], base.T, frozen, np.zeros((), np.float32)]
    examples += [np.zeros((2, 0), np.float32), np.zeros(3), np.arange(5), np.zeros(3, ">f4")]
    for array in examples:
        interface = array.__array_interface__
        known = [array.ndim, array.flags.num, 1, int(array.dtype == np.float32)]
        expected = [interface["data"][0], *known, *array.shape, *array.strides]
        if kernels.describe(array) != expected:
            return "this NumPy lays out arrays in another way"
    return ""


def wrong(kernels: Kernels) -> str:
    """What the kernels compute wrongly, for a few numbers; the tests try many."""
    x = np.linspace(-9, 9, 19 * 13, dtype=np.float32).reshape(19, 13)
    for transposed in (False, True):
        a, b = (x.T.copy().T, x[:13].T) if transposed else (x, x.T.copy())
        out = np.empty((19, b.shape[1]), np.float32)
        done = kernels.matmul(a, b, out, 1.0, 0)
        if not done or not np.allclose(out, np.einsum("ij,jk->ik", a, b), rtol=1e-4, atol=1e-3):
            return "matrix products are wrong here"
    positive = np.abs(x) + 1
    for name, argument in (("exp", x), ("tanh", x), ("log", positive), ("sqrt", positive)):
        out = np.empty_like(x)
        done = getattr(kernels, f"map_{name}")(argument, out)
        expected = getattr(np, name)(argument.astype(np.float64))
        if not done or not np.allclose(out, expected, rtol=1e-5):
            return f"{name} is wrong here"
    if kernels.map_exp(x[:, ::-1], x) or kernels.map_exp(x.astype(np.float64), x.copy()):
        return "arguments are not checked here"
    return ""
