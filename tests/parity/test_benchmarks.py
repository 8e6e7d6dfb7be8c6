"""The measured programs compute the same in both frameworks, and the harness tells the truth."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

import tinytorch
from benchmarks import __main__ as harness
from benchmarks.models import PROGRAMS


@pytest.mark.parametrize("kernel_set", ["plain", "fast"])
@pytest.mark.parametrize("key", PROGRAMS)
def test_programs_compute_the_same(key: str, kernel_set: str) -> None:
    pytorch = pytest.importorskip("torch")
    before = tinytorch.use_kernels(kernel_set)
    try:
        ours, theirs = (PROGRAMS[key].build(lib, "default") for lib in (tinytorch, pytorch))
        losses = [(ours(), theirs()) for _ in range(3)]
    finally:
        tinytorch.use_kernels(before)
    np.testing.assert_allclose(*zip(*losses, strict=True), rtol=1e-3)


def test_without_pytorch_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "torch" else find(name, *a)
    )
    monkeypatch.setattr("sys.argv", ["benchmarks", "cnn", "--rounds", "1"])
    assert harness.main() == 0
    printed = capsys.readouterr().out
    assert "-m pip install torch" in printed
    assert "| TinyTorch |" in printed


def test_a_missed_limit_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(*_: Any) -> list[harness.Runner]:
        runners = []
        for name, seconds in (("TinyTorch", 0.2), ("PyTorch", 0.1)):
            runners.append(harness.Runner(name, None, [seconds] * 9, [1.0] * 9))  # type: ignore[arg-type]
        return runners

    monkeypatch.setattr(harness, "measure", measured)
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: object())
    monkeypatch.setattr(harness, "conditions", lambda *_: "")
    monkeypatch.setattr("sys.argv", ["benchmarks", "cnn"])
    assert harness.main() == 1
