"""Chapter 10's companions: files are read exactly, transforms change each image on its own."""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path

import numpy as np
import pytest

import tinytorch as torch
from tinytorch.data import DataLoader
from tinytorch.datasets import CIFAR10, MNIST, ImageDataset, read_cifar, read_idx
from tinytorch.random import Generator
from tinytorch.transforms import (
    Compose,
    Normalize,
    RandomCrop,
    RandomHorizontalFlip,
    ToTensor,
)

NUMBERS = np.random.default_rng(0)


def write_idx(path: Path, array: np.ndarray, kind: int) -> None:
    header = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape)
    path.write_bytes(header + array.astype(array.dtype.newbyteorder(">")).tobytes())


@pytest.mark.parametrize(("dtype", "kind"), [("u1", 8), ("i2", 11), ("i4", 12), ("f4", 13)])
def test_idx_files_of_each_type(tmp_path, dtype: str, kind: int) -> None:
    array = NUMBERS.integers(0, 100, (3, 4, 2)).astype(dtype)
    write_idx(tmp_path / "file", array, kind)
    read = read_idx(tmp_path / "file")
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    assert np.array_equal(read, array)


def test_damaged_files_are_refused(tmp_path) -> None:
    path = tmp_path / "file"
    write_idx(path, np.zeros((2, 3), np.uint8), 8)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"has 17 bytes, its header \(2, 3\) asks for 18"):
        read_idx(path)
    path.write_bytes(b"GIF89a")
    with pytest.raises(ValueError, match="not an idx file"):
        read_idx(path)
    path.write_bytes(bytes(3072))
    with pytest.raises(ValueError, match="not a multiple of 3073"):
        read_cifar(path)
    path.write_bytes(bytes([12]) + bytes(3072))
    with pytest.raises(ValueError, match="label 12"):
        read_cifar(path)


