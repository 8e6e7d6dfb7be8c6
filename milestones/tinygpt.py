"""A GPT that learns to write Shakespeare, one character after the other.

    tito milestone tinygpt, or python -m milestones tinygpt

The last tenth of the text is held out. The gate is the loss there, in nats a character, because a
table that has learned the training text by heart passes any gate on training loss. Beside it stands
what tables of the last one and two characters reach. Without Tiny Shakespeare it is Moby-Dick, and
the gate is that table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

import tinytorch as torch
from milestones.common import UNUSABLE, Run, data_folder, describe, gate, settings, start
from milestones.functions import choose
from milestones.live import Live
from tinytorch import nn
from tinytorch.generation import generate_text
from tinytorch.tokenization import CharTokenizer
from tinytorch.training import Checkpoint, evaluate, fit, train_step
from tinytorch.transformers import GPT, GPTConfig

GATE = 1.95  # nats a character, for Tiny Shakespeare
MINUTES = 20
TEXTS = {"shakespeare": "tinyshakespeare.txt", "moby-dick": "moby-dick.txt"}


class RandomWindows:
    """`count` batches of windows (batch, length) at random places, with the ids that follow."""

    def __init__(self, ids: np.ndarray, length: int, batch: int, count: int) -> None:
        self.ids, self.length, self.batch, self.count = ids, length, batch, count

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for _ in range(self.count):
            starts = torch.randint(0, len(self.ids) - self.length, (self.batch, 1)).numpy()
            places = starts + np.arange(self.length)
            yield torch.tensor(self.ids[places]), torch.tensor(self.ids[places + 1])


class WholeText(RandomWindows):
    """The text from end to end in windows that do not overlap."""

    def __init__(self, ids: np.ndarray, length: int, batch: int) -> None:
        super().__init__(ids, length, batch, 0)
        windows = (len(ids) - 1) // length
        self.inputs = ids[: windows * length].reshape(windows, length)
        self.targets = ids[1 : windows * length + 1].reshape(windows, length)
        self.count = math.ceil(windows / batch)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for first in range(0, len(self.inputs), self.batch):
            rows = slice(first, first + self.batch)
            yield torch.tensor(self.inputs[rows]), torch.tensor(self.targets[rows])


def table_losses(train: np.ndarray, held_out: np.ndarray, size: int) -> dict[str, float]:
    """Held-out loss of tables that know the last 0, 1 and 2 characters, in nats a character.

    A table's counts are mixed with the next smaller one's chances, which count as much as 1, 2 and
    4 sightings: what was never seen is improbable, not impossible.
    """
    chances = np.full((1, size), 1 / size)
    losses = {}
    for name, order, weight in (("unigram", 0, 1.0), ("bigram", 1, 2.0), ("trigram", 2, 4.0)):
        context = np.zeros(len(train) - order, np.int64)
        for back in range(order):
            context = context * size + train[back : len(train) - order + back]
        counts = np.bincount(context * size + train[order:], minlength=size ** (order + 1))
        counts = counts.reshape(-1, size)
        # The table of one character less, by the last characters of each context.
        smaller = np.tile(chances, (counts.shape[0] // chances.shape[0], 1))
        totals = counts.sum(axis=1, keepdims=True)
        chances = (counts + weight * smaller) / (totals + weight)
        seen = np.zeros(len(held_out) - 2, np.int64)
        for back in range(2 - order, 2):
            seen = seen * size + held_out[back : len(held_out) - 2 + back]
        losses[name] = float(-np.log(chances[seen, held_out[2:]]).mean())
    return losses


def text_and_name(wanted: str | None) -> tuple[str, str] | None:
    """The text to learn and its name: the one wanted, or the first that can be had."""
    for name, file in TEXTS.items():
        if wanted in (None, name):
            folder = data_folder(name)
            if folder is not None:
                return (folder / file).read_text(encoding="utf-8"), name
    return None


def next_id_loss(scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean cross entropy of scores (B, T, vocab_size) and ids (B, T)."""
    return nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), targets.reshape(-1))


def main() -> int:
    parser = settings("tinygpt", "Train a small GPT on characters.")
    parser.add_argument("--text", choices=list(TEXTS), help="which text (the first to be had)")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--context", type=int, default=64)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--positions", default="rotary")
    parser.add_argument("--every", type=int, default=250, help="steps between checkpoints")
    options = parser.parse_args()
    describe(options.folder)
    found = text_and_name(options.text)
    if found is None:
        return UNUSABLE
    text, name = found
    tokenizer = CharTokenizer.train(text)
    ids = np.array(tokenizer.encode(text))
    split = int(0.9 * len(ids))
    train, held_out = ids[:split], ids[split:]
    tables = table_losses(train, held_out, tokenizer.vocab_size)
    print(f"{name}: {len(train):,} characters to learn from, {len(held_out):,} held out")
    print("tables: " + ", ".join(f"{table} {loss:.3f}" for table, loss in tables.items()))

    config = GPTConfig(
        tokenizer.vocab_size,
        context=options.context,
        dim=options.dim,
        heads=4,
        layers=options.layers,
        positions=options.positions,
    )
    rounds, every = math.ceil(options.steps / options.every), options.every
    windows = RandomWindows(train, options.context, options.batch, min(every, options.steps))

    def optimizer_for(model: GPT) -> torch.optim.AdamW:
        return torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.99), weight_decay=0.1)

    def trial() -> Callable[[], float]:
        batch, model = next(iter(windows)), GPT(config)
        optimizer = optimizer_for(model)
        return lambda: train_step(model, [batch], next_id_loss, optimizer, clip_norm=1.0)

    choose(options.functions, options.folder, trial, options.steps)
    torch.manual_seed(options.seed)
    model = GPT(config)
    print(f"GPT of {model.parameter_count():,} parameters", flush=True)
    optimizer = optimizer_for(model)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=2e-3, total_steps=options.steps, pct_start=0.05, cycle_momentum=False
    )
    kept = ("restart", "functions")
    chosen = {key: str(value) for key, value in vars(options).items() if key not in kept}
    with Run(options.folder, {**chosen, "text": name}, options.restart) as run:
        live = Live(next_id_loss, run, name, len(windows), rounds)
        fit(
            model,
            windows,
            live,
            optimizer,
            rounds,
            scheduler=schedule,
            schedule="step",
            clip_norm=1.0,
            checkpoint=Checkpoint(run.checkpoint, model, optimizer, schedule),
            progress=False,
        )
    loss = evaluate(model, WholeText(held_out, options.context, 64), next_id_loss)["loss"]
    torch.save(model.state_dict(), options.folder / "model.safetensors")
    tokenizer.save(options.folder / "tokenizer.json")
    print(generate_text(model, tokenizer, text[:1], 300, temperature=0.8, top_p=0.95))
    print(f"trained in {run.clock()} (meant to take at most {MINUTES} minutes on 2 cores)")
    limit = min(GATE, tables["trigram"]) if name == "shakespeare" else tables["trigram"]
    return gate(
        "tinygpt",
        loss < limit,
        f"held-out loss {loss:.4f} nats a character on {name} (below {limit:.4f} wanted; "
        f"trigram table {tables['trigram']:.4f})",
        options.folder,
    )


if __name__ == "__main__":
    start(main)
