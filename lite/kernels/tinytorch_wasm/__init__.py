"""WebAssembly kernels for NumPy in the browser.

`kernels` has functions in WebAssembly that work in place on float32 arrays, or is None where they
cannot be trusted; `why_not` then says why. `speed_up_numpy()` registers them with NumPy as the
inner loops of its own `matmul`, `exp`, `log`, `tanh` and `maximum`.
"""

from . import loops
from .library import load

kernels, why_not = load()


def speed_up_numpy(on: bool = True) -> bool:
    """Register our loops with NumPy, or (`on=False`) take them out; whether they are in."""
    return kernels is not None and loops.speed_up(kernels, on)
