"""Chapter 08, given: tensors in a file, in the safetensors format.

The file is: 8 bytes with the length of the header, a header in JSON that gives each tensor's
dtype, shape and place, then the numbers themselves. Nothing in it can run, unlike in a pickle.
Format: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinytorch.tensor import Array, Tensor

CODES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "|i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
LONGEST_HEADER = 100_000_000


class FileError(ValueError):
    """A file that is not what it should be; the message says which and why."""


def save(
    tensors: Mapping[str, Any], path: str | os.PathLike[str], metadata: dict[str, str] | None = None
) -> None:
    """Write a dictionary of tensors (or arrays), such as a `state_dict`, to a file.

    The old file stays whole until the new one is. `metadata` are strings stored beside.
    """
    if not isinstance(tensors, Mapping):
        raise TypeError(f"save: needs a dictionary of tensors, got {type(tensors).__name__}")
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    arrays = []
    place = 0
    for name, value in tensors.items():
        if not isinstance(value, (Tensor, np.ndarray)):
            raise TypeError(f"save: {name!r} is a {type(value).__name__}, not a tensor")
        array = np.asarray(value)
        code = next((c for c, d in CODES.items() if np.dtype(d) == array.dtype), None)
        if code is None:
            raise TypeError(f"save: {name!r} has dtype {array.dtype}, which the format lacks")
        arrays.append(np.ascontiguousarray(array, np.dtype(CODES[code])))
        end = place + array.nbytes
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": [place, end]}
        place = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    target = Path(path)
    unfinished = target.with_name(f"{target.name}.unfinished")
    with open(unfinished, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays:
            file.write(array.tobytes())
    os.replace(unfinished, target)


def load(
    path: str | os.PathLike[str], map_location: Any = None, weights_only: bool = True
) -> dict[str, Tensor]:
    """Read all tensors of a file: name -> tensor. Raises FileError when the file is damaged.

    map_location, weights_only: as in PyTorch; there is one device, and the file holds only weights.
    """
    data = Path(path).read_bytes()
    header, start = _header(data, path)
    header.pop("__metadata__", None)
    return {name: Tensor(_array(data, start, name, e, path)) for name, e in header.items()}


def load_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read only the strings that were stored beside the tensors."""
    with open(path, "rb") as file:
        start = file.read(8)
        header, _ = _header(start + file.read(int.from_bytes(start, "little")), path)
    metadata: dict[str, str] = header.get("__metadata__", {})
    return metadata


def _header(data: bytes, path: Any) -> tuple[dict[str, Any], int]:
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > LONGEST_HEADER or 8 + length > len(data):
        raise FileError(f"{path}: not a safetensors file, or cut short ({len(data)} bytes)")
    try:
        header = json.loads(data[8 : 8 + length])
    except ValueError as error:
        raise FileError(f"{path}: the header is not JSON ({error})") from None
    if not isinstance(header, dict):
        raise FileError(f"{path}: the header is not a dictionary")
    return header, 8 + length


def _array(data: bytes, start: int, name: str, entry: Any, path: Any) -> Array:
    try:
        code, shape = entry["dtype"], tuple(int(n) for n in entry["shape"])
        begin, end = (start + int(n) for n in entry["data_offsets"])
    except (KeyError, TypeError, ValueError):
        raise FileError(f"{path}: the header says {entry!r} of {name!r}") from None
    stored = np.dtype("<u2" if code == "BF16" else CODES.get(code, "V0"))
    if not stored.itemsize:
        raise FileError(f"{path}: {name!r} has dtype {code}, which is not known here")
    if not start <= begin <= end <= len(data) or min(shape, default=0) < 0:
        raise FileError(f"{path}: {name!r} lies outside of the file: it is cut short")
    if end - begin != math.prod(shape) * stored.itemsize:
        raise FileError(f"{path}: {name!r} has {end - begin} bytes for shape {shape} of {code}")
    array = np.frombuffer(data, stored, math.prod(shape), begin).reshape(shape)
    if code == "BF16":  # the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(stored.newbyteorder("="))
