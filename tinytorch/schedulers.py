"""Chapter 06, given: learning rates that change during training.

`step()` is called once after each epoch (or batch, as the schedule counts). The rate is computed
from the count alone, so a schedule can be continued anywhere. PyTorch: torch/optim/lr_scheduler.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from tinytorch.optimizers import Optimizer


class LRScheduler:
    """Sets `lr` of every parameter group; subclasses say to what.

    `last_epoch` counts the steps taken; the rates that the groups start with are in `base_lrs`.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs: list[float] = [g["initial_lr"] for g in optimizer.param_groups]
        self.last_epoch = last_epoch
        self.step()

    def rate(self, base: float, group: int) -> float:
        """The learning rate after `last_epoch` steps of a group that started with `base`."""
        raise NotImplementedError(f"{type(self).__name__} has no rate")

    def step(self) -> None:
        """Count one step and set the rates."""
        self.last_epoch += 1
        self._set_rates()

    def _set_rates(self) -> None:
        for i, group in enumerate(self.optimizer.param_groups):
            group["lr"] = self.rate(self.base_lrs[i], i)

    def get_last_lr(self) -> list[float]:
        """The rates set last, one for each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """What is needed to continue."""
        return {"last_epoch": self.last_epoch, "base_lrs": self.base_lrs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a `state_dict`."""
        self.last_epoch, self.base_lrs = state["last_epoch"], list(state["base_lrs"])
        self._set_rates()


class StepLR(LRScheduler):
    """The rate times `gamma` every `step_size` steps."""

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        if step_size < 1:
            raise ValueError(f"StepLR: step_size must be at least 1, got {step_size}")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, group: int) -> float:
        return base * self.gamma ** (self.last_epoch // self.step_size)


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the start rate to `eta_min` in `T_max` steps."""

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if T_max < 1:
            raise ValueError(f"CosineAnnealingLR: T_max must be at least 1, got {T_max}")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, group: int) -> float:
        share = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return self.eta_min + (base - self.eta_min) * share


class LambdaLR(LRScheduler):
    """The start rate times a function of the count; a list gives each group its own."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        groups = len(optimizer.param_groups)
        self.functions = [lr_lambda] * groups if callable(lr_lambda) else list(lr_lambda)
        if len(self.functions) != groups:
            raise ValueError(f"LambdaLR: {len(self.functions)} functions for {groups} groups")
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, group: int) -> float:
        return base * self.functions[group](self.last_epoch)


class OneCycleLR(LRScheduler):
    """Up to `max_lr` in the first `pct_start` of `total_steps`, then down to almost nothing.

    Momentum (or Adam's first beta) goes the other way (Smith and Topin 2018). One step a batch.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR: give total_steps, or epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        if total_steps < 1 or not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: total_steps {total_steps}, pct_start {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy 'cos' or 'linear': {anneal_strategy!r}")
        groups = len(optimizer.param_groups)
        self.peaks = [max_lr] * groups if isinstance(max_lr, (int, float)) else list(max_lr)
        self.total_steps, self.pct_start = total_steps, pct_start
        self.anneal_strategy, self.cycle_momentum = anneal_strategy, cycle_momentum
        self.base_momentum, self.max_momentum = base_momentum, max_momentum
        self.div_factor, self.final_div_factor = div_factor, final_div_factor
        super().__init__(optimizer, last_epoch)

    def between(self, start: float, peak: float, end: float) -> float:
        """From `start` to `peak` to `end`, by the count."""
        turn = self.pct_start * self.total_steps - 1
        if self.last_epoch <= turn and turn > 0:
            low, high, share = start, peak, self.last_epoch / turn
        else:
            low, high = peak, end
            share = (self.last_epoch - turn) / (self.total_steps - 1 - turn)
        if self.anneal_strategy == "linear":
            return low + (high - low) * share
        return high + (low - high) / 2 * (1 + math.cos(math.pi * share))

    def rate(self, base: float, group: int) -> float:
        peak = self.peaks[group]
        start = peak / self.div_factor
        return self.between(start, peak, start / self.final_div_factor)

    def step(self) -> None:
        if self.last_epoch + 1 >= self.total_steps + 1:
            raise ValueError(f"OneCycleLR: all {self.total_steps} steps were taken already")
        super().step()

    def _set_rates(self) -> None:
        super()._set_rates()
        if not self.cycle_momentum:
            return
        momentum = self.between(self.max_momentum, self.base_momentum, self.max_momentum)
        for group in self.optimizer.param_groups:
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            elif "momentum" in group:
                group["momentum"] = momentum
