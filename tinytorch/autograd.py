"""Chapter 07: automatic differentiation.

While operations run, `record` keeps a `Node` for each one that a gradient must pass. `backward`
then visits the nodes from the last to the first and asks each operation's rule: given the
gradient of the output, what are the gradients of the inputs?

A rule works on NumPy arrays:

    rule(grad, output, *inputs, **options) -> one array or None for each input

in a tuple, or the array itself for one input. `inputs` are the arrays (or numbers) the operation
got, `options` its keyword arguments. A gradient may have the broadcast shape: it is summed to the
input's. A parameter whose name starts with `_` gets None, and its array is not kept for backward.
Two more parameters are filled if a rule names them:

    saved    what the implementation returned beside its output: (output, *saved)
    needed   for each input, whether its gradient will be used

`rules[name] = function` replaces a rule, as `implementations[name]` replaces an operation; a
composed function with an implementation needs a rule of its name. A rule may return `grad` itself
or views of it, so it must not write to `grad`, and neither does backward.

PyTorch: torch/csrc/autograd/engine.cpp, tools/autograd/derivatives.yaml.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from contextlib import ContextDecorator
from typing import Any

import numpy as np

from tinytorch.graph import Node, gradient_of
from tinytorch.graph import rules as rules
from tinytorch.tensor import Array, Dims, Tensor, forget, is_recording, recorders, tensor_method

# Rules: the gradient of the output in, the gradients of the inputs out. ---------------------------


@gradient_of("add")
def add_gradient(grad: Array, _output: Array, _a: Array, _b: Array) -> tuple[Array, Array]:
    """d(a + b) = da + db: both inputs get the gradient as it is."""
    return grad, grad


@gradient_of("sub")
def sub_gradient(grad: Array, _output: Array, _a: Array, _b: Array) -> tuple[Array, Array]:
    """d(a - b) = da - db."""
    return grad, -grad


@gradient_of("mul")
def mul_gradient(grad: Array, _output: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """d(ab) = b da + a db."""
    return grad * b, grad * a


@gradient_of("div")
def div_gradient(grad: Array, output: Array, _a: Array, b: Array) -> tuple[Array, Array]:
    """d(a/b) = da / b - (a/b) db / b."""
    to_a = grad / b
    return to_a, -to_a * output


@gradient_of("neg")
def neg_gradient(grad: Array, _output: Array, _a: Array) -> Array:
    """d(-a) = -da."""
    return -grad


@gradient_of("exp")
def exp_gradient(grad: Array, output: Array, _a: Array) -> Array:
    """d(exp a) = exp(a) da."""
    return grad * output


@gradient_of("log")
def log_gradient(grad: Array, _output: Array, a: Array) -> Array:
    """d(log a) = da / a."""
    return grad / a


@gradient_of("sqrt")
def sqrt_gradient(grad: Array, output: Array, _a: Array) -> Array:
    """d(sqrt a) = da / (2 sqrt a)."""
    return grad / (2 * output)


@gradient_of("maximum")
def maximum_gradient(grad: Array, _output: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """The gradient goes to the larger element; where they are equal, half to each."""
    to_a = grad * ((a > b) + 0.5 * np.equal(a, b)).astype(grad.dtype)
    return to_a, grad - to_a


@gradient_of("matmul")
def matmul_gradient(grad: Array, _output: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """d(AB) = dA B + A dB, so G B^T goes to A and A^T G to B.

    Vectors are taken as a row on the left and a column on the right, as in `matmul`.
    """
    row, column = a.ndim == 1, b.ndim == 1
    if column:
        b, grad = b[:, None], np.expand_dims(grad, -1)
    if row:
        a, grad = a[None, :], np.expand_dims(grad, -2)
    to_a = grad @ b.swapaxes(-1, -2)
    if b.ndim == 2:  # one matrix for a whole batch: its gradients add up, in a single product
        to_b = a.reshape(-1, a.shape[-1]).T @ grad.reshape(-1, grad.shape[-1])
    else:
        to_b = a.swapaxes(-1, -2) @ grad
    return to_a, to_b[..., 0] if column else to_b


@gradient_of("sum")
def sum_gradient(
    grad: Array, _output: Array, a: Array, dim: Dims = None, keepdim: bool = False
) -> Array:
    """Every element went into the sum with factor 1: each gets the sum's gradient."""
    if dim is not None and not keepdim:
        grad = np.expand_dims(grad, dim)
    return np.broadcast_to(grad, a.shape)


