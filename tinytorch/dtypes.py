"""Chapter 02, given: the element types of tensors, under PyTorch's names.

They are NumPy dtypes. `device` and `cuda` exist so that a program which asks for the device runs:
there is one device, the CPU.
"""

from __future__ import annotations

from typing import Any

import numpy as np

float16 = np.dtype("float16")
float32 = np.dtype("float32")
float64 = np.dtype("float64")
int8 = np.dtype("int8")
int16 = np.dtype("int16")
int32 = np.dtype("int32")
int64 = np.dtype("int64")
uint8 = np.dtype("uint8")
bool_ = np.dtype("bool")

DType = Any  # whatever np.dtype() takes: float32, np.float32, "float32"


class device:
    """The place where tensors live: always "cpu"."""

    def __init__(self, type: str = "cpu") -> None:
        if type.partition(":")[0] != "cpu":
            raise ValueError(f"device: there is only 'cpu' here, got {type!r}")
        self.type = "cpu"

    def __eq__(self, other: object) -> bool:
        return str(other) == self.type

    def __hash__(self) -> int:
        return hash(self.type)

    def __str__(self) -> str:
        return self.type

    def __repr__(self) -> str:
        return "device(type='cpu')"


class cuda:
    """PyTorch's `torch.cuda`: there is none here, and a program may ask."""

    @staticmethod
    def is_available() -> bool:
        """Always False."""
        return False
