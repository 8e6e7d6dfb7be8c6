"""WebAssembly kernels outside the browser: not there, and nobody misses them."""

import os
import subprocess
import sys

import pytest

import tinytorch
from tinytorch import kernels_sets, kernels_wasm


def test_outside_the_browser_numpys_set_is_the_best_there_is() -> None:
    assert kernels_wasm.lib is None
    assert kernels_sets.best_kernels() == "fast"
    with pytest.raises(ValueError, match=r"plain, fast; got 'wasm' \(it runs in the browser's"):
        tinytorch.use_kernels("wasm")


@pytest.mark.parametrize("setting", ["plain", "fast", ""])
def test_the_environment_chooses_the_set(setting: str) -> None:
    program = "import tinytorch.kernels_sets as sets; print(sets.kernels_in_use())"
    environment = {**os.environ, "TINYTORCH_KERNELS": setting}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == (setting or "fast")


def test_the_set_for_the_browser_leaves_out_nothing_that_the_fast_one_has() -> None:
    assert set(kernels_sets.fast.implementations) <= set(kernels_wasm.wasm.implementations)
    assert set(kernels_sets.fast.rules) <= set(kernels_wasm.wasm.rules)