@gradient_of("max")
def max_gradient(
    grad: Array, output: Array, a: Array, dim: Dims = None, keepdim: bool = False
) -> Array:
    """The gradient goes to the largest elements; equal ones share it, as in torch.amax."""
    if dim is not None and not keepdim:
        grad, output = np.expand_dims(grad, dim), np.expand_dims(output, dim)
    largest = (a == output).astype(grad.dtype)
    return grad * largest / largest.sum(axis=dim, keepdims=dim is not None)


@gradient_of("reshape")
def reshape_gradient(grad: Array, _output: Array, a: Array, shape: tuple[int, ...]) -> Array:
    """The same gradients, in the shape of the input."""
    return grad.reshape(a.shape)


@gradient_of("transpose")
def transpose_gradient(grad: Array, _output: Array, _a: Array, dim0: int, dim1: int) -> Array:
    """Swap the same two dimensions back."""
    return np.swapaxes(grad, dim0, dim1)


@gradient_of("relu")
def relu_gradient(grad: Array, output: Array, _x: Array) -> Array:
    """The gradient passes where the output is positive."""
    return grad * (output > 0)


@gradient_of("sigmoid")
def sigmoid_gradient(grad: Array, output: Array, _x: Array) -> Array:
    """ds/dx = s (1 - s)."""
    return grad * (output * (1 - output))


@gradient_of("tanh")
def tanh_gradient(grad: Array, output: Array, _x: Array) -> Array:
    """dt/dx = 1 - t^2."""
    return grad * (1 - output * output)


def unbroadcast(grad: Array, shape: tuple[int, ...]) -> Array:
    """Sum `grad` to `shape`: an element that broadcasting repeated gets the sum of its copies."""
    if grad.shape == shape:
        return grad
    new = grad.ndim - len(shape)
    repeated = tuple(d for d in range(new, grad.ndim) if shape[d - new] == 1 != grad.shape[d])
    return grad.sum(axis=(*range(new), *repeated), keepdims=True).reshape(shape)


# The graph. ---------------------------------------------------------------------------------------


class Variable(Tensor):
    """A tensor that a recorded operation made; `grad_fn` is the node of that operation."""

    is_leaf = False

    def __init__(self, data: Array, grad_fn: Node) -> None:
        super().__init__(data)
        self.requires_grad = True
        self.grad_fn = grad_fn

    def backward(self, gradient: Tensor | None = None, retain_graph: bool = False) -> None:
        """Add the gradient of this tensor to `.grad` of every leaf it was computed from.

        gradient: the gradient of this tensor itself; a tensor of one element has 1. What was
        saved is freed on the way unless `retain_graph`.
        """
        pending = {self.grad_fn: first_gradient(self, gradient)}
        for node in reversed(topological_order(self.grad_fn)):
            if node in pending:
                pass_back(node, pending.pop(node), pending)
            if not retain_graph:
                node.release()

    def retain_grad(self) -> None:
        """Keep the gradient of this tensor too: backward sets its `.grad`."""
        self.grad_fn.watcher = weakref.ref(self)

    def _repr_end(self) -> str:
        return f", grad_fn={self.grad_fn}"


def record(
    operation: Callable[..., Any],
    inputs: tuple[Any, ...],
    options: dict[str, Any],
    output: Array,
    *saved: Any,
) -> Tensor:
    """The recorder: a Variable when an input requires gradients, else a plain Tensor."""
    parents = tuple(
        (x.grad_fn or x) if isinstance(x, Tensor) and x.requires_grad else None for x in inputs
    )
    if output.dtype.kind != "f" or all(parent is None for parent in parents):
        return Tensor(output)
    node = Node(operation.__name__, parents, inputs, options, output, saved)
    result = Variable(output, node)
    if node.output is not None:
        node.versions.append((result._version, 0))
    return result


