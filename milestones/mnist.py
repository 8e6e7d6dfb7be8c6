"""MNIST with little data: where the multilayer perceptron stops, and what convolution adds.

    tito milestone mnist, or python -m milestones mnist

Both networks get the same images, epochs, optimizer and `fit`, and the convolutional one has no
more parameters. At least 85 % and 95 % of the 10,000 test images are wanted. Then the perceptron
runs through the images one by one and in batches, which must be 20 times as fast.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import tinytorch as torch
from milestones.common import UNUSABLE, Run, data_folder, describe, gate, settings, start
from milestones.functions import choose
from milestones.live import Live
from tinytorch import nn
from tinytorch.data import DataLoader, Subset
from tinytorch.datasets import MNIST
from tinytorch.metrics import accuracy
from tinytorch.training import Checkpoint, evaluate, fit, train_step
from tinytorch.transforms import Compose, Normalize, ToTensor

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
    parser = settings("mnist", "Perceptron against convolution on MNIST.")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    describe(options.folder)
    root = data_folder("mnist")
    if root is None:
        return UNUSABLE
    transform = Compose([ToTensor(), Normalize([0.1307], [0.3081])])
    train = Subset(MNIST(root, train=True, transform=transform), range(options.images))
    test = DataLoader(MNIST(root, train=False, transform=transform), batch_size=500)

    batches = DataLoader(train, batch_size=50, shuffle=True)
    criterion = nn.CrossEntropyLoss()

    def trial() -> Callable[[], None]:
        """A step of both networks."""
        batch, both = next(iter(batches)), networks().values()
        pairs = [(model, torch.optim.Adam(model.parameters())) for model in both]

        def step() -> None:
            for model, optimizer in pairs:
                train_step(model, [batch], criterion, optimizer)

        return step

    choose(options.functions, options.folder, trial, options.epochs * len(batches))
    torch.manual_seed(options.seed)
    chosen = {"images": options.images, "epochs": options.epochs, "seed": options.seed}
    models, reached = networks(), {}
    for name, model in models.items():
        count = sum(p.numel() for p in model.parameters())
        print(f"{name}: {count:,} parameters", flush=True)
        optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
        with Run(options.folder / name, chosen, options.restart) as run:
            checkpoint = Checkpoint(run.checkpoint, model, optimizer)
            live = Live(criterion, run, f"MNIST, {name}", len(batches), options.epochs)
            fit(
                model,
                batches,
                live,
                optimizer,
                options.epochs,
                checkpoint=checkpoint,
                progress=False,
            )
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
        options.folder,
    )


if __name__ == "__main__":
    start(main)
