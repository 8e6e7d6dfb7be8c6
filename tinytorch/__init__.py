"""TinyTorch: a small PyTorch in NumPy, one module a chapter.

`import tinytorch as torch` gives PyTorch's names; the code behind them is in the modules that
`tinytorch.course.MODULES` lists.
"""

import os as _os
from importlib import import_module as _import_module

from tinytorch import course as _course

_course.install(__path__)
for _module in _course.MODULES:
    if _course.available(_module):
        _import_module(f"{__name__}.{_module}")
__getattr__ = _course.export("", globals())

from tinytorch import nn, optim, utils

if _course.available("kernels_wasm"):
    from tinytorch.kernels_sets import best_kernels as _best_kernels

    use_kernels(_os.environ.get("TINYTORCH_KERNELS") or _best_kernels())  # type: ignore[name-defined]  # noqa: F821

__version__ = "0.1.0"
__all__ += ["nn", "optim", "utils"]  # type: ignore[name-defined]  # noqa: F821
