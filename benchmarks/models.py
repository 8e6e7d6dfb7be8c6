"""The measured programs. Each is written once, for whichever framework is passed as `torch`.

`python -m benchmarks` gives them PyTorch and TinyTorch, so both run the same lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

Step = Callable[[], float]


@dataclass(frozen=True)
class Program:
    """A training step to measure: what it is, how it is built, and how slow it may be."""

    title: str
    build: Callable[[ModuleType, str], Step]
    limit: float  # TinyTorch's CPU seconds for one of PyTorch's
    images: bool = True  # whether PyTorch's channels_last layout makes sense


def same_weights(torch: ModuleType, model: Any) -> None:
    """Start all frameworks from the same weights: uniform matrices, biases 0, scales 1."""
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            shape = tuple(parameter.shape)
            if name.endswith("bias"):
                parameter.copy_(torch.zeros(shape))
            elif len(shape) > 1:
                bound = 1 / np.sqrt(np.prod(shape[1:]))
                values = rng.uniform(-bound, bound, shape).astype(np.float32)
                parameter.copy_(torch.tensor(values))


def prepared(torch: ModuleType, model: Any, images: Any, layout: str) -> Any:
    """The images in the layout to measure, and the model converted to it."""
    if layout == "channels_last":
        model.to(memory_format=torch.channels_last)
        return images.contiguous(memory_format=torch.channels_last)
    return images


def random_images(torch: ModuleType, count: int) -> tuple[Any, Any]:
    """(count, 3, 32, 32) float32 and their classes, (count,) int64."""
    rng = np.random.default_rng(1)
    images = torch.tensor(rng.standard_normal((count, 3, 32, 32)).astype(np.float32))
    return images, torch.tensor(rng.integers(0, 10, count))


def cnn(torch: ModuleType, layout: str) -> Step:
    """Four 3x3 convolutions with ReLU, two max-pools, two linear layers; SGD. Batch 64."""
    nn, F = torch.nn, torch.nn.functional
    model = nn.Sequential(
        *(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(4096, 128), nn.ReLU(), nn.Linear(128, 10)),
    )
    same_weights(torch, model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    images, classes = random_images(torch, 64)
    images = prepared(torch, model, images, layout)

    def step() -> float:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), classes)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def cifar(torch: ModuleType, layout: str) -> Step:
    """Three blocks of convolution, BatchNorm, ReLU and max-pool; SGD with Nesterov. Batch 128."""
    nn, F = torch.nn, torch.nn.functional

    def block(before: int, after: int) -> list[Any]:
        convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
        return [convolution, nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]

    model = nn.Sequential(
        *block(3, 32), *block(32, 64), *block(64, 128), nn.Flatten(), nn.Linear(2048, 10)
    )
    same_weights(torch, model)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.001, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    images, classes = random_images(torch, 128)
    images = prepared(torch, model, images, layout)

    def step() -> float:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), classes, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def gpt(torch: ModuleType, layout: str) -> Step:
    """A GPT after nanoGPT: vocabulary 65, context 128, width 128, 4 heads, 4 layers. Batch 32."""
    nn, F = torch.nn, torch.nn.functional
    vocabulary, context, width, heads, layers, batch = 65, 128, 128, 4, 4, 32

    class Block(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            b, t, d = x.shape
            q, k, v = (
                part.view(b, t, heads, d // heads).transpose(1, 2)
                for part in self.qkv(self.norm1(x)).split(d, dim=2)
            )
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(b, t, d))
            return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))

    class GPT(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.tokens = nn.Embedding(vocabulary, width)
            self.positions = nn.Embedding(context, width)
            self.blocks = nn.Sequential(*[Block() for _ in range(layers)])
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, vocabulary, bias=False)

        def forward(self, x: Any) -> Any:
            hidden = self.tokens(x) + self.positions(torch.arange(x.shape[1]))
            return self.head(self.norm(self.blocks(hidden)))

    model = GPT()
    same_weights(torch, model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    rng = np.random.default_rng(1)
    x = torch.tensor(rng.integers(0, vocabulary, (batch, context)))
    y = torch.tensor(rng.integers(0, vocabulary, (batch, context)))

    def step() -> float:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x).view(-1, vocabulary), y.view(-1))
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


PROGRAMS = {
    "cnn": Program("CNN, 4 convolutions, 24.4 M MAC an image, batch 64", cnn, 1.6),
    "gpt": Program("GPT, 0.83 M parameters, batch 32 x 128", gpt, 1.3, images=False),
    "cifar": Program("CIFAR-10 network, BatchNorm, 0.11 M parameters, batch 128", cifar, 1.8),
}
