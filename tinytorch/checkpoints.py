"""Chapter 08, given: saving all of a training run in one safetensors file, and going on from it.

Saved are weights, buffers, the optimizer's and the schedule's state, the states of the random
generators and the history. A run that is continued gives the same numbers, bit by bit, as one
that was never interrupted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinytorch.history import History
from tinytorch.layers import Module
from tinytorch.optimizers import Optimizer
from tinytorch.random import Generator, default_generator
from tinytorch.safetensors import FileError, load, load_metadata, save
from tinytorch.schedulers import LRScheduler
from tinytorch.tensor import Tensor


class Checkpoint:
    """The file `path` and what is kept in it.

    generators: random generators beside the default one, e.g. the DataLoader's.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        model: Module,
        optimizer: Optimizer,
        scheduler: LRScheduler | None = None,
        generators: Sequence[Generator] = (),
    ) -> None:
        self.path = Path(path)
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.generators = [default_generator, *generators]

    def exists(self) -> bool:
        """Whether there is something to continue from."""
        return self.path.exists()

    def save(self, history: History, best: dict[str, Tensor] | None = None) -> None:
        """Write everything. `best`: the weights of the best epoch, if they are kept."""
        tensors = {f"model.{name}": t for name, t in self.model.state_dict().items()}
        tensors.update({f"best.{name}": t for name, t in (best or {}).items()})
        optimizer = self.optimizer.state_dict()
        numbers: dict[str, dict[str, Any]] = {}
        for key, values in optimizer["state"].items():
            for name, value in values.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer.{key}.{name}"] = value
                else:
                    numbers.setdefault(str(key), {})[name] = value
        rest = {
            "param_groups": optimizer["param_groups"],
            "state": numbers,
            "scheduler": self.scheduler.state_dict() if self.scheduler else None,
            "generators": [generator.get_state() for generator in self.generators],
            "history": history.epochs,
        }
        save(tensors, self.path, {"tinytorch": json.dumps(rest)})

    def load(self) -> tuple[History, dict[str, Tensor]]:
        """Put everything back. Returns the history and the best weights (empty if not kept)."""
        tensors, metadata = load(self.path), load_metadata(self.path)
        if "tinytorch" not in metadata:
            raise FileError(f"{self.path}: holds weights, but no training run to continue")
        rest = json.loads(metadata["tinytorch"])
        if len(rest["generators"]) != len(self.generators):
            raise FileError(f"{self.path}: was saved with {len(rest['generators'])} generators")
        self.model.load_state_dict(_under("model.", tensors))
        state: dict[int, dict[str, Any]] = {
            int(key): dict(values) for key, values in rest["state"].items()
        }
        for path, tensor in _under("optimizer.", tensors).items():
            key, name = path.split(".", 1)
            state.setdefault(int(key), {})[name] = tensor
        groups = [_tuples(group) for group in rest["param_groups"]]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        if self.scheduler is not None and rest["scheduler"] is not None:
            self.scheduler.load_state_dict(rest["scheduler"])
        for generator, saved in zip(self.generators, rest["generators"], strict=True):
            generator.set_state(saved)
        return History(rest["history"]), _under("best.", tensors)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}


def _tuples(group: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no tuples: `betas` comes back as a list."""
    return {k: tuple(v) if isinstance(v, list) and k != "params" else v for k, v in group.items()}
