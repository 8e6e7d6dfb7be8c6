"""Chapter 08: the training loop.

A batch is a pair (input, target), or (input, input, ..., target). Anything that gives batches
each time it is looped over will do: a list of pairs, later a DataLoader.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tinytorch.autograd import no_grad
from tinytorch.checkpoints import Checkpoint
from tinytorch.clipping import clip_grad_norm_
from tinytorch.diagnosis import NonFiniteLossError, first_nonfinite
from tinytorch.history import History
from tinytorch.layers import Module
from tinytorch.optimizers import Optimizer
from tinytorch.progress import Progress
from tinytorch.schedulers import LRScheduler
from tinytorch.tensor import Tensor

Batch = Any
LossFunction = Callable[..., Tensor]
Metrics = dict[str, Callable[[Any, Any], float]]


def batch_size(batch: Batch) -> int:
    """The number of samples in a batch: the first size of its target."""
    target = batch[-1]
    return len(target) if getattr(target, "ndim", 0) else 1


def compute_loss(model: Module, batch: Batch, loss_function: LossFunction) -> Tensor:
    """The loss of one batch. Raises NonFiniteLossError, saying where the trouble began."""
    *inputs, target = batch
    loss = loss_function(model(*inputs), target)
    if not math.isfinite(loss.item()):
        where = first_nonfinite(model, inputs, target, loss_function)
        raise NonFiniteLossError(
            f"the loss is {loss.item()}: {where}. A lower learning rate, clip_norm or scaled "
            "inputs may help"
        )
    return loss


def train_step(
    model: Module,
    group: list[Batch],
    loss_function: LossFunction,
    optimizer: Optimizer,
    clip_norm: float | None = None,
) -> float:
    """One update of the weights from the batches in `group`; returns their mean loss.

    The gradients of several batches add up to that of one large batch, for the memory of one:
    each loss is weighted by its share of the samples.
    """
    total = sum(batch_size(batch) for batch in group)
    mean = 0.0
    optimizer.zero_grad()
    for batch in group:
        share = batch_size(batch) / total
        loss = compute_loss(model, batch, loss_function) * share
        loss.backward()
        mean += loss.item()
    if clip_norm is not None:
        clip_grad_norm_(model.parameters(), clip_norm)
    optimizer.step()
    return mean


def evaluate(
    model: Module,
    batches: Iterable[Batch],
    loss_function: LossFunction | None = None,
    metrics: Metrics | None = None,
) -> dict[str, float]:
    """Mean loss and metrics over all samples: no gradients, and the model in `eval` mode."""
    functions = {"loss": loss_function} if loss_function else {}
    functions.update(metrics or {})  # type: ignore[arg-type]
    sums = dict.fromkeys(functions, 0.0)
    count = 0
    training = model.training
    model.eval()
    try:
        with no_grad():
            for batch in batches:
                *inputs, target = batch
                output = model(*inputs)
                for name, function in functions.items():
                    sums[name] += float(function(output, target)) * batch_size(batch)
                count += batch_size(batch)
    finally:
        model.train(training)
    if not count:
        raise ValueError("evaluate: there are no batches (an iterator that is used up?)")
    return {name: value / count for name, value in sums.items()}


class EarlyStopping:
    """Stop when `monitor` has not become better for `patience` epochs.

    mode: "min" if smaller is better, "max" if larger. min_delta: by how much it must improve.
    restore_best: at the end, put the weights of the best epoch back.
    """

    def __init__(
        self,
        patience: int = 3,
        monitor: str = "validation_loss",
        mode: str = "min",
        min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        if mode not in ("min", "max") or patience < 1:
            raise ValueError(f"EarlyStopping: mode {mode!r}, patience {patience}")
        self.patience, self.monitor, self.mode = patience, monitor, mode
        self.min_delta, self.restore_best = min_delta, restore_best
        self.best_state: dict[str, Tensor] = {}

    def best_epoch(self, history: History) -> int:
        """The epoch (from 0) that the others are measured against."""
        sign = 1 if self.mode == "min" else -1
        values = [sign * v for v in history[self.monitor]]
        best = 0
        for i, value in enumerate(values):
            if value < values[best] - self.min_delta:
                best = i
        return best

    def keep_best(self, history: History, model: Module) -> None:
        """Keep the weights of the epoch that has just ended if it is the best."""
        if self.restore_best and self.best_epoch(history) == len(history) - 1:
            self.best_state = {name: t.clone() for name, t in model.state_dict().items()}

    def should_stop(self, history: History) -> bool:
        """Whether the last `patience` epochs were all no better than the best."""
        return len(history) > 0 and len(history) - 1 - self.best_epoch(history) >= self.patience


def fit(
    model: Module,
    batches: Iterable[Batch],
    loss_function: LossFunction,
    optimizer: Optimizer,
    epochs: int,
    *,
    validation: Iterable[Batch] | None = None,
    metrics: Metrics | None = None,
    scheduler: LRScheduler | None = None,
    schedule: str = "epoch",
    accumulate: int = 1,
    clip_norm: float | None = None,
    early_stopping: EarlyStopping | None = None,
    checkpoint: Checkpoint | None = None,
    progress: bool = True,
) -> History:
    """Train for `epochs` passes over `batches` and return what was measured in each.

    validation: batches whose loss and `metrics` are measured after each epoch.
    schedule: whether `scheduler` counts each "epoch" or each "step" of the optimizer.
    accumulate: how many batches one update is computed from.
    checkpoint: saved after each epoch; if its file exists, training goes on from there.
    """
    if schedule not in ("epoch", "step") or accumulate < 1:
        raise ValueError(f"fit: schedule {schedule!r}, accumulate {accumulate}")
    history = resume(checkpoint, early_stopping)
    count = getattr(batches, "__len__", lambda: None)()
    while len(history) < epochs and not (early_stopping and early_stopping.should_stop(history)):
        line = Progress(f"epoch {len(history) + 1}/{epochs}", count, progress)
        loss = train_epoch(
            model, batches, loss_function, optimizer, line, accumulate=accumulate,
            clip_norm=clip_norm, scheduler=scheduler if schedule == "step" else None,
        )  # fmt: skip
        values = {"loss": loss}
        if validation is not None:
            measured = evaluate(model, validation, loss_function, metrics)
            values.update({f"validation_{name}": value for name, value in measured.items()})
        if scheduler is not None and schedule == "epoch":
            scheduler.step()
        history.append(values)
        line.finish(values)
        if early_stopping is not None:
            early_stopping.keep_best(history, model)
        if checkpoint is not None:
            checkpoint.save(history, early_stopping.best_state if early_stopping else None)
    if early_stopping is not None and early_stopping.best_state:
        model.load_state_dict(early_stopping.best_state)
    return history


def train_epoch(
    model: Module,
    batches: Iterable[Batch],
    loss_function: LossFunction,
    optimizer: Optimizer,
    line: Progress,
    *,
    scheduler: LRScheduler | None = None,
    accumulate: int = 1,
    clip_norm: float | None = None,
) -> float:
    """One pass over the batches; returns the mean loss over all samples."""
    model.train()
    total, count = 0.0, 0
    for group in groups_of(batches, accumulate):
        try:
            loss = train_step(model, group, loss_function, optimizer, clip_norm)
        except NonFiniteLossError as error:
            where = f"fit: {line.label}, batch {line.batches + 1}"
            raise NonFiniteLossError(f"{where}: {error}") from None
        if scheduler is not None:
            scheduler.step()
        samples = sum(batch_size(batch) for batch in group)
        total, count = total + loss * samples, count + samples
        for batch in group:
            line.update(batch_size(batch), total / count)
    if not count:
        raise ValueError("fit: there are no batches (an iterator that is used up?)")
    return total / count


def groups_of(batches: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    """Lists of `size` batches; the last one may be shorter."""
    group: list[Batch] = []
    for batch in batches:
        group.append(batch)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def resume(checkpoint: Checkpoint | None, early_stopping: EarlyStopping | None) -> History:
    """The history so far, with everything put back as it was; an empty one at the start."""
    if checkpoint is None or not checkpoint.exists():
        return History()
    history, best = checkpoint.load()
    if early_stopping is not None:
        early_stopping.best_state = best
    return history
