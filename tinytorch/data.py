"""Chapter 10: from many samples to shuffled batches.

A dataset has a length and gives one sample at an index. A sampler says in which order. `DataLoader`
joins the two: it takes the indices of a batch, gets the samples and collates them into tensors.

PyTorch: `torch.utils.data` (dataset.py, sampler.py, dataloader.py, _utils/collate.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tinytorch.prefetching import prefetch
from tinytorch.random import Generator, default_generator
from tinytorch.tensor import Tensor

Batch = Any  # what collate makes of samples: a tensor, or a list or dict of batches


class Dataset:
    """A collection of samples: write `__len__` and `__getitem__` for your own."""

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} needs a method __len__")

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs a method __getitem__")

    def get_batch(self, indices: Sequence[int]) -> Batch:
        """The collated samples at `indices`; a dataset that can do better than one by one may."""
        return default_collate([self[index] for index in indices])


class TensorDataset(Dataset):
    """Sample i is (tensors[0][i], tensors[1][i], ...).

    tensors: of any shape, all with the same first size. Raises ValueError when those differ.
    """

    def __init__(self, *tensors: Tensor) -> None:
        if len({len(tensor) for tensor in tensors}) != 1:
            shapes = ", ".join(str(tensor.shape) for tensor in tensors) or "no tensors"
            raise ValueError(f"TensorDataset: the first sizes must be equal, got {shapes}")
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def get_batch(self, indices: Sequence[int]) -> list[Tensor]:
        """The samples at `indices`: each tensor is indexed once, not once a sample."""
        rows = np.asarray(indices, np.intp)
        return [tensor[rows] for tensor in self.tensors]


class Subset(Dataset):
    """The samples of `dataset` at `indices`."""

    def __init__(self, dataset: Dataset, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self.indices[index]]

    def get_batch(self, indices: Sequence[int]) -> Batch:
        """What the whole dataset makes of them."""
        return self.dataset.get_batch([self.indices[index] for index in indices])


def random_split(
    dataset: Dataset, lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset]:
    """Deal the samples out at random to subsets of the given lengths, or fractions that sum to 1.

    Fractions are rounded down and what is left goes to the subsets in turn. Raises ValueError when
    the lengths do not sum to the size of the dataset.
    """
    if math.isclose(sum(lengths), 1) and any(0 < length < 1 for length in lengths):
        counts = [math.floor(len(dataset) * fraction) for fraction in lengths]
        for turn in range(len(dataset) - sum(counts)):
            counts[turn % len(counts)] += 1
    else:
        counts = [int(length) for length in lengths]
    if sum(counts) != len(dataset):
        raise ValueError(
            f"random_split: lengths {list(lengths)} sum to {sum(lengths)}, "
            f"the dataset has {len(dataset)} samples"
        )
    order = (generator or default_generator).numpy.permutation(len(dataset)).tolist()
    ends = np.cumsum(counts).tolist()
    return [Subset(dataset, order[end - n : end]) for n, end in zip(counts, ends, strict=True)]


class Sampler:
    """An order of indices: something with `__iter__` and `__len__`."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} needs a method __iter__")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} needs a method __len__")


