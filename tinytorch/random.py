"""Chapter 01: random numbers that can be repeated.

PyTorch: `torch.random`, `torch.Generator`, `torch.manual_seed`.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Generator:
    """A source of random numbers with a state of its own.

    Two generators given the same seed produce the same numbers. `numpy` is the NumPy generator
    that functions such as `rand` and `randn` draw from.
    """

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.numpy = np.random.default_rng()
        self._seed: int | None = None

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed` (an integer, zero or larger) and return the generator."""
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
            raise ValueError(f"manual_seed: the seed must be an integer >= 0, got {seed!r}")
        self._seed = int(seed)
        self.numpy = np.random.default_rng(self._seed)
        return self

    def initial_seed(self) -> int | None:
        """The seed given last, None if there was none."""
        return self._seed

    def get_state(self) -> dict[str, Any]:
        """The whole state, as a dictionary that JSON can hold."""
        return {"seed": self._seed, "numpy": self.numpy.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue exactly where `get_state` was called."""
        self._seed = state["seed"]
        self.numpy.bit_generator.state = state["numpy"]


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed the generator that everything uses unless told otherwise, and return it."""
    return default_generator.manual_seed(seed)
