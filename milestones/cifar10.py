"""CIFAR-10 with the convolutional network of chapter 09: at least 80 % of the test images.

    tito milestone cifar10, or python -m milestones cifar10

Three blocks of convolution, batch normalization, pooling and ReLU, and one linear layer: 113,962
parameters. SGD with Nesterov momentum, label smoothing, and a learning rate that rises for a
quarter of the training and then falls to nothing. Images are flipped and shifted at random. The
test images are looked at after training, once.
"""

from __future__ import annotations

from collections.abc import Callable

import tinytorch as torch
from milestones.common import UNUSABLE, Run, data_folder, describe, gate, settings, start
from milestones.functions import choose
from milestones.live import Live
from tinytorch import nn
from tinytorch.data import DataLoader, Subset
from tinytorch.datasets import CIFAR10
from tinytorch.metrics import accuracy
from tinytorch.training import Checkpoint, evaluate, fit, train_step
from tinytorch.transforms import (
    Compose,
    Normalize,
    RandomCrop,
    RandomHorizontalFlip,
    ToTensor,
    Transform,
)

GATE = 0.80
MINUTES = 15
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def network() -> nn.Sequential:
    """The model: images (N, 3, 32, 32) -> scores (N, 10)."""

    def block(inputs: int, outputs: int) -> list[nn.Module]:
        # ReLU after the pooling gives the same numbers as before it, for a quarter of the work.
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.MaxPool2d(2), nn.ReLU()]

    return nn.Sequential(
        *block(3, 32), *block(32, 64), *block(64, 128), nn.Flatten(), nn.Linear(2048, 10)
    )


def optimizer_for(model: nn.Module) -> torch.optim.SGD:
    """Weight decay for weights, none for biases and for scales of the normalization."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": 5e-4}, {"params": others}]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True)


def main() -> int:
    parser = settings("cifar10", "Train a small CNN on CIFAR-10.")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--images", type=int, default=50_000, help="train on the first so many")
    options = parser.parse_args()
    describe(options.folder)
    root = data_folder("cifar10")
    if root is None:
        return UNUSABLE

    normalize: list[Transform] = [ToTensor(), Normalize(MEAN, STD)]
    augment: list[Transform] = [RandomCrop(32, padding=2), RandomHorizontalFlip(), *normalize]
    train = CIFAR10(root, train=True, transform=Compose(augment))
    test = CIFAR10(root, train=False, transform=Compose(normalize))
    train_batches = DataLoader(
        Subset(train, range(options.images)), batch_size=128, shuffle=True, drop_last=True
    )
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    steps = options.epochs * len(train_batches)

    def trial() -> Callable[[], float]:
        batch, model = next(iter(train_batches)), network()
        optimizer = optimizer_for(model)
        return lambda: train_step(model, [batch], criterion, optimizer)

    choose(options.functions, options.folder, trial, steps)
    torch.manual_seed(options.seed)
    model = network()
    optimizer = optimizer_for(model)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=0.1,
        total_steps=steps,
        pct_start=0.25,
        anneal_strategy="linear",
        cycle_momentum=False,
    )
    chosen = {"epochs": options.epochs, "seed": options.seed, "images": options.images}
    with Run(options.folder, chosen, options.restart) as run:
        live = Live(criterion, run, "CIFAR-10", len(train_batches), options.epochs)
        fit(
            model,
            train_batches,
            live,
            optimizer,
            options.epochs,
            scheduler=schedule,
            schedule="step",
            checkpoint=Checkpoint(run.checkpoint, model, optimizer, schedule),
            progress=False,
        )
    measured = evaluate(model, DataLoader(test, batch_size=500), metrics={"accuracy": accuracy})
    torch.save(model.state_dict(), options.folder / "model.safetensors")
    print(f"trained in {run.clock()} (meant to take at most {MINUTES} minutes on 2 cores)")
    reached = measured["accuracy"]
    return gate(
        "cifar10",
        reached >= GATE,
        f"{reached:.2%} of {len(test):,} test images right, at least {GATE:.0%} wanted",
        options.folder,
    )


if __name__ == "__main__":
    start(main)
