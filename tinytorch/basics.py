"""Chapter 02, given: what a tensor is before it computes anything.

`TensorBase` holds the array and behaves like a Python object: it prints, converts, has a length.
`Tensor` in chapter 02's own module adds the operations.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.dtypes import DType, float32, float64, int64
from tinytorch.dtypes import device as Device

Array = np.ndarray[Any, Any]


class TensorBase:
    """The data of a tensor, and what it shows of itself.

    data: the NumPy array. requires_grad: whether gradients are wanted. grad: the gradient, a
    Tensor of the same shape, or None. version: how often the data were changed in place.
    """

    grad: Any
    grad_fn: Any = None  # the recorded operation that a result came from (chapter 07)
    is_leaf: bool = True  # not the result of a recorded operation

    def __init__(self, data: Any, requires_grad: bool = False, dtype: DType = None) -> None:
        self.data: Array = as_array(data, dtype)
        if requires_grad and self.data.dtype.kind != "f":
            raise TypeError(f"only float tensors can require gradients, not {self.data.dtype}")
        self.requires_grad = requires_grad
        self.grad = None
        self._version = [0]  # a list, because views share it with the tensor they look into

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each dimension."""
        shape: tuple[int, ...] = self.data.shape
        return shape

    @property
    def dtype(self) -> Any:
        """The element type, a NumPy dtype such as `tinytorch.float32`."""
        return self.data.dtype

    @property
    def device(self) -> Device:
        """Where the data are: the CPU."""
        return Device()

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.data.ndim

    @property
    def version(self) -> int:
        """How often the data were changed in place; views count with their tensor."""
        return self._version[0]

    @version.setter
    def version(self, value: int) -> None:
        self._version[0] = value

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of dimension `dim`."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """The number of dimensions."""
        return self.data.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self.data.size

    def numpy(self) -> Array:
        """The array itself, not a copy."""
        return self.data

    def item(self) -> Any:
        """The one element, as a Python number."""
        if self.data.size != 1:
            raise ValueError(f"item: needs a tensor of one element, got shape {self.shape}")
        return self.data.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self.data.tolist()

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("a tensor without dimensions has no len()")
        return self.shape[0]

    def __bool__(self) -> bool:
        if self.data.size != 1:
            raise ValueError(f"a tensor of shape {self.shape} is neither true nor false: any, all?")
        return bool(self.data.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return operator.index(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item() if spec else str(self), spec)

    def __array__(self, dtype: DType = None, copy: bool | None = None) -> Array:
        array = self.data if dtype is None else self.data.astype(dtype, copy=False)
        return array.copy() if copy else array

    def __array_ufunc__(self, ufunc: Any, *args: Any, **options: Any) -> None:
        raise TypeError(
            f"np.{ufunc.__name__} does not take a Tensor: use an operator or method of the Tensor "
            f"(x + 1, x.{ufunc.__name__}(...)), or np.asarray(x) to leave autograd"
        )

    def __repr__(self) -> str:
        text = np.array2string(
            self.data, separator=", ", prefix="tensor(", precision=4, floatmode="maxprec_equal"
        )
        return f"tensor({text}, shape={self.shape}, dtype={self.dtype}{self._repr_end()})"

    def _repr_end(self) -> str:
        return ", requires_grad=True" if self.requires_grad else ""


def as_array(data: Any, dtype: DType = None, name: str = "tensor") -> Array:
    """An array of `data`: arrays are kept, Python's floats become float32, its integers int64."""
    if isinstance(data, np.ndarray):
        return data if dtype is None else data.astype(dtype, copy=False)
    if isinstance(data, TensorBase):
        return as_array(data.data, dtype)
    try:
        array = np.asarray(data, dtype=dtype)
    except ValueError as error:
        raise ValueError(f"{name}: the nested lists are not rectangular ({error})") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name}: numbers are needed, got {data!r}")
    if dtype is None and not isinstance(data, np.generic):
        if array.dtype == float64:
            return array.astype(float32)
        if array.dtype == np.int_:  # what NumPy makes of an integer: int32 in a browser
            return array.astype(int64, copy=False)
    return array


def has_float64(arrays: list[Any]) -> bool:
    return "d" in [a.dtype.char for a in arrays if isinstance(a, np.ndarray)]


def sizes_of(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes given as f(2, 3) or as f((2, 3))."""
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape


def plain_index(index: Any) -> Any:
    """`index` with arrays in place of tensors."""
    if isinstance(index, TensorBase):
        return index.data
    if isinstance(index, tuple):
        return tuple(plain_index(i) for i in index)
    return index


def tensors_first(
    function: Callable[..., Any], inputs: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Move tensors given by keyword to their places among the inputs, where recorders look."""
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    values = function.__defaults__ or ()
    defaults = dict(zip(names[len(names) - len(values) :], values, strict=True))
    for name in names[len(inputs) :]:
        if any(isinstance(value, TensorBase) for value in options.values()):
            inputs = (*inputs, options.pop(name, defaults.get(name)))
    return inputs, options


def explain(error: Exception, operation: str, arrays: list[Any]) -> None:
    """Add the operation and the shapes to the message of an error that NumPy raised."""
    text = str(error)
    if text.startswith(f"{operation}:"):
        return
    shapes = " and ".join(str(a.shape) for a in arrays if isinstance(a, np.ndarray))
    if isinstance(error, np.exceptions.AxisError):
        message = f"{operation}: dim is out of range for shape {shapes}: {text}"
        raise IndexError(message) from error
    if "broadcast together" in text or "broadcast to a single shape" in text:
        text = "do not broadcast: counted from the right, sizes must be equal or one of them 1"
        error.args = (f"{operation}: shapes {shapes} {text}",)
    else:
        error.args = (f"{operation}: {text} (input shapes: {shapes})",)
