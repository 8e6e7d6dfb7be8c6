"""Chapter 04: layers, and the module that holds them together.

PyTorch: torch/nn/modules/module.py, linear.py, dropout.py; torch/nn/parameter.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tinytorch import init
from tinytorch.creation import empty
from tinytorch.dtypes import DType, float32, float64
from tinytorch.random import default_generator
from tinytorch.tensor import Tensor, operation

Self = TypeVar("Self", bound="Module")


class Parameter(Tensor):
    """A tensor that training changes: a module finds it, and it requires gradients."""

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__(data, requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class LoadResult(NamedTuple):
    """The names that `load_state_dict` did not find, and those it did not use."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """A piece of a network: assign parameters and modules to `self`, and write `forward`.

    Parameters and modules are found by walking through the attributes, through lists and
    dictionaries too. `training` says whether the module is trained or used.
    """

    training = True
    _buffers: tuple[str, ...] = ()

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute the output; every module writes its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return self.forward(*inputs, **options)

    # Finding what is inside.

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) for each module directly inside."""
        for name, value in _walk(vars(self)):
            if isinstance(value, Module):
                yield name, value

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """(name, module) for this module and all inside, each once."""
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [(prefix, self)]
        while stack:
            name, module = stack.pop()
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module
                children = [(f"{name}.{n}".lstrip("."), c) for n, c in module.named_children()]
                stack.extend(reversed(children))

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """(name, parameter) for each parameter inside; one that is shared comes once."""
        seen = set()
        for path, module in self.named_modules(prefix):
            for name, value in _walk(vars(module)):
                if isinstance(value, Parameter) and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{path}.{name}".lstrip("."), value

    def children(self) -> Iterator[Module]:
        """The modules directly inside."""
        return (module for _, module in self.named_children())

    def modules(self) -> Iterator[Module]:
        """This module and all inside."""
        return (module for _, module in self.named_modules())

    def parameters(self) -> Iterator[Parameter]:
        """Every parameter, once."""
        return (parameter for _, parameter in self.named_parameters())

    def register_buffer(self, name: str, tensor: Tensor, persistent: bool = True) -> None:
        """Keep a tensor that is no parameter as `self.name`, and (`persistent`) in the state."""
        setattr(self, name, tensor)
        if persistent:
            self._buffers = (*self._buffers, name)

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """(name, tensor) for each buffer of the state inside."""
        for path, module in self.named_modules():
            for name in module._buffers:
                yield f"{path}.{name}".lstrip("."), getattr(module, name)

    def buffers(self) -> Iterator[Tensor]:
        """Every buffer of the state."""
        return (buffer for _, buffer in self.named_buffers())

    # The state: what is saved and loaded.

    def state_dict(self) -> dict[str, Tensor]:
        """Name -> tensor, of parameters and buffers; they share memory with the module."""
        state: dict[str, Tensor] = {}
        for path, value in _state(self, ""):
            state[path] = value.detach()
        return state

    def load_state_dict(self, state: dict[str, Tensor], strict: bool = True) -> LoadResult:
        """Copy tensors into parameters and buffers of the same names.

        Raises RuntimeError naming every missing and every unexpected name (if `strict`) and every
        wrong shape. Nothing is changed when something is wrong.
        """
        own = dict(_state(self, ""))
        missing = [name for name in own if name not in state]
        unexpected = [name for name in state if name not in own]
        if strict and (missing or unexpected):
            raise RuntimeError(
                f"load_state_dict of {type(self).__name__}: missing {missing or 'nothing'}, "
                f"unexpected {unexpected or 'nothing'} (strict=False loads the rest)"
            )
        wrong = [
            f"{name} is {state[name].shape}, needs {tensor.shape}"
            for name, tensor in own.items()
            if name in state and state[name].shape != tensor.shape
        ]
        if wrong:
            raise RuntimeError(f"load_state_dict of {type(self).__name__}: {'; '.join(wrong)}")
        for name, tensor in own.items():
            if name in state:
                tensor.copy_(state[name])
        return LoadResult(missing, unexpected)

    # Changing all at once.

    def train(self: Self, mode: bool = True) -> Self:
        """Set `training` here and in all modules inside."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: Self) -> Self:
        """For use rather than training: no dropout, fixed statistics."""
        return self.train(False)

    def apply(self: Self, function: Callable[[Module], Any]) -> Self:
        """Call `function` on every module inside and on this one."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Whether the parameters are to be trained."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def to(self: Self, target: Any = None, dtype: DType = None) -> Self:
        """Parameters and float buffers as another dtype; a device is accepted (there is one)."""
        targets = () if target is None else (target,)
        for module in self.modules():
            for _, value in _walk(vars(module)):
                if isinstance(value, Tensor) and value.dtype.kind == "f":
                    value.data = value.to(*targets, dtype=dtype).data
        return self

    def double(self: Self) -> Self:
        """Parameters as float64."""
        return self.to(dtype=float64)

    def float(self: Self) -> Self:
        """Parameters as float32."""
        return self.to(dtype=float32)

    # Showing it.

    def extra_repr(self) -> str:
        """What to print between the parentheses."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = [f"({name}): {child!r}" for name, child in self.named_children()]
        if not lines:
            return f"{type(self).__name__}({extra})"
        body = "\n".join([extra, *lines] if extra else lines).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {body}\n)"


def _walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, tensor or module) of everything in nested dictionaries, lists and tuples."""
    if isinstance(value, (Tensor, Module)):
        yield path, value
    elif isinstance(value, (dict, list, tuple)):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            yield from _walk(item, f"{path}.{key}".lstrip("."))


