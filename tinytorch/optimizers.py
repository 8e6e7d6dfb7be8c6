"""Chapter 06: optimizers, which turn gradients into better weights.

An optimizer changes the parameters' arrays in place and is never recorded. Update rules are
functions of arrays, one parameter at a time. An entry "Adam.step" in `implementations` takes the
optimizer and does the whole step in its place; it keeps its memory in `state` as well. What is
called velocity, mean and square there is PyTorch's momentum_buffer, exp_avg and exp_avg_sq.

PyTorch: torch/optim/optimizer.py, sgd.py, adam.py, adamw.py, rmsprop.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinytorch.tensor import Array, Tensor, implementations

Parameters = Iterable[Tensor] | Iterable[dict[str, Any]]


def sgd(
    parameter: Array,
    grad: Array,
    state: dict[str, Any],
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
) -> None:
    """Gradient descent: p -= lr * g, with a velocity v = momentum * v + g in place of g.

    Nesterov's form looks ahead: it steps by g + momentum * v (Sutskever et al. 2013).
    """
    if weight_decay:
        grad = grad + weight_decay * parameter
    if momentum:
        if "velocity" in state:
            velocity = state["velocity"]
            velocity *= momentum
            velocity += (1 - dampening) * grad
        else:
            velocity = state["velocity"] = grad.copy()
        grad = grad + momentum * velocity if nesterov else velocity
    parameter -= lr * grad


def adam(
    parameter: Array,
    grad: Array,
    state: dict[str, Any],
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> None:
    """p -= lr * m / (sqrt(v) + eps), m and v running means of g and g^2 (Kingma and Ba 2015).

    Both start at 0, which is corrected by 1 - beta^step. Weight decay is added to the gradient.
    """
    if weight_decay:
        grad = grad + weight_decay * parameter
    if "step" not in state:
        state.update(step=0, mean=np.zeros_like(parameter), square=np.zeros_like(parameter))
    state["step"] += 1
    beta1, beta2 = betas
    mean, square = state["mean"], state["square"]
    mean *= beta1
    mean += (1 - beta1) * grad
    square *= beta2
    square += (1 - beta2) * (grad * grad)
    step_size = lr / (1 - beta1 ** state["step"])
    scale = np.sqrt(square / (1 - beta2 ** state["step"])) + eps
    parameter -= step_size * (mean / scale)


def adamw(
    parameter: Array,
    grad: Array,
    state: dict[str, Any],
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> None:
    """Adam with decay of the weights themselves: p *= 1 - lr * weight_decay first.

    The decay is then the same for weights with large and small gradients (Loshchilov and
    Hutter 2019).
    """
    parameter *= 1 - lr * weight_decay
    adam(parameter, grad, state, lr, betas, eps)


def rmsprop(
    parameter: Array,
    grad: Array,
    state: dict[str, Any],
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
) -> None:
    """p -= lr * g / (sqrt(v) + eps), v a running mean of g^2 (Tieleman and Hinton 2012)."""
    if weight_decay:
        grad = grad + weight_decay * parameter
    if "square" not in state:
        state["square"] = np.zeros_like(parameter)
    square = state["square"]
    square *= alpha
    square += (1 - alpha) * (grad * grad)
    update = grad / (np.sqrt(square) + eps)
    if momentum:
        velocity = state.setdefault("velocity", np.zeros_like(parameter))
        velocity *= momentum
        velocity += update
        update = velocity
    parameter -= lr * update


class Optimizer:
    """Groups of parameters, each with its settings, and what the update rule remembers of each.

    `params` are parameters, or dictionaries {"params": [...], "lr": ...} with settings of their
    own. `state` maps a parameter to its dictionary. `rule` is the update rule, a function such as
    `sgd`, whose settings are the optimizer's.
    """

    rule: Callable[..., None]

    def __init__(self, params: Parameters, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: dict[Tensor, dict[str, Any]] = {}
        self.param_groups: list[dict[str, Any]] = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError(f"{type(self).__name__}: got no parameters; model.parameters()?")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Train more parameters, with settings that may differ from the others'."""
        params = group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        known = {id(p) for other in self.param_groups for p in other["params"]}
        for p in params:
            if not isinstance(p, Tensor) or not p.is_leaf:
                raise TypeError(f"{type(self).__name__}: parameters are leaf tensors, got {p!r}")
            if id(p) in known:
                raise ValueError(f"{type(self).__name__}: a parameter is given twice")
            known.add(id(p))
        unknown = set(group) - set(self.defaults) - {"params", "name"}
        if unknown:
            raise ValueError(f"{type(self).__name__}: has no setting {sorted(unknown)}")
        self.param_groups.append({**self.defaults, **group, "params": params})

    def update(self, p: Tensor, grad: Array, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change `p.data` in place, by the rule."""
        self.rule(p.data, grad, state, **{name: group[name] for name in self.defaults})

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update every parameter that has a gradient."""
        loss = closure() if closure is not None else None
        whole = implementations.get(f"{type(self).__name__}.step")
        if whole is not None:
            whole(self)
            return loss
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, p.grad.data, self.state.setdefault(p, {}), group)
                    p.version += 1
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, so that the next backward starts from nothing."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    def state_dict(self) -> dict[str, Any]:
        """{"state": {number: {...}}, "param_groups": [...]}, the parameters as numbers."""
        numbers: dict[int, int] = {}
        for group in self.param_groups:
            for p in group["params"]:
                numbers[id(p)] = len(numbers)
        groups = [
            {**group, "params": [numbers[id(p)] for p in group["params"]]}
            for group in self.param_groups
        ]
        state = {
            numbers[id(p)]: {
                name: Tensor(value) if isinstance(value, np.ndarray) else value
                for name, value in values.items()
            }
            for p, values in self.state.items()
        }
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a `state_dict`; the groups must have as many parameters as here."""
        saved = state_dict["param_groups"]
        sizes = [len(group["params"]) for group in saved]
        own = [len(group["params"]) for group in self.param_groups]
        if sizes != own:
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: groups of {sizes} parameters for {own}"
            )
        parameters: dict[int, Tensor] = {}
        for group, mine in zip(saved, self.param_groups, strict=True):
            parameters.update(zip(group["params"], mine["params"], strict=True))
            mine.update({name: value for name, value in group.items() if name != "params"})
        self.state = {
            parameters[int(number)]: {
                name: value.data.copy() if isinstance(value, Tensor) else value
                for name, value in values.items()
            }
            for number, values in state_dict["state"].items()
        }

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={self.param_groups[0][name]}" for name in self.defaults)
        return f"{type(self).__name__}({settings})"


def check_range(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Raise ValueError unless low <= value < high."""
    if not low <= value < high:
        raise ValueError(f"{name} must be at least {low} and below {high}, got {value}")


