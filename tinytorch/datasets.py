"""Chapter 10, given: MNIST and CIFAR-10 from their binary files.

`tito data get mnist` fetches the files and prints the folder to name here as `root`.

PyTorch: `torchvision.datasets` (mnist.py, cifar.py). Formats: the idx description by LeCun, Cortes
and Burges; "CIFAR-10 binary version" by Krizhevsky.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tinytorch.data import Dataset
from tinytorch.tensor import Tensor

IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
CIFAR10_CLASSES = tuple(
    "airplane automobile bird cat deer dog frog horse ship truck".split(),  # noqa: SIM905
)
CIFAR_ROW = 1 + 3 * 32 * 32  # a label and one byte for each channel of each pixel


def read_idx(path: str | Path) -> np.ndarray:
    """The array in an idx file: two zero bytes, a type, the number of dimensions, sizes, values.

    Returns it in the machine's byte order. Raises ValueError when the file is of another format or
    its length is not what the header says.
    """
    content = Path(path).read_bytes()
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES:
        raise ValueError(f"read_idx: {path} is not an idx file (it begins with {content[:4]!r})")
    dtype, ndim = np.dtype(IDX_TYPES[content[2]]), content[3]
    header = 4 + 4 * ndim
    shape = tuple(np.frombuffer(content[4:header], ">u4").tolist())
    expected = header + math.prod(shape) * dtype.itemsize
    if len(shape) != ndim or len(content) != expected:
        raise ValueError(
            f"read_idx: {path} has {len(content)} bytes, its header {shape} asks for {expected}"
        )
    values = np.frombuffer(content, dtype, offset=header).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def read_cifar(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (N, 3, 32, 32) and labels int64 (N,) of one CIFAR-10 binary batch.

    Raises ValueError when the file is not a whole number of rows or a label is above 9.
    """
    content = np.fromfile(path, np.uint8)
    if len(content) == 0 or len(content) % CIFAR_ROW:
        raise ValueError(
            f"read_cifar: {path} has {len(content)} bytes, not a multiple of {CIFAR_ROW}"
        )
    rows = content.reshape(-1, CIFAR_ROW)
    labels = rows[:, 0].astype(np.int64)
    if labels.max() > 9:
        raise ValueError(f"read_cifar: {path} has a label {labels.max()}; CIFAR-10 has 0 to 9")
    return rows[:, 1:].reshape(-1, 3, 32, 32), labels


class ImageDataset(Dataset):
    """Images with labels: sample i is (transform(image), target_transform(label)).

    images: uint8 (N, C, H, W); labels: int64 (N,). The transform gets a tensor (C, H, W), or
    (N, C, H, W) when the DataLoader asks for a whole batch; those of `tinytorch.transforms` do
    both. An image without a transform is a uint8 tensor.
    """

    classes: ClassVar[Sequence[str]]

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        transform: Callable[[Tensor], Tensor] | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ) -> None:
        if images.ndim != 4 or len(images) != len(labels):
            raise ValueError(
                f"ImageDataset: needs images (N, C, H, W) and N labels, "
                f"got {images.shape} and {labels.shape}"
            )
        self.data = images
        self.targets = labels
        self.transform = transform
        self.target_transform = target_transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, Any]:
        image, label = Tensor(self.data[index]), int(self.targets[index])
        return (
            self.transform(image) if self.transform else image,
            self.target_transform(label) if self.target_transform else label,
        )

    def get_batch(self, indices: Sequence[int]) -> Any:
        """Images and labels at `indices`, the transform applied once to all of them."""
        if self.target_transform is not None:
            return super().get_batch(indices)
        images = Tensor(self.data[np.asarray(indices, np.intp)])
        labels = Tensor(self.targets[np.asarray(indices, np.intp)])
        return [self.transform(images) if self.transform else images, labels]


class MNIST(ImageDataset):
    """Handwritten digits: 60,000 (train) or 10,000 images (1, 28, 28), labels 0 to 9.

    root: the folder with the four idx files. Raises FileNotFoundError that says how to get them.
    """

    classes: ClassVar[Sequence[str]] = tuple("0123456789")

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Callable[[Tensor], Tensor] | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ) -> None:
        part = "train" if train else "t10k"
        images = read_idx(found(root, f"{part}-images-idx3-ubyte", "mnist"))
        labels = read_idx(found(root, f"{part}-labels-idx1-ubyte", "mnist"))
        super().__init__(images[:, None], labels.astype(np.int64), transform, target_transform)


class CIFAR10(ImageDataset):
    """Photographs: 50,000 (train) or 10,000 images (3, 32, 32), labels 0 to 9.

    root: the folder with the six binary batches. Raises FileNotFoundError that says how to get
    them.
    """

    classes: ClassVar[Sequence[str]] = CIFAR10_CLASSES

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Callable[[Tensor], Tensor] | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ) -> None:
        names = [f"data_batch_{n}.bin" for n in range(1, 6)] if train else ["test_batch.bin"]
        batches = [read_cifar(found(root, name, "cifar10")) for name in names]
        images = np.concatenate([images for images, _ in batches])
        labels = np.concatenate([labels for _, labels in batches])
        super().__init__(images, labels, transform, target_transform)


def found(root: str | Path, name: str, dataset: str) -> Path:
    """The path of a file that must be there."""
    path = Path(root) / name
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is not there; `tito data get {dataset}` fetches it and prints its folder"
        )
    return path
