"""Chapter 09: windows, their inverse, and errors that say what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

import tinytorch as torch
from tinytorch import nn
from tinytorch.nn import functional
from tinytorch.spatial import fold, unfold, windows


def test_windows_are_a_view_of_what_the_loop_sees() -> None:
    x = np.arange(2 * 3 * 7 * 8, dtype=np.float32).reshape(2, 3, 7, 8)
    seen = windows(x, (3, 2), (2, 1), (1, 3))
    assert seen.shape == (2, 3, 3, 5, 3, 2)
    assert np.shares_memory(seen, x)
    for row in range(3):
        for column in range(5):
            expected = x[:, :, 2 * row : 2 * row + 3, column : column + 4 : 3]
            assert np.array_equal(seen[:, :, row, column], expected)
    with pytest.raises(ValueError, match="read-only"):
        seen[...] = 0


def test_fold_is_the_transpose_of_unfold() -> None:
    """<unfold(x), c> = <x, fold(c)> for all x and c: what a gradient needs."""
    rng = np.random.default_rng(0)
    for stride, padding, dilation in [((1, 1), (0, 0), (1, 1)), ((2, 1), (1, 2), (2, 1))]:
        x = rng.standard_normal((2, 3, 8, 7))
        columns = unfold(x, (3, 2), stride, padding, dilation)
        other = rng.standard_normal(columns.shape)
        back = fold(other, x.shape, (3, 2), stride, padding, dilation)
        assert np.vdot(columns, other) == pytest.approx(np.vdot(x, back))


def test_convolution_finds_an_edge() -> None:
    image = torch.zeros(1, 1, 5, 6)
    image[:, :, :, 3:] = 1.0
    edge = functional.conv2d(image, torch.tensor([[[[-1.0, 1.0]]]]))
    assert np.array_equal(edge.numpy()[0, 0], np.tile([0.0, 0, 1, 0, 0], (5, 1)))


def test_batch_norm_keeps_statistics_only_in_training() -> None:
    torch.manual_seed(0)
    layer = nn.BatchNorm2d(2)
    x = torch.randn(64, 2, 4, 4) * 3 + 5
    for _ in range(60):
        out = layer(x)
    assert np.allclose(out.detach().numpy().mean((0, 2, 3)), 0, atol=1e-5)
    assert np.allclose(layer.running_mean.numpy(), x.numpy().mean((0, 2, 3)), atol=0.05)
    assert layer.num_batches_tracked.item() == 60
    before = layer.running_mean.numpy().copy()
    layer.eval()
    single = layer(x[:1])
    assert np.array_equal(layer.running_mean.numpy(), before)
    assert np.allclose(single.detach().numpy(), layer(x).detach().numpy()[:1], atol=1e-6)
    assert layer.num_batches_tracked.item() == 60


@pytest.mark.parametrize("kernels", ["plain", "fast"])
def test_the_smallest_sizes_are_fine(kernels: str) -> None:
    before = torch.use_kernels(kernels)
    net = nn.Sequential(
        nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1), nn.MaxPool2d(1), nn.AvgPool2d(1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 1),
    )  # fmt: skip
    assert net(torch.ones(2, 1, 1, 1)).shape == (2, 1)
    assert nn.Embedding(1, 1)(torch.tensor([0])).shape == (1, 1)
    torch.use_kernels(before)


def test_running_statistics_are_saved_and_not_trained() -> None:
    layer = nn.BatchNorm1d(3)
    assert list(layer.state_dict()) == [
        "weight",
        "bias",
        "running_mean",
        "running_var",
        "num_batches_tracked",
    ]
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]


@pytest.mark.parametrize("kernels", ["plain", "fast"])
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: functional.conv2d(torch.zeros(3, 8, 8), torch.zeros(4, 3, 3, 3)),
         r"conv2d: needs images \(N, C, H, W\), got shape \(3, 8, 8\); .*unsqueeze\(0\)"),
        (lambda: functional.conv2d(torch.zeros(1, 2, 8, 8), torch.zeros(4, 3, 3, 3)),
         r"conv2d: images of shape \(1, 2, 8, 8\) and a weight of shape \(4, 3, 3, 3\) do not fit"),
        (lambda: functional.conv2d(torch.zeros(1, 3, 2, 8), torch.zeros(4, 3, 3, 3)),
         r"conv2d: a window of height 3 does not fit images of shape \(1, 3, 2, 8\)"),
        (lambda: functional.conv2d(torch.zeros(1, 3, 8, 8), torch.zeros(4, 3, 3, 3), stride=0),
         "conv2d: stride must be one or two integers of at least 1, got 0"),
        (lambda: functional.conv2d(torch.zeros(1, 3, 8, 8), torch.zeros(4, 3, 3, 3), padding=-1),
         "conv2d: padding must be one or two integers of at least 0, got -1"),
        (lambda: functional.conv2d(
            torch.zeros(1, 3, 8, 8), torch.zeros(4, 3, 3, 3), torch.zeros(3)),
         r"conv2d: the bias must be \(4,\), got shape \(3,\)"),
        (lambda: functional.conv2d(
            torch.zeros(1, 3, 8, 8), torch.zeros(4, 3, 2, 2), padding="same"),
         "conv2d: padding='same' needs stride 1 and odd windows"),
        (lambda: functional.max_pool2d(torch.zeros(1, 1, 4, 4), 2, padding=2),
         r"max_pool2d: padding \(2, 2\) is more than half the window \(2, 2\)"),
        (lambda: functional.max_pool2d(torch.zeros(1, 1, 1, 4), 2),
         "max_pool2d: a window of height 2 does not fit"),
        (lambda: functional.avg_pool2d(torch.zeros(4, 4), 2), "avg_pool2d: needs images"),
        (lambda: functional.adaptive_avg_pool2d(torch.zeros(1, 1, 4, 4), 0),
         "adaptive_avg_pool2d: output_size must be one or two integers of at least 1, got 0"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2),
         "Conv2d: channels must be positive and divide by groups, got in_channels=3"),
        (lambda: nn.BatchNorm2d(3)(torch.zeros(2, 3)),
         r"BatchNorm2d: needs images \(N, C, H, W\), got shape \(2, 3\)"),
        (lambda: nn.BatchNorm2d(3)(torch.zeros(2, 4, 2, 2)),
         r"batch_norm: running_mean has shape \(3,\), an input .* \(2, 4, 2, 2\) needs \(4,\)"),
        (lambda: nn.BatchNorm1d(3)(torch.zeros(1, 3)),
         r"batch_norm: an input of shape \(1, 3\) has one value a channel.*eval\(\)"),
    ],
)  # fmt: skip
def test_bad_input_is_named(kernels: str, call, message: str) -> None:
    before = torch.use_kernels(kernels)
    try:
        with pytest.raises(ValueError, match=message):
            call()
    finally:
        torch.use_kernels(before)


def test_integer_images_are_refused() -> None:
    with pytest.raises(TypeError, match=r"conv2d: needs float images, got uint8; x.float\(\)"):
        functional.conv2d(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.zeros(4, 3, 3, 3))
