"""Fast optimizer steps (chapter 16, given): all parameters of a group in one buffer.

A network has many small parameters, and every one costs a dozen array operations on its own. Here
the gradients are laid into one flat buffer, the optimizer's memory (`state`) consists of views of
others, and the update runs over blocks that fit the cache. The parameters' own arrays stay where
they are: others may hold them.
"""

from __future__ import annotations

import math
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from tinytorch.kernels_sets import fast
from tinytorch.optimizers import Optimizer
from tinytorch.tensor import Tensor

BLOCK = 1 << 15  # elements that go through all steps of an update together


class Flat:
    """The gradients of some parameters, and what an optimizer keeps of them, in flat buffers.

    names: the arrays kept of each parameter. Values that `state` has already are taken over;
    from then on `state` holds views of the buffers.
    """

    def __init__(
        self, parameters: list[Tensor], states: list[dict[str, Any]], names: tuple[str, ...]
    ) -> None:
        self.parameters, self.names = parameters, names
        total, dtype = sum(p.data.size for p in parameters), parameters[0].data.dtype
        self.grad = np.empty(total, dtype)
        self.kept = {name: np.zeros(total, dtype) for name in names}
        self.grads = self._views(self.grad)
        self.views = {name: self._views(buffer) for name, buffer in self.kept.items()}
        for name, views in self.views.items():
            for state, view in zip(states, views, strict=True):
                view[...] = state.get(name, 0)
                state[name] = view

    def _views(self, buffer: np.ndarray) -> list[np.ndarray]:
        views, start = [], 0
        for p in self.parameters:
            views.append(buffer[start : start + p.data.size].reshape(p.data.shape))
            start += p.data.size
        return views

    def holds(self, parameters: list[Tensor], states: list[dict[str, Any]]) -> bool:
        """Whether these are the parameters, and nobody replaced what `state` holds of them."""
        same = len(parameters) == len(self.parameters) and all(
            map(_is, parameters, self.parameters)
        )
        return same and all(
            state.get(name) is view
            for name in self.names
            for state, view in zip(states, self.views[name], strict=True)
        )

    def gather(self) -> None:
        """Copy the gradients into the buffer."""
        for p, view in zip(self.parameters, self.grads, strict=True):
            assert p.grad is not None
            view[...] = p.grad.data

    def subtract(self) -> None:
        """Take the buffer, which holds the steps by now, from the parameters."""
        for p, view in zip(self.parameters, self.grads, strict=True):
            p.data -= view
            p.version += 1


def _is(a: object, b: object) -> bool:
    return a is b


_flats: WeakKeyDictionary[Optimizer, dict[int, Flat]] = WeakKeyDictionary()


def _flat(
    optimizer: Optimizer, number: int, parameters: list[Tensor], names: tuple[str, ...]
) -> Flat:
    """The buffers of group `number`, made anew when the group or its state has changed."""
    flats = _flats.setdefault(optimizer, {})
    states = [optimizer.state.setdefault(p, {}) for p in parameters]
    if number not in flats or not flats[number].holds(parameters, states):
        flats[number] = Flat(parameters, states, names)
    return flats[number]


def _one_by_one(optimizer: Optimizer, parameters: list[Tensor], group: dict[str, Any]) -> None:
    for p in parameters:
        assert p.grad is not None
        optimizer.update(p, p.grad.data, optimizer.state.setdefault(p, {}), group)
        p.version += 1


@fast.implements("SGD.step")
def sgd_step(optimizer: Optimizer) -> None:
    """A step of SGD; without momentum, and at the first step, each parameter by itself."""
    for number, group in enumerate(optimizer.param_groups):
        parameters = [p for p in group["params"] if p.grad is not None]
        started = all("velocity" in optimizer.state.get(p, {}) for p in parameters)
        alike = len({p.data.dtype for p in parameters}) == 1
        if not (parameters and group["momentum"] and started and alike):
            _one_by_one(optimizer, parameters, group)
            continue
        flat = _flat(optimizer, number, parameters, ("velocity",))
        flat.gather()
        _add_decay(flat, group["weight_decay"])
        momentum, dampening, lr = group["momentum"], group["dampening"], group["lr"]
        for block in _blocks(flat.grad.size):
            g, v = flat.grad[block], flat.kept["velocity"][block]
            v *= momentum
            v += g if dampening == 0 else (1 - dampening) * g
            if group["nesterov"]:
                g += momentum * v
                g *= lr
            else:
                np.multiply(v, lr, out=g)
        flat.subtract()


@fast.implements("Adam.step")
@fast.implements("AdamW.step")
def adam_step(optimizer: Optimizer) -> None:
    """A step of Adam, or of AdamW, whose decay goes to the parameters themselves."""
    decoupled = type(optimizer).__name__ == "AdamW"
    for number, group in enumerate(optimizer.param_groups):
        parameters = [p for p in group["params"] if p.grad is not None]
        steps = {optimizer.state.get(p, {}).get("step", 0) for p in parameters}
        alike = len({p.data.dtype for p in parameters}) == 1
        if len(steps) != 1 or not alike:
            _one_by_one(optimizer, parameters, group)
            continue
        flat = _flat(optimizer, number, parameters, ("mean", "square"))
        flat.gather()
        if decoupled:
            for p in parameters:
                p.data *= 1 - group["lr"] * group["weight_decay"]
        else:
            _add_decay(flat, group["weight_decay"])
        step = steps.pop() + 1
        for p in parameters:
            optimizer.state[p]["step"] = step
        _adam(flat, step, group["lr"], group["betas"], group["eps"])
        flat.subtract()


def _adam(flat: Flat, step: int, lr: float, betas: tuple[float, float], eps: float) -> None:
    """Turn gradients into steps lr * m / (sqrt(v) + eps), block by block."""
    beta1, beta2 = betas
    step_size, scale = lr / (1 - beta1**step), 1 / math.sqrt(1 - beta2**step)
    scratch = np.empty(BLOCK, flat.grad.dtype)
    for block in _blocks(flat.grad.size):
        g, m, v = flat.grad[block], flat.kept["mean"][block], flat.kept["square"][block]
        t = scratch[: len(g)]
        m *= beta1
        m += np.multiply(g, 1 - beta1, out=t)
        v *= beta2
        np.multiply(g, g, out=t)
        t *= 1 - beta2
        v += t
        np.sqrt(v, out=t)
        t *= scale
        t += eps
        np.divide(m, t, out=g)
        g *= step_size


def _add_decay(flat: Flat, weight_decay: float) -> None:
    """Weight decay as part of the gradient."""
    if weight_decay:
        for p, view in zip(flat.parameters, flat.grads, strict=True):
            view += weight_decay * p.data


def _blocks(size: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, size, BLOCK)]