def topological_order(root: Node) -> list[Node]:
    """All nodes that `root` depends on, each after those that it was computed from.

    Without recursion, because graphs are deep; every node is visited once.
    """
    order: list[Node] = []
    visited = set()
    stack = [(root, False)]
    while stack:
        node, parents_done = stack.pop()
        if parents_done:
            order.append(node)
        elif node not in visited:
            visited.add(node)
            stack.append((node, True))
            stack.extend((p, False) for p in node.parents if isinstance(p, Node))
    return order


def first_gradient(x: Tensor, gradient: Tensor | None) -> Array:
    """The gradient that backward starts with: `gradient`, or 1 for a tensor of one element."""
    if gradient is None and x.numel() != 1:
        raise RuntimeError(
            f"backward: a tensor of shape {x.shape} needs backward(gradient); "
            "or make it one number first, e.g. with sum() or mean()"
        )
    if gradient is not None and gradient.shape != x.shape:
        raise ValueError(f"backward: gradient {gradient.shape} for a tensor {x.shape}")
    return np.ones_like(x.data) if gradient is None else gradient.data


Pending = dict[Node, Array]  # nodes still to be visited, and the gradient each has so far


def pass_back(node: Node, grad: Array, pending: Pending) -> None:
    """Ask the node's rule, and give the gradients to the inputs in their shape and dtype."""
    for parent, g in node.gradients(grad):
        g = unbroadcast(g, parent.shape).astype(parent.dtype, copy=False)
        accumulate(parent, g, pending)


def accumulate(parent: Node | Tensor, g: Array, pending: Pending) -> None:
    """Gradients add up: in `pending` for a node, in `.grad` for a leaf.

    A leaf gets a copy: a rule may give one array to several inputs.
    """
    if isinstance(parent, Node):
        pending[parent] = pending[parent] + g if parent in pending else g
    elif parent.grad is None:
        parent.grad = Tensor(g.copy(order="K"))
    else:
        parent.grad += Tensor(g)


# Switching recording off and on. ------------------------------------------------------------------


class _Recording(ContextDecorator):
    """A block, or a decorated function, in which `recorder` is the one that is asked."""

    recorder: Callable[..., Tensor] = staticmethod(forget)

    def __enter__(self) -> None:
        recorders.append(self.recorder)

    def __exit__(self, *error: object) -> None:
        recorders.pop()

    def __call__(self, function: Any) -> Any:
        if not function.__code__.co_flags & 0x20:  # CO_GENERATOR
            return super().__call__(function)

        @functools.wraps(function)
        def generate(*inputs: Any, **options: Any) -> Any:
            generator = function(*inputs, **options)
            while True:
                with self:
                    try:
                        value = next(generator)
                    except StopIteration as end:
                        return end.value
                yield value  # outside: the caller's own code is recorded

        return generate


class no_grad(_Recording):
    """Operations in this block are not recorded: `with no_grad():` or `@no_grad()`."""


class enable_grad(_Recording):
    """Operations in this block are recorded, even inside `no_grad`."""

    recorder = staticmethod(record)


class set_grad_enabled(_Recording):
    """Record in this block or not, as `mode` says: `with set_grad_enabled(training):`."""

    def __init__(self, mode: bool) -> None:
        self.recorder = record if mode else forget


is_grad_enabled = is_recording


@tensor_method
def backward(self: Tensor, gradient: Tensor | None = None, retain_graph: bool = False) -> None:
    """Of a leaf: `gradient` is its own. Of a tensor without history: an error that says so."""
    if not self.requires_grad:
        raise RuntimeError(
            "backward: this tensor was not computed from one with requires_grad=True while "
            "operations were recorded, so there is nothing to differentiate"
        )
    accumulate(self, first_gradient(self, gradient), {})


@tensor_method
def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Say whether gradients are wanted for this tensor, and return it."""
    self.requires_grad = requires_grad
    return self


recorders.append(record)
