"""MNIST with little data: where the multilayer perceptron stops, and what convolution adds.

    python -m milestones.mnist

Both networks get the same images, epochs, optimizer and `fit`, and the convolutional one has no
more parameters. At least 85 % and 95 % of the 10,000 test images are wanted. Then the perceptron
runs through the images one by one and in batches, which must be 20 times as fast.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import tinytorch as torch
from milestones.common import Run, data_folder, describe, gate, start
from tinytorch import nn
from tinytorch.data import DataLoader, Subset
from tinytorch.datasets import MNIST
from tinytorch.metrics import accuracy
from tinytorch.training import Checkpoint, evaluate, fit
from tinytorch.transforms import Compose, Normalize, ToTensor

LEVEL = 10
GATES = {"perceptron": 0.85, "convolution": 0.95}
SPEEDUP = 20


def networks() -> dict[str, nn.Module]:
    """The two models: images (N, 1, 28, 28) -> scores (N, 10)."""
    return {
        "perceptron": nn.Sequential(
            nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)
        ),
        "convolution": nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(1568, 28), nn.ReLU(), nn.Linear(28, 10),
        ),
    }  # fmt: skip


def images_per_second(model: nn.Module, images: torch.Tensor, size: int) -> float:
    """How many images a second the model trains on, in batches of `size`."""
    labels = torch.zeros(len(images), dtype=torch.int64)
    began = time.perf_counter()
    for first in range(0, len(images), size):
        rows = slice(first, first + size)
        model.zero_grad()
        nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
    return len(images) / (time.perf_counter() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description="Perceptron against convolution on MNIST.")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("build/milestones/mnist"))
    parser.add_argument("--restart", action="store_true", help="do not go on from a checkpoint")
    options = parser.parse_args()
    describe()
    root = data_folder("mnist")
    if root is None:
        return 1
    transform = Compose([ToTensor(), Normalize([0.1307], [0.3081])])
    train = Subset(MNIST(root, train=True, transform=transform), range(options.images))
    test = DataLoader(MNIST(root, train=False, transform=transform), batch_size=500)

    torch.manual_seed(options.seed)
    settings = {"images": options.images, "epochs": options.epochs, "seed": options.seed}
    models, reached = networks(), {}
    for name, model in models.items():
        count = sum(p.numel() for p in model.parameters())
        print(f"{name}: {count:,} parameters", flush=True)
        optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        with Run(options.folder / name, settings, options.restart) as run:
            checkpoint = Checkpoint(run.checkpoint, model, optimizer)
            batches = DataLoader(train, batch_size=50, shuffle=True)
            loss = nn.CrossEntropyLoss()
            fit(model, batches, loss, optimizer, options.epochs, checkpoint=checkpoint)
        reached[name] = evaluate(model, test, metrics={"accuracy": accuracy})["accuracy"]
        print(f"{name}: {reached[name]:.2%} of the test images, {run.clock()}", flush=True)

    images = next(iter(DataLoader(train, batch_size=min(1000, options.images))))[0]
    single, batched = (
        max(images_per_second(models["perceptron"], images[:500], size) for _ in range(3))
        for size in (1, 250)
    )
    speedup = batched / single
    print(f"perceptron: {single:,.0f} images/s one by one, {batched:,.0f} in batches of 250")
    smaller = [sum(p.numel() for p in m.parameters()) for m in models.values()]
    passed = all(reached[name] >= least for name, least in GATES.items())
    return gate(
        "mnist",
        passed and speedup >= SPEEDUP and smaller[1] <= smaller[0],
        ", ".join(f"{name} {reached[name]:.2%} of {GATES[name]:.0%}" for name in GATES)
        + f", batches {speedup:.0f} times as fast of {SPEEDUP}",
    )


if __name__ == "__main__":
    start(main)
