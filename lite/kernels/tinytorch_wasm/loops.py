"""NumPy's own functions on float32 arrays, made fast: for code that knows nothing of kernels.

NumPy keeps, for each of its functions and each dtype, the C function that runs over the numbers.
Its C interface has a call to exchange one: PyUFunc_ReplaceLoopBySignature
(https://numpy.org/doc/stable/reference/c-api/ufunc.html). With it `a @ b`, `np.matmul`, `np.exp`,
`np.log`, `np.tanh` and `np.maximum` on float32 run our loops, wherever they are called. NumPy goes
on to check shapes, convert, buffer and keep results apart from arguments; what a loop of ours does
not do (numbers that are not neighbors in memory, reductions), it leaves to NumPy's.
"""

import ctypes
from typing import Any

import numpy as np

from .library import Kernels

FLOAT = 11  # NPY_FLOAT
REPLACE_LOOP = 30  # the place of PyUFunc_ReplaceLoopBySignature in NumPy's table of C functions
LOOPS = ("matmul", "exp", "log", "tanh", "maximum")  # in the order of the enum in loops.c
_replaced: dict[str, int] = {}  # name -> address of NumPy's loop, while ours is in its place


def speed_up(kernels: Kernels, on: bool = True) -> bool:
    """Put our loops in the place of NumPy's, or (`on=False`) NumPy's back; whether ours are in.

    On any doubt NumPy's come back: another NumPy, a loop it has not, a wrong result.
    """
    right = False
    try:
        if on and np.__version__.startswith("2."):
            for which, name in enumerate(LOOPS):
                if name not in _replaced:
                    before = _exchange(name, _address(kernels.library[f"{name}_loop"]))
                    kernels.library.leave_to(which, ctypes.c_void_p(before))
                    _replaced[name] = before
            right = _right()
    except Exception:
        right = False
    if not right:
        for name in list(_replaced):
            _exchange(name, _replaced.pop(name))
    return right


def _exchange(name: str, address: int) -> int:
    """Make the function at `address` the float32 loop of np.`name`; where the one before is."""
    ufunc = getattr(np, name)
    types = (ctypes.c_int * ufunc.nargs)(*[FLOAT] * ufunc.nargs)
    before = ctypes.c_void_p()
    call = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, *[ctypes.c_void_p] * 3)
    if (
        call(_table()[REPLACE_LOOP])(ufunc, address, types, ctypes.byref(before))
        or not before.value
    ):
        raise RuntimeError(f"NumPy has no float32 loop of {name}")
    return before.value


def _table() -> Any:
    """NumPy's C functions for universal functions, which extension modules get as a capsule."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    capsule = np._core._multiarray_umath._UFUNC_API  # type: ignore[attr-defined]
    return (ctypes.c_void_p * (REPLACE_LOOP + 1)).from_address(pointer(capsule, None))


def _address(function: Any) -> int:
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    return address


def _right() -> bool:
    """Whether the functions still compute what they should."""
    x = np.linspace(0.1, 3, 7 * 9, dtype=np.float32).reshape(7, 9)
    wide = x.astype(np.float64)
    pairs = [(x @ x.T, wide @ wide.T), (np.maximum(x, 1), np.maximum(wide, 1))]
    pairs += [
        (x.max(axis=0), wide.max(axis=0)),
        (np.maximum(x[:, ::2], 1), np.maximum(wide, 1)[:, ::2]),
    ]
    for function in (np.exp, np.log, np.tanh):
        pairs += [(function(a), function(a.astype(np.float64))) for a in (x, x[:, ::2], x.T)]
    return all(a.dtype == np.float32 and np.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in pairs)
