"""Chapter 10, given: changes made to images on their way into a batch.

Every transform takes a tensor (C, H, W), or a batch (N, C, H, W) in which each image is changed on
its own, and returns a new tensor. Nothing here is recorded for gradients. With background workers,
give the random ones a generator of their own, so that the main thread's numbers stay repeatable.

PyTorch: `torchvision.transforms`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinytorch.random import Generator, default_generator
from tinytorch.tensor import Tensor

Transform = Callable[[Tensor], Tensor]


class Compose:
    """One transform after the other."""

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms = list(transforms)

    def __call__(self, image: Tensor) -> Tensor:
        for transform in self.transforms:
            image = transform(image)
        return image

    def __repr__(self) -> str:
        return f"Compose({', '.join(map(repr, self.transforms))})"


class ToTensor:
    """uint8 pixels 0 to 255 become float32 between 0 and 1; floats stay as they are."""

    def __call__(self, image: Tensor) -> Tensor:
        pixels = np.asarray(image)
        if pixels.dtype != np.uint8:
            return Tensor(pixels.astype(np.float32, copy=False))
        return Tensor(np.multiply(pixels, np.float32(1 / 255), dtype=np.float32))

    def __repr__(self) -> str:
        return "ToTensor()"


class Normalize:
    """(image - mean) / std, each channel with its own numbers.

    mean, std: one number a channel. Raises TypeError for uint8 images and ValueError when the
    number of channels differs.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self.mean = np.asarray(mean, np.float32).reshape(-1, 1, 1)
        self.std = np.asarray(std, np.float32).reshape(-1, 1, 1)
        if self.mean.shape != self.std.shape or not (self.std > 0).all():
            raise ValueError(
                f"Normalize: needs as many std as mean, all positive; got {mean} and {std}"
            )

    def __call__(self, image: Tensor) -> Tensor:
        pixels = np.asarray(image)
        if pixels.dtype.kind != "f":
            raise TypeError(f"Normalize: needs float images, got {pixels.dtype}; ToTensor() first")
        channels = pixels.shape[-3] if pixels.ndim >= 3 else 0
        if channels != len(self.mean):
            raise ValueError(
                f"Normalize: {len(self.mean)} means for images of shape {pixels.shape}, "
                "whose third dimension from the right is the channels"
            )
        return Tensor((pixels - self.mean) / self.std)

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean.ravel().tolist()}, std={self.std.ravel().tolist()})"


class RandomHorizontalFlip:
    """Left and right exchanged, with probability `p`."""

    def __init__(self, p: float = 0.5, generator: Generator | None = None) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"RandomHorizontalFlip: p is a probability, got {p}")
        self.p = p
        self.generator = generator or default_generator

    def __call__(self, image: Tensor) -> Tensor:
        images, single = as_batch(image, "RandomHorizontalFlip")
        flip = self.generator.numpy.random(len(images)) < self.p
        flipped = np.where(flip[:, None, None, None], images[..., ::-1], images)
        return Tensor(flipped[0] if single else flipped)

    def __repr__(self) -> str:
        return f"RandomHorizontalFlip(p={self.p})"


class RandomCrop:
    """A window of `size` at a random place, after `padding` zeros were added on all sides.

    size: height and width, or one number for both. Raises ValueError when the padded image is
    smaller than the window.
    """

    def __init__(
        self, size: int | tuple[int, int], padding: int = 0, generator: Generator | None = None
    ) -> None:
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        if min(self.size) < 1 or padding < 0:
            raise ValueError(f"RandomCrop: got size {size} and padding {padding}")
        self.padding = padding
        self.generator = generator or default_generator

    def __call__(self, image: Tensor) -> Tensor:
        images, single = as_batch(image, "RandomCrop")
        p = self.padding
        padded = np.pad(images, ((0, 0), (0, 0), (p, p), (p, p)))
        if padded.shape[2] < self.size[0] or padded.shape[3] < self.size[1]:
            raise ValueError(
                f"RandomCrop: a window of {self.size} does not fit images of shape "
                f"{images.shape} with padding {p}"
            )
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.size, axis=(2, 3))
        top = self.generator.numpy.integers(0, windows.shape[2], len(images))
        left = self.generator.numpy.integers(0, windows.shape[3], len(images))
        cropped = windows[np.arange(len(images)), :, top, left]
        return Tensor(cropped[0] if single else cropped)

    def __repr__(self) -> str:
        return f"RandomCrop(size={self.size}, padding={self.padding})"


def as_batch(image: Tensor, name: str) -> tuple[np.ndarray, bool]:
    """The images as an array (N, C, H, W), and whether it was a single one."""
    pixels = np.asarray(image)
    if pixels.ndim not in (3, 4):
        raise ValueError(f"{name}: needs (C, H, W) or (N, C, H, W), got shape {pixels.shape}")
    return (pixels[None], True) if pixels.ndim == 3 else (pixels, False)