class SequentialSampler(Sampler):
    """0, 1, 2, ... up to the length of `data_source`."""

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """The indices of `data_source` in an order that is new each time.

    replacement: draw each index independently of the others. num_samples: how many to draw (the
    length of the source unless given). generator: where the order comes from.
    """

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self.num_samples = len(data_source) if num_samples is None else num_samples
        if self.num_samples < 0 or (self.num_samples > len(data_source) and not replacement):
            raise ValueError(
                f"RandomSampler: cannot draw {num_samples} of {len(data_source)} samples; "
                "more than there are needs replacement=True"
            )
        self.generator = generator or default_generator

    def __iter__(self) -> Iterator[int]:
        size = len(self.data_source)
        if self.replacement:
            return iter(self.generator.numpy.integers(0, size, self.num_samples).tolist())
        return iter(self.generator.numpy.permutation(size)[: self.num_samples].tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of `batch_size` indices from `sampler`; the last may be shorter unless `drop_last`."""

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool = False) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(f"batch_size must be an integer of at least 1, got {batch_size!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        batch: list[int] = []
        for index in self.sampler:
            batch.append(index)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return whole + (rest > 0 and not self.drop_last)


def default_collate(samples: Sequence[Any]) -> Batch:
    """One batch of a list of samples, with a new first dimension.

    Tensors and arrays of equal shape are stacked; integers become an int64 tensor, floats a float64
    tensor as in PyTorch; tuples, lists and dicts are collated part by part; strings stay a list.
    Raises ValueError when shapes differ and TypeError for anything else.
    """
    first = samples[0]
    if isinstance(first, (Tensor, np.ndarray, np.generic)):
        arrays = [np.asarray(sample) for sample in samples]
        if len({array.shape for array in arrays}) > 1:
            shapes = ", ".join(sorted({str(array.shape) for array in arrays}))
            raise ValueError(
                f"default_collate: samples of a batch must have equal shapes, got {shapes}; "
                "pad or crop them, or give the DataLoader a collate_fn"
            )
        return Tensor(np.stack(arrays))
    if isinstance(first, (bool, int)):
        return Tensor(samples)
    if isinstance(first, float):
        return Tensor(np.array(samples, np.float64))
    if isinstance(first, str):
        return list(samples)
    if isinstance(first, dict):
        return {key: default_collate([sample[key] for sample in samples]) for key in first}
    if isinstance(first, (tuple, list)):
        if len({len(sample) for sample in samples}) > 1:
            raise ValueError("default_collate: samples of a batch must have equally many parts")
        return [default_collate(part) for part in zip(*samples, strict=True)]
    raise TypeError(
        f"default_collate: cannot make a batch of {type(first).__name__}; use a collate_fn"
    )


class DataLoader:
    """Batches of a dataset, in a new order each time when `shuffle`.

    dataset: anything with `__len__` and `__getitem__`. sampler, batch_sampler: an order of your own
    in place of `shuffle`. num_workers: 0 makes each batch when it is asked for; more prepare
    `prefetch_factor` batches for each worker in one background thread (NumPy works while Python
    waits). collate_fn: samples to batch. drop_last: leave out a last batch that is not full.
    generator: where the order comes from.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Batch] | None = None,
        drop_last: bool = False,
        generator: Generator | None = None,
        prefetch_factor: int = 2,
        pin_memory: bool = False,
    ) -> None:
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: a sampler gives the order, so leave out shuffle")
        alone = batch_size == 1 and not shuffle and sampler is None and not drop_last
        if batch_sampler is not None and not alone:
            raise ValueError(
                "DataLoader: a batch_sampler gives the batches, so leave out batch_size, shuffle, "
                "sampler and drop_last"
            )
        if num_workers < 0 or prefetch_factor < 1:
            raise ValueError(
                f"DataLoader: num_workers must be >= 0 and prefetch_factor >= 1, "
                f"got {num_workers} and {prefetch_factor}"
            )
        if sampler is None:
            sampler = SequentialSampler(dataset)
            if shuffle:
                sampler = RandomSampler(dataset, generator=generator)
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.drop_last = drop_last
        if batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.collate_fn = collate_fn
        self.generator = generator

    def __len__(self) -> int:
        return len(self.batch_sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Batch]:
        if self.num_workers == 0:
            return (self.batch(indices) for indices in self.batch_sampler)
        order = list(self.batch_sampler)  # drawn here: threads must not share a generator
        batches = (self.batch(indices) for indices in order)
        return prefetch(batches, self.num_workers * self.prefetch_factor)

    def batch(self, indices: list[int]) -> Batch:
        """The collated samples at `indices`."""
        if self.collate_fn is None and isinstance(self.dataset, Dataset):
            return self.dataset.get_batch(indices)
        collate = self.collate_fn or default_collate
        return collate([self.dataset[index] for index in indices])