def test_cifar_rows_are_label_then_planes(tmp_path) -> None:
    images = NUMBERS.integers(0, 256, (5, 3, 32, 32)).astype(np.uint8)
    labels = np.array([3, 1, 4, 1, 5], np.uint8)
    rows = np.concatenate([labels[:, None], images.reshape(5, -1)], axis=1)
    for name in [*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"]:
        (tmp_path / name).write_bytes(rows.tobytes())
    train, test = CIFAR10(tmp_path), CIFAR10(tmp_path, train=False)
    assert (len(train), len(test)) == (25, 5)
    image, label = test[2]
    assert np.array_equal(image.numpy(), images[2])
    assert (label, test.classes[label]) == (4, "deer")


def test_missing_files_say_how_to_get_them(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="tito data get mnist"):
        MNIST(tmp_path)


@pytest.fixture
def images() -> ImageDataset:
    pixels = NUMBERS.integers(0, 256, (20, 3, 8, 8)).astype(np.uint8)
    return ImageDataset(
        pixels, np.arange(20), Compose([ToTensor(), Normalize([0.5] * 3, [0.2] * 3)])
    )


def test_whole_batch_equals_sample_by_sample(images: ImageDataset) -> None:
    batch, labels = next(iter(DataLoader(images, 20)))
    one_by_one = np.stack([images[i][0].numpy() for i in range(20)])
    assert batch.dtype == np.float32
    assert np.array_equal(batch.numpy(), one_by_one)
    assert labels.tolist() == list(range(20))
    expected = (images.data.astype(np.float32) / 255 - 0.5) / 0.2
    assert np.allclose(batch.numpy(), expected, atol=1e-6)


def test_target_transform(images: ImageDataset) -> None:
    images.target_transform = lambda label: label % 2
    assert images[3][1] == 1
    assert next(iter(DataLoader(images, 4)))[1].tolist() == [0, 1, 0, 1]


def test_pixels_become_numbers_and_each_channel_has_its_own_mean_and_spread() -> None:
    pixels = NUMBERS.integers(0, 256, (5, 3, 4, 6)).astype(np.uint8)
    numbers = ToTensor()(torch.tensor(pixels))
    assert numbers.dtype == torch.float32
    np.testing.assert_allclose(numbers.numpy(), pixels / 255, rtol=1e-6)
    normal = Normalize([0.1, 0.2, 0.3], [0.5, 1.0, 2.0])(numbers).numpy()
    for channel, (mean, std) in enumerate([(0.1, 0.5), (0.2, 1.0), (0.3, 2.0)]):
        expected = (pixels[:, channel] / 255 - mean) / std
        np.testing.assert_allclose(normal[:, channel], expected, rtol=1e-5, atol=1e-6)


def test_flip_turns_about_half_of_a_batch_and_each_image_whole() -> None:
    pixels = NUMBERS.random((400, 1, 4, 4)).astype(np.float32)
    flipped = RandomHorizontalFlip(generator=Generator().manual_seed(0))(
        torch.tensor(pixels)
    ).numpy()
    turned = (flipped == pixels[..., ::-1]).all((1, 2, 3))
    same = (flipped == pixels).all((1, 2, 3))
    assert (turned ^ same).all()
    assert 150 < turned.sum() < 250
    single = torch.tensor(pixels[0])
    assert np.array_equal(RandomHorizontalFlip(p=1.0)(single).numpy(), pixels[0, :, :, ::-1])
    assert np.array_equal(RandomHorizontalFlip(p=0.0)(single).numpy(), pixels[0])


def test_crop_takes_a_window_of_the_padded_image() -> None:
    pixels = NUMBERS.random((300, 2, 6, 6)).astype(np.float32)
    crop = RandomCrop(6, padding=2, generator=Generator().manual_seed(0))
    cropped = crop(torch.tensor(pixels)).numpy()
    assert cropped.shape == pixels.shape
    padded = np.pad(pixels, ((0, 0), (0, 0), (2, 2), (2, 2)))
    places = set()
    for image, frame in zip(cropped, padded, strict=True):
        matches = [
            (y, x)
            for y in range(5)
            for x in range(5)
            if np.array_equal(image, frame[:, y : y + 6, x : x + 6])
        ]
        assert matches
        places.add(matches[0])
    assert len(places) == 25, "every place"
    assert RandomCrop((3, 4))(torch.tensor(pixels[0])).shape == (2, 3, 4)


def test_bad_images_are_named() -> None:
    with pytest.raises(TypeError, match=r"needs float images, got uint8; ToTensor\(\) first"):
        Normalize([0.5], [0.5])(torch.zeros(1, 4, 4, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"3 means for images of shape \(1, 4, 4\)"):
        Normalize([0.5] * 3, [0.5] * 3)(torch.zeros(1, 4, 4))
    with pytest.raises(ValueError, match=r"RandomCrop: a window of \(9, 9\)"):
        RandomCrop(9)(torch.zeros(1, 4, 4))
    with pytest.raises(ValueError, match=r"RandomHorizontalFlip: needs .* got shape \(4, 4\)"):
        RandomHorizontalFlip()(torch.zeros(4, 4))
    with pytest.raises(ValueError, match="all positive"):
        Normalize([0.5], [0.0])


def folder_with(name: str) -> Path | None:
    """The folder of a data set that is here already; tests download nothing."""
    base = os.environ.get("TINYTORCH_CACHE")
    folder = Path(base) / "data" / name if base else Path.home() / ".cache/tinytorch/data" / name
    return folder if folder.is_dir() else None


@pytest.mark.skipif(folder_with("mnist") is None, reason="needs `tito data get mnist`")
def test_real_mnist() -> None:
    train, test = MNIST(folder_with("mnist")), MNIST(folder_with("mnist"), train=False)
    assert (len(train), len(test)) == (60_000, 10_000)
    assert train.targets[:5].tolist() == [5, 0, 4, 1, 9]
    assert round(float(train.data.mean()) / 255, 4) == 0.1307


@pytest.mark.skipif(folder_with("cifar10") is None, reason="needs `tito data get cifar10`")
def test_real_cifar10_has_the_published_sha1_and_mean() -> None:
    root = folder_with("cifar10")
    assert root is not None
    digest = hashlib.sha1((root / "test_batch.bin").read_bytes()).hexdigest()
    assert digest == "67eb016db431130d61cd03c7ad570b013799c88c"
    mean = CIFAR10(root).data.mean((0, 2, 3)) / 255
    assert np.allclose(mean, [0.4914, 0.4822, 0.4465], atol=1e-4)
