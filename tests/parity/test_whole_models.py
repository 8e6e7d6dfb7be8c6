"""A whole CNN and a whole GPT with PyTorch's weights copied: loss and every gradient agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinytorch
from tinytorch.transformers import GPT, GPTConfig

pytorch = pytest.importorskip("torch")


@pytest.fixture(autouse=True, params=["plain", "fast"])
def kernels(request: pytest.FixtureRequest) -> Iterator[str]:
    before = tinytorch.use_kernels(request.param)
    yield request.param
    tinytorch.use_kernels(before)


def copy_weights(ours: Any, theirs: Any) -> None:
    state = {name: tinytorch.tensor(value.numpy()) for name, value in theirs.state_dict().items()}
    ours.load_state_dict(state)


def assert_same_gradients(ours: Any, theirs: dict[str, Any]) -> None:
    names = [name for name, _ in ours.named_parameters()]
    assert sorted(names) == sorted(theirs)
    for name, parameter in ours.named_parameters():
        a, b = parameter.grad.numpy(), theirs[name].grad.numpy()
        scale = np.abs(b).max()
        assert scale > 0, name
        np.testing.assert_allclose(a / scale, b / scale, atol=5e-5, err_msg=name)


def cnn(nn: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 12, 3, stride=2, groups=4),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 6, 3, padding=2, dilation=2, bias=False),
        nn.BatchNorm2d(6),
        nn.GELU(),
        nn.AvgPool2d(2, stride=1),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(24, 5, bias=False),
        nn.BatchNorm1d(5),
    )


def test_cnn_loss_gradients_and_statistics() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 3, 15, 17)).astype(np.float32)
    y = rng.integers(0, 5, 6)
    pytorch.manual_seed(0)
    theirs, ours = cnn(pytorch.nn), cnn(tinytorch.nn)
    assert repr(ours) == repr(theirs)
    copy_weights(ours, theirs)
    for _ in range(2):
        losses = []
        for lib, model in ((pytorch, theirs), (tinytorch, ours)):
            model.zero_grad()
            loss = lib.nn.functional.cross_entropy(model(lib.tensor(x)), lib.tensor(y))
            loss.backward()
            losses.append(loss.item())
        assert losses[1] == pytest.approx(losses[0], abs=1e-5)
        assert_same_gradients(ours, dict(theirs.named_parameters()))
    for name, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name].numpy(), value.numpy(), atol=1e-5)
    ours.eval()
    theirs.eval()
    np.testing.assert_allclose(
        ours(tinytorch.tensor(x)).detach().numpy(),
        theirs(pytorch.tensor(x)).detach().numpy(),
        atol=1e-4,
    )


class TorchBlock(pytorch.nn.Module):
    """A GPT block with our parameter names, attention through PyTorch's own MultiheadAttention."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        nn = pytorch.nn
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x: Any) -> Any:
        n, length = self.norm1(x), x.shape[1]
        hidden = pytorch.triu(pytorch.ones(length, length, dtype=pytorch.bool), 1)
        x = x + self.attention(n, n, n, attn_mask=hidden, need_weights=False)[0]
        n = self.up(self.norm2(x))
        return x + self.down(pytorch.nn.functional.gelu(n, approximate="tanh"))


class TorchGPT(pytorch.nn.Module):
    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        nn = pytorch.nn
        self.tokens = nn.Embedding(config.vocab_size, config.dim)
        self.table = nn.Parameter(pytorch.randn(config.context, config.dim) * 0.1)
        self.blocks = nn.ModuleList(
            TorchBlock(config.dim, config.heads) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.dim)
        self.head = nn.Linear(config.dim, config.vocab_size, bias=False)
        if config.tied:
            self.head.weight = self.tokens.weight

    def forward(self, ids: Any) -> Any:
        x = self.tokens(ids) + self.table[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


OUR_NAMES = {
    "table": "positions.weight",
    "attention.in_proj_": "attention.qkv.",
    "attention.out_proj.": "attention.out.",
    ".up.": ".feed_forward.up.",
    ".down.": ".feed_forward.down.",
}


def our_name(name: str) -> str:
    for theirs, ours in OUR_NAMES.items():
        name = name.replace(theirs, ours)
    return name


@pytest.mark.parametrize("tied", [True, False])
def test_gpt_loss_and_every_gradient(tied: bool) -> None:
    config = GPTConfig(vocab_size=17, context=12, dim=16, heads=4, layers=3, tied=tied)
    pytorch.manual_seed(1)
    theirs, ours = TorchGPT(config), GPT(config)
    state = {our_name(name): tinytorch.tensor(v.numpy()) for name, v in theirs.state_dict().items()}
    ours.load_state_dict(state)
    rng = np.random.default_rng(2)
    ids, targets = rng.integers(0, 17, (2, 4, 11))
    loss = ours.loss(tinytorch.tensor(ids), tinytorch.tensor(targets))
    scores = theirs(pytorch.tensor(ids))
    expected = pytorch.nn.functional.cross_entropy(
        scores.reshape(-1, 17), pytorch.tensor(targets).reshape(-1)
    )
    loss.backward()
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
    named = {our_name(name): parameter for name, parameter in theirs.named_parameters()}
    assert_same_gradients(ours, named)
    assert ours.parameter_count() == sum(p.numel() for p in theirs.parameters())
