"""WebAssembly kernels (chapter 16, given): optimizer steps, in one pass over memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinytorch.kernels_wasm import is_float32, lib, wasm
from tinytorch.optimizers import Optimizer
from tinytorch.tensor import Tensor


def _each(optimizer: Optimizer, step: Any) -> None:
    """Run `step` on each parameter that has a gradient; where it declines, the optimizer's own."""
    for group in optimizer.param_groups:
        for p in group["params"]:
            if p.grad is None:
                continue
            state = optimizer.state.setdefault(p, {})
            if not (is_float32(p.data, p.grad.data) and step(p, state, group)):
                optimizer.update(p, p.grad.data, state, group)
            p.version += 1


def _sgd(p: Tensor, state: dict[str, Any], group: dict[str, Any]) -> bool:
    assert p.grad is not None
    lr, decay, momentum = group["lr"], group["weight_decay"], group["momentum"]
    if not momentum:
        return bool(lib.sgd_step(p.data, p.grad.data, lr, decay))
    velocity = state.get("velocity")
    started = velocity is not None
    if velocity is None:
        velocity = np.empty_like(p.data)
    done = lib.sgd_momentum_step(
        *(p.data, p.grad.data, velocity, lr, decay, momentum, group["dampening"]),
        *(int(group["nesterov"]), int(started)),
    )
    if done:
        state["velocity"] = velocity
    return bool(done)


def _adam(p: Tensor, state: dict[str, Any], group: dict[str, Any], decoupled: bool) -> bool:
    assert p.grad is not None
    mean, square = state.get("mean"), state.get("square")
    if mean is None or square is None:
        mean, square = np.zeros_like(p.data), np.zeros_like(p.data)
    step, (beta1, beta2), lr = state.get("step", 0) + 1, group["betas"], group["lr"]
    decay = group["weight_decay"] * (lr if decoupled else 1)
    corrected = lr / (1 - beta1**step), 1 / math.sqrt(1 - beta2**step)
    done = lib.adam_step(
        *(p.data, p.grad.data, mean, square, corrected[0], decay, int(decoupled)),
        *(beta1, beta2, group["eps"], corrected[1]),
    )
    if done:
        state.update(step=step, mean=mean, square=square)
    return bool(done)


@wasm.implements("SGD.step")
def sgd_step(optimizer: Optimizer) -> None:
    """A step of SGD."""
    _each(optimizer, _sgd)


@wasm.implements("Adam.step")
def adam_step(optimizer: Optimizer) -> None:
    """A step of Adam."""
    _each(optimizer, lambda p, state, group: _adam(p, state, group, decoupled=False))


@wasm.implements("AdamW.step")
def adamw_step(optimizer: Optimizer) -> None:
    """A step of AdamW, whose decay goes to the parameters themselves."""
    _each(optimizer, lambda p, state, group: _adam(p, state, group, decoupled=True))
