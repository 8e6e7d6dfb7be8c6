"""PyTorch's `torch.utils.data`: datasets and the loader."""

from tinytorch.course import export as _export

__getattr__ = _export("utils.data", globals())
