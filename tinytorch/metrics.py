"""Chapter 08, given: numbers that say how good predictions are."""

from __future__ import annotations

import numpy as np

from tinytorch.dtypes import int64
from tinytorch.indexing import check_index
from tinytorch.tensor import Tensor


def accuracy(output: Tensor, target: Tensor) -> float:
    """The share of rows (N, C) whose largest score is at the target class (N,)."""
    if output.ndim < 2 or output.shape[:1] + output.shape[2:] != target.shape:
        raise ValueError(f"accuracy: scores of shape {output.shape}, targets {target.shape}")
    return float(np.mean(output.data.argmax(axis=1) == target.data))


def top_k_accuracy(output: Tensor, target: Tensor, k: int = 5) -> float:
    """The share of rows (N, C) whose target is among the `k` largest scores."""
    if output.ndim != 2 or target.shape != output.shape[:1]:
        raise ValueError(f"top_k_accuracy: scores of shape {output.shape}, targets {target.shape}")
    best = np.argpartition(-output.data, min(k, output.shape[1]) - 1, axis=1)[:, :k]
    return float(np.mean((best == target.data[:, None]).any(axis=1)))


def binary_accuracy(output: Tensor, target: Tensor) -> float:
    """The share of scores on the right side of 0; targets are 0 and 1, of one shape."""
    if output.shape != target.shape:
        raise ValueError(f"binary_accuracy: scores {output.shape}, targets {target.shape}")
    return float(np.mean((output.data > 0) == (target.data > 0.5)))


def confusion_matrix(output: Tensor, target: Tensor) -> Tensor:
    """How often class i (row) was taken for class j (column): (C, C) from scores (N, C)."""
    classes = output.shape[1]
    check_index("confusion_matrix", target.data, classes)
    pairs = target.data * classes + output.data.argmax(axis=1)
    counts = np.bincount(pairs, minlength=classes**2)
    return Tensor(counts.reshape(classes, classes), dtype=int64)
