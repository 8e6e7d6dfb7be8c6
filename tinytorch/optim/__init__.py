"""PyTorch's `torch.optim`: optimizers."""

from tinytorch.course import export as _export

__getattr__ = _export("optim", globals())

from tinytorch.optim import lr_scheduler

__all__ += ["lr_scheduler"]  # type: ignore[name-defined]  # noqa: F821
