"""XOR, the four points that no line can divide: chapter 05 by hand, chapter 06 by training.

    tito milestone xor, or python -m milestones xor

First a network with given weights. Then training, with gradients derived by hand because autograd
is chapter 07: a linear network, which cannot, and one with a hidden layer, which must get 4 of 4
on every seed.
"""

from __future__ import annotations

import numpy as np

import tinytorch as torch
from milestones.common import describe, gate, settings, start
from milestones.live import Table
from tinytorch import nn
from tinytorch.nn import functional

POINTS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
ANSWERS = torch.tensor([[0.0], [1.0], [1.0], [0.0]])


def right(scores: torch.Tensor) -> int:
    """How many of the four are on the right side of 0."""
    return int(np.sum((scores.numpy() > 0) == (ANSWERS.numpy() > 0.5)))


def given_weights() -> torch.Tensor:
    """One unit counts the ones, the other sees two of them: count - 2 * both is XOR."""
    hidden = functional.relu(
        POINTS @ torch.tensor([[1.0, 1.0], [1.0, 1.0]]) - torch.tensor([0.0, 1.0])
    )
    return hidden @ torch.tensor([[1.0], [-2.0]]) - 0.5


def slope_at_scores(scores: torch.Tensor) -> torch.Tensor:
    """Gradient of the mean binary cross entropy: (sigmoid(score) - answer) / 4."""
    return (torch.sigmoid(scores) - ANSWERS) / len(ANSWERS)


def set_gradients(layer: nn.Linear, inputs: torch.Tensor, slope: torch.Tensor) -> None:
    """Gradients of y = x W^T + b: slope^T x for W, the sum of the slopes for b."""
    layer.weight.grad = slope.T @ inputs
    layer.bias.grad = slope.sum(0)


def train_linear(seed: int, steps: int) -> int:
    """One linear layer; the best number of right answers on the way."""
    torch.manual_seed(seed)
    layer = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5, momentum=0.9)
    best = 0
    for _ in range(steps):
        scores = layer(POINTS)
        best = max(best, right(scores))
        set_gradients(layer, POINTS, slope_at_scores(scores))
        optimizer.step()
    return best


def train_hidden(seed: int, steps: int, units: int = 8) -> list[tuple[int, float]]:
    """Linear, tanh, linear; right answers and loss before the first step and after each."""
    torch.manual_seed(seed)
    first, second = nn.Linear(2, units), nn.Linear(units, 1)
    optimizer = torch.optim.SGD([*first.parameters(), *second.parameters()], lr=0.5, momentum=0.9)
    measured = []
    for _ in range(steps):
        hidden = torch.tanh(first(POINTS))
        scores = second(hidden)
        measured.append(state_of(scores))
        slope = slope_at_scores(scores)
        set_gradients(second, hidden, slope)
        # Back through the second layer, then through tanh, whose slope is 1 - tanh^2.
        set_gradients(first, POINTS, (slope @ second.weight) * (1 - hidden * hidden))
        optimizer.step()
    return [*measured, state_of(second(torch.tanh(first(POINTS))))]


def state_of(scores: torch.Tensor) -> tuple[int, float]:
    """Right answers, and the loss."""
    return right(scores), functional.binary_cross_entropy_with_logits(scores, ANSWERS).item()


def main() -> int:
    parser = settings("xor", "Learn XOR.")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=500)
    options = parser.parse_args()
    describe(options.folder)
    by_hand = right(given_weights())
    print(f"given weights: {by_hand} of 4")
    linear = [train_linear(seed, options.steps) for seed in range(options.seeds)]
    print(f"a linear network: at best {max(linear)} of 4 on {options.seeds} seeds")
    solved, runs = 0, []
    for seed in range(options.seed, options.seed + options.seeds):
        runs.append(train_hidden(seed, options.steps))
        count, loss = runs[-1][-1]
        solved += count == 4
        print(f"a hidden layer, seed {seed}: {count} of 4, loss {loss:.4f}")
    table = Table(options.folder, f"XOR, mean of {options.seeds} seeds")
    means = np.mean(runs, axis=0)
    table.rows = [(step, loss, count / 4) for step, (count, loss) in enumerate(means.tolist())]
    table.write()
    return gate(
        "xor",
        by_hand == 4 and max(linear) < 4 and solved == options.seeds,
        f"4 of 4 on {solved} of {options.seeds} seeds, given weights {by_hand} of 4, "
        f"a linear network {max(linear)} of 4",
        options.folder,
    )


if __name__ == "__main__":
    start(main)
