"""Chapter 10: every sample once, in batches, in the same order for the same seed."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinytorch as torch
from tinytorch.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    TensorDataset,
    default_collate,
    random_split,
)
from tinytorch.random import Generator


class Squares(Dataset):
    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[int, float]:
        return index, float(index) ** 2


def indices(loader: DataLoader) -> list[int]:
    return [int(i) for batch in loader for i in batch[0].tolist()]


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 9), st.booleans(), st.booleans())
def test_every_sample_comes_once(size: int, batch: int, shuffle: bool, drop_last: bool) -> None:
    loader = DataLoader(Squares(size), batch, shuffle=shuffle, drop_last=drop_last)
    batches = list(loader)
    assert len(batches) == len(loader)
    seen = indices(loader)
    kept = size - size % batch if drop_last else size
    assert len(seen) == len(set(seen)) == kept
    assert all(len(b[0]) == batch for b in batches[: len(batches) - (not drop_last)])
    if not shuffle:
        assert seen == list(range(kept))


def test_labels_stay_with_their_samples() -> None:
    for ids, squares in DataLoader(Squares(50), 7, shuffle=True):
        assert ids.dtype == np.int64
        assert np.array_equal(ids.numpy() ** 2, squares.numpy())


def test_same_seed_same_order_and_a_new_order_each_epoch() -> None:
    def orders(seed: int) -> list[list[int]]:
        loader = DataLoader(Squares(30), 4, shuffle=True, generator=Generator().manual_seed(seed))
        return [indices(loader), indices(loader)]

    assert orders(1) == orders(1)
    first, second = orders(1)
    assert first != second
    assert orders(2)[0] != first
    torch.manual_seed(5)
    default = indices(DataLoader(Squares(30), 4, shuffle=True))
    torch.manual_seed(5)
    assert indices(DataLoader(Squares(30), 4, shuffle=True)) == default


def test_background_workers_give_the_same_batches() -> None:
    def run(workers: int) -> list[int]:
        generator = Generator().manual_seed(3)
        return indices(DataLoader(Squares(30), 4, True, num_workers=workers, generator=generator))

    assert run(0) == run(1) == run(3)


def test_background_worker_prepares_while_the_caller_works() -> None:
    class Watched(Squares):
        def __init__(self) -> None:
            super().__init__(3)
            self.second_is_made = threading.Event()

        def __getitem__(self, index: int) -> tuple[int, float]:
            if index == 1:
                self.second_is_made.set()
            return super().__getitem__(index)

    dataset = Watched()
    batches = iter(DataLoader(dataset, num_workers=0))
    next(batches)
    assert not dataset.second_is_made.is_set()
    batches = iter(DataLoader(dataset, num_workers=1))
    next(batches)
    assert dataset.second_is_made.wait(timeout=30), "nobody asked for it yet"
    assert len(list(batches)) == 2


def test_error_in_the_background_reaches_the_caller() -> None:
    class Broken(Squares):
        def __getitem__(self, index: int) -> tuple[int, float]:
            if index == 5:
                raise OSError("sample 5 cannot be read")
            return super().__getitem__(index)

    loader = DataLoader(Broken(9), 2, num_workers=1)
    with pytest.raises(OSError, match="sample 5"):
        list(loader)


def test_stopping_early_ends_the_thread() -> None:
    before = threading.active_count()
    for _ in DataLoader(Squares(1000), 1, num_workers=1):
        break
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_tensor_dataset_gives_rows_and_batches() -> None:
    x, y = torch.arange(12).reshape(6, 2), torch.arange(6)
    dataset = TensorDataset(x, y)
    assert len(dataset) == 6
    assert dataset[4][0].tolist() == [8, 9]
    batches = list(DataLoader(dataset, 4))
    assert [b[0].shape for b in batches] == [(4, 2), (2, 2)]
    assert batches[1][1].tolist() == [4, 5]
    with pytest.raises(ValueError, match=r"\(6, 2\), \(5,\)"):
        TensorDataset(x, torch.arange(5))


def test_subsets_and_splits_cover_the_dataset() -> None:
    parts = random_split(Squares(11), [0.7, 0.3], Generator().manual_seed(0))
    assert [len(part) for part in parts] == [8, 3]
    together = sorted(sample[0] for part in parts for sample in part)  # type: ignore[attr-defined]
    assert together == list(range(11))
    assert [len(part) for part in random_split(Squares(5), [2, 3])] == [2, 3]
    with pytest.raises(ValueError, match=r"\[2, 2\] sum to 4, the dataset has 5"):
        random_split(Squares(5), [2, 2])
    subset = Subset(TensorDataset(torch.arange(10)), [7, 3])
    assert next(iter(DataLoader(subset, 2)))[0].tolist() == [7, 3]
    with pytest.raises(IndexError):
        subset[2]


def test_samplers() -> None:
    assert list(SequentialSampler(range(4))) == [0, 1, 2, 3]
    drawn = list(RandomSampler(range(3), replacement=True, num_samples=50))
    assert len(drawn) == 50
    assert set(drawn) == {0, 1, 2}
    assert list(BatchSampler(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler(range(5), 2, drop_last=True)) == [[0, 1], [2, 3]]
    batches = [[3, 1], [0]]
    assert indices(DataLoader(Squares(4), batch_sampler=batches)) == [3, 1, 0]
    assert indices(DataLoader(Squares(4), 2, sampler=[2, 0, 1])) == [2, 0, 1]


def test_collate_nests_like_pytorch() -> None:
    pytorch = pytest.importorskip("torch")
    reference = pytest.importorskip("torch.utils.data").default_collate
    samples = [
        {"image": np.full((2, 2), i, np.float32), "label": i, "pair": (float(i), [i == 1, "a"])}
        for i in range(3)
    ]
    ours, theirs = default_collate(samples), reference(samples)

    def compare(a: object, b: object) -> None:
        if isinstance(b, pytorch.Tensor):
            assert np.asarray(a).dtype == b.numpy().dtype
            assert np.array_equal(np.asarray(a), b.numpy())
        elif isinstance(b, dict):
            assert isinstance(a, dict)
            for key in b:
                compare(a[key], b[key])
        elif isinstance(b, list | tuple) and not isinstance(b[0], str):
            assert isinstance(a, list)
            for x, y in zip(a, b, strict=True):
                compare(x, y)
        else:
            assert list(a) == list(b)  # type: ignore[call-overload]

    compare(ours, theirs)


def test_bad_arguments_say_what_to_do() -> None:
    with pytest.raises(ValueError, match="batch_size must be an integer of at least 1, got 0"):
        DataLoader(Squares(3), 0)
    with pytest.raises(ValueError, match="leave out shuffle"):
        DataLoader(Squares(3), shuffle=True, sampler=[0])
    with pytest.raises(ValueError, match="leave out batch_size"):
        DataLoader(Squares(3), 2, batch_sampler=[[0]])
    with pytest.raises(ValueError, match=r"equal shapes, got \(2,\), \(3,\).*collate_fn"):
        default_collate([torch.zeros(2), torch.zeros(3)])
    with pytest.raises(TypeError, match="cannot make a batch of object"):
        default_collate([object()])
    with pytest.raises(ValueError, match="cannot draw 9 of 3"):
        RandomSampler(range(3), num_samples=9)
    with pytest.raises(NotImplementedError, match="Dataset needs a method __len__"):
        len(Dataset())
