"""Chapter 08, given: finding where the first NaN or infinity of a computation came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinytorch.autograd import no_grad
from tinytorch.layers import Module
from tinytorch.tensor import Array, Tensor, forget, recorders


class NonFiniteLossError(ArithmeticError):
    """The loss is NaN or infinite, so training on would ruin the weights."""


def first_nonfinite(
    model: Module, inputs: Sequence[Tensor], target: Any, loss_function: Callable[..., Tensor]
) -> str:
    """Compute the loss again, watching every operation, and say where it first went wrong."""
    for name, parameter in model.named_parameters():
        if not np.isfinite(parameter.data).all():
            return f"the parameter {name} is not finite: a step before this one was too large"
    for i, x in enumerate(inputs):
        if x.dtype.kind == "f" and not np.isfinite(x.data).all():
            return f"input {i} of the model holds NaN or infinity"
    found: dict[str, str] = {}

    def watch(operation: Any, args: Any, options: Any, output: Array, *saved: Any) -> Tensor:
        for kind, test in (("NaN", np.isnan), ("infinity", np.isinf)):
            if output.dtype.kind == "f" and kind not in found and test(output).any():
                shapes = ", ".join(str(a.shape) for a in args if isinstance(a, Tensor))
                found[kind] = f"{kind} first came out of {operation.__name__} (inputs {shapes})"
        return forget(operation, args, options, output)

    with no_grad(), np.errstate(all="ignore"):
        recorders.append(watch)
        try:
            loss_function(model(*inputs), target)
        finally:
            recorders.pop()
    if list(found) == ["infinity", "NaN"]:  # in this order, the one may have led to the other
        return f"{found['infinity']}; {found['NaN']}"
    return found.get("NaN") or found.get("infinity") or "every operation gives finite numbers now"