class SGD(Optimizer):
    """Stochastic gradient descent: see `sgd`."""

    rule = staticmethod(sgd)

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        check_range("SGD: lr", lr, 0)
        check_range("SGD: momentum", momentum, 0)
        check_range("SGD: weight_decay", weight_decay, 0)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("SGD: nesterov needs momentum and no dampening")
        settings = {"lr": lr, "momentum": momentum, "dampening": dampening}
        super().__init__(params, {**settings, "weight_decay": weight_decay, "nesterov": nesterov})


class Adam(Optimizer):
    """Adam: see `adam`."""

    rule = staticmethod(adam)

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        name = type(self).__name__
        check_range(f"{name}: lr", lr, 0)
        check_range(f"{name}: eps", eps, 0)
        check_range(f"{name}: weight_decay", weight_decay, 0)
        for i, beta in enumerate(betas):
            check_range(f"{name}: betas[{i}]", beta, 0, 1)
        settings = {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, settings)


class AdamW(Adam):
    """AdamW: see `adamw`."""

    rule = staticmethod(adamw)

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)


class RMSprop(Optimizer):
    """RMSprop: see `rmsprop`."""

    rule = staticmethod(rmsprop)

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
    ) -> None:
        check_range("RMSprop: lr", lr, 0)
        check_range("RMSprop: alpha", alpha, 0, 1)
        check_range("RMSprop: eps", eps, 0)
        check_range("RMSprop: weight_decay", weight_decay, 0)
        check_range("RMSprop: momentum", momentum, 0)
        settings = {"lr": lr, "alpha": alpha, "eps": eps}
        super().__init__(params, {**settings, "weight_decay": weight_decay, "momentum": momentum})
