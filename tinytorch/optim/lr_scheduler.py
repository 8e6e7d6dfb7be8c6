"""PyTorch's `torch.optim.lr_scheduler`: learning rates that change during training."""

from tinytorch.course import export as _export

__getattr__ = _export("optim.lr_scheduler", globals())
