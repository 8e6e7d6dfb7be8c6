"""Chapter 02, given: more element-by-element operations, and comparing whole tensors."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tinytorch.basics import as_array
from tinytorch.dtypes import DType, bool_, device, float32, float64, int32, int64
from tinytorch.tensor import Array, Tensor, array_operation, operation, tensor_method


@tensor_method
@array_operation
def minimum(a: Array, b: Array) -> Array:
    """The smaller of each pair of elements; shapes broadcast."""
    return np.minimum(a, b)


@tensor_method
@array_operation
def clamp(a: Array, min: float | None = None, max: float | None = None) -> Array:
    """Every element, limited to [min, max]."""
    if min is None and max is None:
        raise ValueError("clamp: give min, max or both")
    return np.clip(a, min, max)


@tensor_method
@array_operation
def sin(a: Array) -> Array:
    """Sine of each element (radians)."""
    return np.sin(a)


@tensor_method
@array_operation
def cos(a: Array) -> Array:
    """Cosine of each element (radians)."""
    return np.cos(a)


@tensor_method
@array_operation
def log1p(a: Array) -> Array:
    """log(1 + a), exact for small a."""
    return np.log1p(a)


@tensor_method
@operation
def square(x: Tensor) -> Tensor:
    """x * x."""
    return x * x


@tensor_method
@operation
def rsqrt(x: Tensor) -> Tensor:
    """1 / sqrt(x)."""
    return 1 / x.sqrt()


# Where the slope is zero everywhere, nothing flows back. ------------------------------------------


@tensor_method
def sign(x: Tensor) -> Tensor:
    """-1, 0 or 1. Not differentiated."""
    return Tensor(np.sign(x.data))


@tensor_method
def floor(x: Tensor) -> Tensor:
    """The integer below. Not differentiated."""
    return Tensor(np.floor(x.data))


@tensor_method
def ceil(x: Tensor) -> Tensor:
    """The integer above. Not differentiated."""
    return Tensor(np.ceil(x.data))


@tensor_method
def round(x: Tensor, decimals: int = 0) -> Tensor:
    """The nearest integer, of two the even one. Not differentiated."""
    return Tensor(np.round(x.data, decimals))


@tensor_method
def isnan(x: Tensor) -> Tensor:
    """True where the element is not a number."""
    return Tensor(np.isnan(x.data))


@tensor_method
def isinf(x: Tensor) -> Tensor:
    """True where the element is infinite."""
    return Tensor(np.isinf(x.data))


@tensor_method
def isfinite(x: Tensor) -> Tensor:
    """True where the element is a finite number."""
    return Tensor(np.isfinite(x.data))


@tensor_method
def __floordiv__(self: Tensor, other: Any) -> Tensor:
    return Tensor._op(operator.floordiv, self, other)


@tensor_method
def __mod__(self: Tensor, other: Any) -> Tensor:
    return Tensor._op(operator.mod, self, other)


@tensor_method
def __invert__(self: Tensor) -> Tensor:
    return Tensor._op(operator.invert, self)


@tensor_method
def __and__(self: Tensor, other: Any) -> Tensor:
    return Tensor._op(operator.and_, self, other)


@tensor_method
def __or__(self: Tensor, other: Any) -> Tensor:
    return Tensor._op(operator.or_, self, other)


@tensor_method
def __xor__(self: Tensor, other: Any) -> Tensor:
    return Tensor._op(operator.xor, self, other)


for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Tensor, _name, getattr(Tensor, f"__{_name}__"))


# Choosing between values. -------------------------------------------------------------------------


def select(condition: Array, a: Array, b: Array) -> Array:
    """Elements of `a` where `condition` holds, of `b` elsewhere; all shapes broadcast."""
    return np.where(condition, a, b)


def where(condition: Tensor, a: Any, b: Any) -> Tensor:
    """Elements of `a` where `condition` (bool) holds, of `b` elsewhere; numbers are allowed."""
    if condition.dtype != bool_:
        raise TypeError(f"where: the condition must be bool, not {condition.dtype}; compare first")
    kinds = [x.dtype for x in (a, b) if isinstance(x, Tensor)]
    a, b = (x if isinstance(x, Tensor) else as_array(x, _beside(kinds, x)) for x in (a, b))
    return Tensor._op(select, condition, a, b)


def _beside(kinds: list[DType], number: Any) -> DType:
    """The type a number takes: that of the tensor beside it, if there is one and it can hold it."""
    if not kinds:
        return None
    return float32 if isinstance(number, float) and kinds[0].kind in "iub" else kinds[0]


@tensor_method
def masked_fill(x: Tensor, mask: Tensor, value: float) -> Tensor:
    """`x` with `value` wherever `mask` (bool, broadcast) holds."""
    if mask.dtype != bool_:
        raise TypeError(f"masked_fill: the mask must be bool, not {mask.dtype}; compare first")
    return where(mask, value, x)


# Types. -------------------------------------------------------------------------------------------


def cast(a: Array, dtype: DType) -> Array:
    """`a` as elements of `dtype`."""
    return a.astype(dtype, copy=False)


@tensor_method
def to(x: Tensor, *args: Any, dtype: DType = None, device: Any = None) -> Tensor:
    """`x` with another dtype: x.to(float64). A device is accepted; there is only the CPU."""
    for value in args:
        if isinstance(value, Tensor):
            dtype = value.dtype
        elif _is_device(value):
            device = value
        else:
            dtype = value
    _check_device(device)
    return x if dtype is None or np.dtype(dtype) == x.dtype else Tensor._op(cast, x, dtype=dtype)


def _is_device(value: Any) -> bool:
    return isinstance(value, device) or value in ("cpu", "cuda", "mps")


def _check_device(value: Any) -> None:
    if value is not None and not isinstance(value, device):
        device(value)


def _caster(name: str, dtype: DType) -> None:
    def method(self: Tensor) -> Tensor:
        return to(self, dtype)

    method.__name__, method.__doc__ = name, f"`x` as {dtype}."
    tensor_method(method)


_caster("float", float32)
_caster("double", float64)
_caster("long", int64)
_caster("int", int32)
_caster("bool", bool_)


@tensor_method
def type_as(x: Tensor, other: Tensor) -> Tensor:
    """`x` with the dtype of `other`."""
    return to(x, other.dtype)


@tensor_method
def cpu(x: Tensor) -> Tensor:
    """`x`: it is there already."""
    return x


# Comparing whole tensors. -------------------------------------------------------------------------


def is_tensor(value: Any) -> bool:
    """Whether `value` is a Tensor."""
    return isinstance(value, Tensor)


def equal(a: Tensor, b: Tensor) -> bool:
    """Whether shapes and all elements are the same."""
    return np.array_equal(a.data, b.data)


def allclose(
    a: Tensor, b: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether |a - b| <= atol + rtol * |b| for every element."""
    return bool(np.allclose(a.data, b.data, rtol, atol, equal_nan))
