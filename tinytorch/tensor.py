"""Chapter 02: the tensor.

First the operations: functions that take NumPy arrays and return an array. Then the class
`Tensor`, whose operators and methods only say which operation runs. Everything goes through
`Tensor._op`, so that later chapters can watch operations (`recorders`) or replace the code that
runs for one (`implementations`) without changing anything here.

PyTorch: `torch.Tensor`, ATen/native/BinaryOps.cpp, UnaryOps.cpp, ReduceOps.cpp.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from tinytorch.basics import Array as Array
from tinytorch.basics import (
    TensorBase,
    as_array,
    explain,
    has_float64,
    plain_index,
    sizes_of,
    tensors_first,
)
from tinytorch.dtypes import float32, int64

Dims = int | tuple[int, ...] | None
Function = TypeVar("Function", bound=Callable[..., Any])

recorders: list[Callable[..., Tensor]] = []  # the last one is told of every operation
implementations: dict[str, Callable[..., Any]] = {}  # operation name -> what runs in its place


# Operations: arrays in, array out. ---------------------------------------------------------------


def add(a: Array, b: Array) -> Array:
    """a + b, element by element; shapes broadcast."""
    return a + b


def sub(a: Array, b: Array) -> Array:
    """a - b, element by element; shapes broadcast."""
    return a - b


def mul(a: Array, b: Array) -> Array:
    """a * b, element by element; shapes broadcast."""
    return a * b


def div(a: Array, b: Array) -> Array:
    """a / b, element by element; shapes broadcast. Integers give a float."""
    return a / b


def neg(a: Array) -> Array:
    """-a."""
    return -a


def pow(a: Array, b: Array) -> Array:
    """a to the power b, element by element; shapes broadcast."""
    return np.power(a, b)


def exp(a: Array) -> Array:
    """e to the power of each element."""
    return np.exp(a)


def log(a: Array) -> Array:
    """Natural logarithm of each element; of 0 it is -inf."""
    return np.log(a)


def sqrt(a: Array) -> Array:
    """Square root of each element."""
    return np.sqrt(a)


def abs(a: Array) -> Array:
    """Absolute value of each element."""
    return np.abs(a)


def maximum(a: Array, b: Array) -> Array:
    """The larger of each pair of elements; shapes broadcast."""
    return np.maximum(a, b)


def matmul(a: Array, b: Array) -> Array:
    """Matrix product: (..., n, k) @ (..., k, m) -> (..., n, m).

    A 1-D `a` is a row, a 1-D `b` a column, and the result has no dimension for it; the leading
    dimensions are batches and broadcast. Raises ValueError when the inner sizes differ.
    """
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(f"matmul: needs at least 1 dimension each, got {a.shape} and {b.shape}")
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise ValueError(
            f"matmul: the inner sizes must be equal, got shapes {a.shape} and {b.shape} "
            f"({a.shape[-1]} against {inner}); is one to be transposed?"
        )
    return np.matmul(a, b)


def sum(a: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """Sum over dimension(s) `dim` (None: all); `keepdim` leaves them with size 1."""
    total: Array = np.sum(a, axis=dim, keepdims=keepdim)
    return total


def max(a: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """Largest element over dimension(s) `dim` (None: all)."""
    largest: Array = np.max(a, axis=dim, keepdims=keepdim)
    return largest


def reshape(a: Array, shape: tuple[int, ...]) -> Array:
    """The same elements in row-major order under a new shape; one size may be -1."""
    return a.reshape(shape)


def transpose(a: Array, dim0: int, dim1: int) -> Array:
    """Swap two dimensions. The result is a view: it shares the memory of `a`."""
    return np.swapaxes(a, dim0, dim1)


def getitem(a: Array, index: Any) -> Array:
    """a[index], for slices, integers, None, ..., and integer or boolean arrays."""
    picked: Array = a[index]
    return picked


def clone(a: Array) -> Array:
    """A copy with memory of its own."""
    return np.copy(a)


# How an operation runs on tensors. ---------------------------------------------------------------


def forget(operation: Any, inputs: Any, options: Any, output: Any, *saved: Any) -> Tensor:
    """The recorder that records nothing."""
    return Tensor(output)


def is_recording() -> bool:
    """Whether operations are being recorded at this moment."""
    return bool(recorders) and recorders[-1] is not forget


def operation(function: Function) -> Function:
    """Declare a function that is written in tensor operations.

    While `implementations` has an entry of its name, that runs instead, as one operation.
    """

    @functools.wraps(function)
    def run(*inputs: Any, **options: Any) -> Any:
        if function.__name__ not in implementations:
            return function(*inputs, **options)
        inputs, options = tensors_first(function, inputs, options)
        return Tensor._op(run, *inputs, **options)

    run.body = function  # type: ignore[attr-defined]
    return run  # type: ignore[return-value]


def array_operation(function: Callable[..., Array]) -> Callable[..., Any]:
    """Declare an operation (arrays in, array out) that may also be called on tensors.

    Called with a tensor it goes through `Tensor._op`; called with arrays it just runs.
    """

    @functools.wraps(function)
    def run(*inputs: Any, **options: Any) -> Any:
        for value in (*inputs, *options.values()):
            if isinstance(value, Tensor):
                inputs, options = tensors_first(function, inputs, options)
                return Tensor._op(run, *inputs, **options)
        return function(*inputs, **options)

    return run


def tensor_method(function: Function) -> Function:
    """Declare a function as a method of Tensor: the way later chapters give it new ones."""
    setattr(Tensor, function.__name__, function)
    return function


class MaxResult(NamedTuple):
    """What reductions over one dimension return: the values and where they were."""

    values: Tensor
    indices: Tensor


class Tensor(TensorBase):
    """An array of numbers of one type, with the operations on it.

    `Tensor(array)` shares the array's memory; lists become float32, int64 or bool arrays.
    """

    grad: Tensor | None

    @staticmethod
    def _op(operation: Callable[..., Any], *inputs: Any, **options: Any) -> Tensor:
        """Run `operation` on tensors: the only place where that happens.

        Numbers and arrays among `inputs` are passed as they are. An implementation may return
        (output, *saved), where `saved` is for its gradient rule, or NotImplemented to have the
        operation itself run. float64 comes only from float64 or from an option `dtype`.
        """
        arrays = [x.data if isinstance(x, Tensor) else x for x in inputs]
        run = implementations.get(operation.__name__, operation)
        try:
            output = run(*arrays, **options)
        except (ValueError, IndexError) as error:
            explain(error, operation.__name__, arrays)
            raise
        if output is NotImplemented and hasattr(operation, "body"):
            result: Tensor = operation.body(*inputs, **options)
            return result
        if output is NotImplemented:
            output = operation(*arrays, **options)
        saved: list[Any] = []
        if type(output) is tuple:
            output, *saved = output
        output = as_array(output, name=operation.__name__)
        if output.dtype.char == "d" and "dtype" not in options and not has_float64(arrays):
            output = output.astype(float32)
        if recorders:
            result = recorders[-1](operation, inputs, options, output, *saved)
        else:
            result = Tensor(output)
        if output.base is not None:
            for x in inputs:
                if isinstance(x, Tensor) and (output.base is x.data or output.base is x.data.base):
                    result._version = x._version
        return result

    def detach(self) -> Tensor:
        """The same data without a history."""
        result = Tensor(self.data)
        result._version = self._version
        return result

    def clone(self) -> Tensor:
        """A copy with memory of its own; gradients flow through."""
        return Tensor._op(clone, self)

    # Arithmetic.

    def __add__(self, other: Any) -> Tensor:
        return Tensor._op(add, self, other)

    def __radd__(self, other: Any) -> Tensor:
        return Tensor._op(add, other, self)

    def __sub__(self, other: Any) -> Tensor:
        return Tensor._op(sub, self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return Tensor._op(sub, other, self)

    def __mul__(self, other: Any) -> Tensor:
        return Tensor._op(mul, self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return Tensor._op(mul, other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return Tensor._op(div, self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return Tensor._op(div, other, self)

    def __pow__(self, other: Any) -> Tensor:
        return Tensor._op(pow, self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return Tensor._op(pow, other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return Tensor._op(matmul, self, other)

    def __neg__(self) -> Tensor:
        return Tensor._op(neg, self)

    def __abs__(self) -> Tensor:
        return Tensor._op(abs, self)

    add, sub, mul, div, neg = __add__, __sub__, __mul__, __truediv__, __neg__
    pow, abs, matmul = __pow__, __abs__, __matmul__

    def exp(self) -> Tensor:
        """e to the power of each element."""
        return Tensor._op(exp, self)

    def log(self) -> Tensor:
        """Natural logarithm of each element."""
        return Tensor._op(log, self)

    def sqrt(self) -> Tensor:
        """Square root of each element."""
        return Tensor._op(sqrt, self)

    def maximum(self, other: Any) -> Tensor:
        """The larger of each pair of elements."""
        return Tensor._op(maximum, self, other)

    # Comparison: tensors of bool.

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return Tensor._op(operator.eq, self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return Tensor._op(operator.ne, self, other)

    def __lt__(self, other: Any) -> Tensor:
        return Tensor._op(operator.lt, self, other)

    def __le__(self, other: Any) -> Tensor:
        return Tensor._op(operator.le, self, other)

    def __gt__(self, other: Any) -> Tensor:
        return Tensor._op(operator.gt, self, other)

    def __ge__(self, other: Any) -> Tensor:
        return Tensor._op(operator.ge, self, other)

    __hash__ = object.__hash__

    # Reductions.

    def sum(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """Sum over dimension(s) `dim` (None: all); of integers and bools it is int64."""
        total = Tensor._op(sum, self, dim=dim, keepdim=keepdim)
        return total if total.dtype.kind == "f" else total.long()

    def mean(self, dim: Dims = None, keepdim: bool = False) -> Tensor:
        """Mean over dimension(s) `dim` (None: all)."""
        return mean(self, dim=dim, keepdim=keepdim)

    def max(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The largest element; with `dim`, (values, indices) along that dimension."""
        values = Tensor._op(max, self, dim=dim, keepdim=keepdim)
        if dim is None:
            return values
        indices = np.argmax(self.data, axis=dim, keepdims=keepdim)
        return MaxResult(values, Tensor(indices, dtype=int64))

    # Shape.

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements under a new shape, given as sizes or as one tuple."""
        return Tensor._op(reshape, self, shape=sizes_of(shape))

    view = reshape

    def transpose(self, dim0: int, dim1: int) -> Tensor:
        """Swap two dimensions."""
        return Tensor._op(transpose, self, dim0=dim0, dim1=dim1)

    @property
    def T(self) -> Tensor:
        """A matrix with rows and columns swapped."""
        if self.ndim != 2:
            raise ValueError(f"T: needs 2 dimensions, got shape {self.shape}; use transpose(a, b)")
        return self.transpose(0, 1)

    def __getitem__(self, index: Any) -> Tensor:
        return Tensor._op(getitem, self, index=plain_index(index))

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    if TYPE_CHECKING:  # methods that come by tensor_method

        def __getattr__(self, name: str) -> Any: ...


@operation
def mean(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Mean over dimension(s) `dim` (None: all): the sum divided by the count."""
    total = x.sum(dim, keepdim)
    return total / (x.numel() / total.numel() if total.numel() else 1)
