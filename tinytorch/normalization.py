"""Chapter 09, given: batch normalization.

PyTorch: ATen/native/Normalization.cpp, nn/modules/batchnorm.py. Source: Ioffe and Szegedy, "Batch
Normalization" (2015).
"""

from __future__ import annotations

from typing import Any

from tinytorch.arguments import Arguments, prepared
from tinytorch.autograd import no_grad
from tinytorch.creation import ones, tensor, zeros
from tinytorch.layers import Module, Parameter
from tinytorch.tensor import Tensor, operation


def batch_norm_arguments(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Arguments:
    """Check that there is one number a channel, and in training more than one value of each."""
    if input.ndim < 2:
        raise ValueError(f"batch_norm: needs (N, C, ...), got shape {input.shape}")
    channels = input.shape[1]
    given = {"running_mean": running_mean, "running_var": running_var}
    given |= {"weight": weight, "bias": bias}
    for name, value in given.items():
        if value is not None and value.shape != (channels,):
            raise ValueError(
                f"batch_norm: {name} has shape {value.shape}, an input of shape {input.shape} "
                f"needs ({channels},)"
            )
    if training and input.numel() <= channels:
        raise ValueError(
            f"batch_norm: an input of shape {input.shape} has one value a channel, whose variance "
            "is 0; train on larger batches, or call eval()"
        )
    if not training and (running_mean is None or running_var is None):
        raise ValueError("batch_norm: outside training the running mean and variance are needed")
    options = {"training": training, "momentum": momentum, "eps": eps}
    return (input, running_mean, running_var, weight, bias), options


@prepared(batch_norm_arguments)
@operation
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel with mean 0 and variance 1, then scaled and shifted: (N, C, ...) -> the same.

    In training mean and variance are the batch's own, and the running ones move toward them by
    `momentum`, in place (the variance with the factor n / (n - 1)). Otherwise the running ones are
    used. weight and bias: (C,).
    """
    dims = (0, *range(2, input.ndim))
    channels = (1, -1, *[1] * (input.ndim - 2))
    if training:
        mean = input.mean(dims, keepdim=True)
        variance = ((input - mean) ** 2).mean(dims, keepdim=True)
        count = input.numel() // input.shape[1]
        follow(running_mean, mean, momentum)
        follow(running_var, variance * (count / (count - 1)), momentum)
    else:
        assert running_mean is not None
        assert running_var is not None
        mean, variance = running_mean.reshape(channels), running_var.reshape(channels)
    result = (input - mean) / (variance + eps).sqrt()
    if weight is not None:
        result = result * weight.reshape(channels)
    return result if bias is None else result + bias.reshape(channels)


@no_grad()
def follow(running: Tensor | None, value: Tensor, momentum: float) -> None:
    """Move a running statistic toward the value of this batch."""
    if running is not None:
        running += momentum * (value.reshape(-1) - running)


class BatchNorm(Module):
    """What `BatchNorm1d` and `BatchNorm2d` share.

    num_features: the channels. weight (C,) starts at 1, bias at 0. running_mean, running_var and
    num_batches_tracked belong to the state, but are not trained.
    """

    dims: tuple[int, ...] = ()
    layout = ""
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        bias: bool = True,
    ) -> None:
        if num_features < 1:
            raise ValueError(f"BatchNorm: num_features must be at least 1, got {num_features}")
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = Parameter(ones(num_features)) if affine else None
        self.bias = Parameter(zeros(num_features)) if affine and bias else None
        self.register_buffer("running_mean", zeros(num_features))
        self.register_buffer("running_var", ones(num_features))
        self.register_buffer("num_batches_tracked", tensor(0))

    def forward(self, input: Tensor) -> Tensor:
        """The input's shape; the batch's statistics in training, the running ones in `eval`."""
        if input.ndim not in self.dims:
            name = type(self).__name__
            raise ValueError(f"{name}: needs {self.layout}, got shape {input.shape}")
        if self.training:
            self.num_batches_tracked += 1
        return batch_norm(
            input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            self.momentum,
            self.eps,
        )

    def extra_repr(self) -> str:
        """The arguments, as PyTorch prints them."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.weight is not None}, bias={self.bias is not None}, "
            "track_running_stats=True"
        )


class BatchNorm1d(BatchNorm):
    """Batch normalization of (N, C) or (N, C, L)."""

    dims, layout = (2, 3), "(N, C) or (N, C, L)"


class BatchNorm2d(BatchNorm):
    """Batch normalization of images (N, C, H, W)."""

    dims, layout = (4,), "images (N, C, H, W)"