def _state(module: Module, prefix: str) -> Iterator[tuple[str, Tensor]]:
    """(name, tensor) of parameters and buffers, in PyTorch's order: own ones, then the children."""
    inside = list(_walk(vars(module)))
    for name, value in inside:
        if isinstance(value, Parameter):
            yield prefix + name, value
    for name in module._buffers:
        yield prefix + name, getattr(module, name)
    for name, value in inside:
        if isinstance(value, Module):
            yield from _state(value, f"{prefix}{name}.")


@operation
def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b: (..., in), (out, in), (out,) -> (..., out)."""
    if x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"linear: the last size of the input must be {weight.shape[1]}, got shape {x.shape} "
            f"for a weight of shape {weight.shape}"
        )
    output = x @ weight.transpose(0, 1)
    return output if bias is None else output + bias


@operation
def dropout(x: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Zero each element with probability `p` and scale the others by 1 / (1 - p).

    The expected value stays what it was (Srivastava et al. 2014). Outside training: x itself.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p must be between 0 and 1, got {p}")
    if not training or p == 0:
        return x
    kept = default_generator.numpy.random(x.shape, dtype=np.float32) >= p
    scale = 0.0 if p == 1 else 1 / (1 - p)
    return x * Tensor(kept.astype(x.dtype) * x.dtype.type(scale))


class Linear(Module):
    """x W^T + b, with weight (out_features, in_features) and bias (out_features,)."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(empty(out_features, in_features))
        self.bias = Parameter(empty(out_features)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start as PyTorch does: uniform between -1/sqrt(in) and 1/sqrt(in)."""
        bound = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in_features) -> (..., out_features)."""
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Flatten(Module):
    """Dimensions `start_dim` to `end_dim` as one: (N, C, H, W) -> (N, C * H * W)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Dropout(Module):
    """`dropout` while training, nothing in `eval` mode."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p must be between 0 and 1, got {p}")
        self.p = p
        self.inplace = inplace  # accepted for PyTorch's sake; the input is never changed

    def forward(self, x: Tensor) -> Tensor:
        return dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Identity(Module):
    """Gives back what it gets; takes the place of a layer that is left out."""

    def forward(self, x: Tensor) -> Tensor:
        return x
