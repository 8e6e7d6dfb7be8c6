"""PyTorch's `torch.nn`: layers, activations and losses as modules."""

from tinytorch.course import export as _export

__getattr__ = _export("nn", globals())

from tinytorch.nn import functional, init, utils

__all__ += ["functional", "init", "utils"]  # type: ignore[name-defined]  # noqa: F821
