"""Optimizers and schedules against PyTorch, by their trajectories."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinytorch

pytorch = pytest.importorskip("torch")

OPTIMIZERS = {
    "sgd": lambda optim, p: optim.SGD(p, lr=0.1),
    "momentum": lambda optim, p: optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01),
    "dampening": lambda optim, p: optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.2),
    "nesterov": lambda optim, p: optim.SGD(
        p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01
    ),
    "adam": lambda optim, p: optim.Adam(p, lr=0.1, betas=(0.8, 0.99), weight_decay=0.1),
    "adamw": lambda optim, p: optim.AdamW(p, lr=0.1, eps=1e-6, weight_decay=0.1),
    "rmsprop": lambda optim, p: optim.RMSprop(p, lr=0.05, momentum=0.5, weight_decay=0.01),
    "groups": lambda optim, p: optim.AdamW(
        [{"params": p[:1], "lr": 0.2}, {"params": p[1:], "weight_decay": 0.0}], lr=0.1
    ),
}
SCHEDULES = {
    "none": None,
    "step": lambda s, o: s.StepLR(o, 3, gamma=0.5),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, T_max=10, eta_min=0.01),
    "one cycle": lambda s, o: s.OneCycleLR(o, max_lr=0.2, total_steps=13),
    "one cycle, linear": lambda s, o: s.OneCycleLR(
        o, max_lr=0.2, epochs=1, steps_per_epoch=13, pct_start=0.25, anneal_strategy="linear"
    ),
    "lambda": lambda s, o: s.LambdaLR(o, lambda step: 0.9**step),
}


def trajectory(lib: Any, optimizer: Any, schedule: Any) -> list[Any]:
    """Weights and learning rates of 12 steps on a function with a minimum and a slope."""
    start = np.linspace(-1, 1, 12, dtype=np.float32)
    weights = [
        lib.tensor(start.reshape(3, 4), requires_grad=True),
        lib.tensor(start[:5] * 2, requires_grad=True),
    ]
    unused = lib.tensor([1.0], requires_grad=True)  # has no gradient, so must not move
    optimizer = optimizer(lib.optim, [*weights, unused])
    scheduler = schedule and schedule(lib.optim.lr_scheduler, optimizer)
    steps = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = sum((w * w + (w * 3).sin()).sum() for w in weights)
        loss.backward()
        optimizer.step()
        if scheduler:
            scheduler.step()
        rates = [group["lr"] for group in optimizer.param_groups]
        steps.append(([w.detach().numpy().copy() for w in [*weights, unused]], rates))
    return steps


@pytest.fixture(params=["plain", "fast"])
def kernels(request: pytest.FixtureRequest) -> Any:
    before = tinytorch.use_kernels(request.param)
    yield
    tinytorch.use_kernels(before)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_trajectory(kernels, optimizer, schedule):
    choice = OPTIMIZERS[optimizer], SCHEDULES[schedule]
    expected, got = trajectory(pytorch, *choice), trajectory(tinytorch, *choice)
    for (weights, rates), (our_weights, our_rates) in zip(expected, got, strict=True):
        assert our_rates == pytest.approx(rates, rel=1e-6)
        for ours, theirs in zip(our_weights, weights, strict=True):
            np.testing.assert_allclose(ours, theirs, 2e-4, 2e-5)


@pytest.mark.parametrize("norm", [0.5, 1e4])
@pytest.mark.parametrize("kind", [2.0, 1.0, 3.0, float("inf")])
def test_clip_grad_norm(norm, kind):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s).astype(np.float32) for s in ((3, 4), (5,))]
    results = []
    for lib in (pytorch, tinytorch):
        parameters = [lib.zeros(*a.shape).requires_grad_() for a in arrays]
        for p, a in zip(parameters, arrays, strict=True):
            p.grad = lib.tensor(a)
        total = lib.nn.utils.clip_grad_norm_(parameters, norm, norm_type=kind)
        results.append([float(total), *(p.grad.numpy() for p in parameters)])
    for theirs, ours in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, 1e-5)


def test_clip_grad_value():
    p = tinytorch.zeros(3, requires_grad=True)
    p.grad = tinytorch.tensor([-5.0, 0.5, 5.0])
    tinytorch.nn.utils.clip_grad_value_([p], 1.0)
    np.testing.assert_array_equal(p.grad.numpy(), [-1, 0.5, 1])


INITIALIZERS = {
    "uniform": lambda init, w: init.uniform_(w, -0.2, 0.4),
    "normal": lambda init, w: init.normal_(w, 0.1, 0.02),
    "trunc_normal": lambda init, w: init.trunc_normal_(w, 0.0, 1.0, -1.0, 0.5),
    "xavier_uniform": lambda init, w: init.xavier_uniform_(w, gain=2.0),
    "xavier_normal": lambda init, w: init.xavier_normal_(w),
    "kaiming_uniform": lambda init, w: init.kaiming_uniform_(w, a=5**0.5),
    "kaiming_normal": lambda init, w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"),
    "zeros": lambda init, w: init.zeros_(w),
    "constant": lambda init, w: init.constant_(w, 0.3),
}


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers_have_pytorchs_spread(name):
    """The random numbers differ; mean, spread and limits must not."""
    numbers = []
    tinytorch.manual_seed(0)
    pytorch.manual_seed(0)
    for lib in (pytorch, tinytorch):
        weight = lib.zeros(90, 80, 3, 3)
        INITIALIZERS[name](lib.nn.init, weight)
        w = weight.numpy()
        numbers.append([float(n) for n in (w.mean(), w.std(), w.min(), w.max())])
    theirs, ours = numbers
    spread = theirs[1] + 1e-9
    assert ours[:2] == pytest.approx(theirs[:2], abs=0.02 * spread)
    if "normal" not in name or "trunc" in name:
        assert ours[2:] == pytest.approx(theirs[2:], abs=0.02 * spread)


def test_layers_start_as_pytorchs():
    for lib in (pytorch, tinytorch):
        layer = lib.nn.Linear(200, 300)
        bound = 200**-0.5
        for w in (layer.weight, layer.bias):
            w = w.detach().numpy()
            assert abs(w).max() <= bound
            assert w.std() == pytest.approx(bound / 3**0.5, rel=0.1)
