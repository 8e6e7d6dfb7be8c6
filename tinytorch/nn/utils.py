"""PyTorch's `torch.nn.utils`: gradient clipping."""

from tinytorch.course import export as _export

__getattr__ = _export("nn.utils", globals())
