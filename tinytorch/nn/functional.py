"""PyTorch's `torch.nn.functional`: the same computations as functions of tensors."""

from tinytorch.course import export as _export

__getattr__ = _export("nn.functional", globals())
