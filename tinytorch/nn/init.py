"""PyTorch's `torch.nn.init`: how weights start."""

from tinytorch.course import export as _export

__getattr__ = _export("nn.init", globals())
