"""The framework on WebAssembly kernels against the plain operations; runs inside Pyodide."""

import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import test_kernels  # tests/framework: its cases are for every kernel set
import tinytorch_wasm
from tinytorch_wasm import library

import tinytorch as torch
from tinytorch.kernels_sets import kernels_in_use


def chosen():
    """Which set runs where nobody chose one."""
    return kernels_in_use()


def agree(seeds):
    """What differs between plain and WebAssembly, outputs and gradients, float32 and float64."""
    problems = []
    for case in test_kernels.CASES:
        for seed in range(seeds):
            function, arrays = case(np.random.default_rng(seed))
            for dtype, tolerance in ((np.float32, 2e-4), (np.float64, 1e-10)):
                inputs = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
                results = [test_kernels.run(name, function, inputs) for name in ("plain", "wasm")]
                for expected, got in zip(*results, strict=True):
                    alike = (got.shape, got.dtype) == (expected.shape, expected.dtype)
                    if not (alike and np.allclose(got, expected, tolerance, tolerance)):
                        problems.append(f"{case.__name__} {seed} {dtype.__name__}")
    torch.use_kernels("wasm")
    return problems


def optimizers_agree():
    """What differs between steps of the optimizers, also when the set changes on the way."""
    problems = []
    every = [("SGD", {}), ("SGD", {"momentum": 0.9, "weight_decay": 0.1})]
    every += [("SGD", {"momentum": 0.9, "dampening": 0.5}), ("Adam", {"weight_decay": 0.1})]
    every += [("SGD", {"momentum": 0.9, "nesterov": True}), ("AdamW", {"betas": (0.8, 0.9)})]
    mixed = ["wasm", "wasm", "plain", "wasm", "fast", "wasm", "wasm", "fast", "wasm"]
    for name, settings in every:
        make = getattr(torch.optim, name)
        for dtype in (np.float32, np.float64):
            plain = test_kernels.train(make, settings, dtype, ["plain"] * 9)
            for sets in (["wasm"] * 9, mixed):
                pairs = zip(plain, test_kernels.train(make, settings, dtype, sets), strict=True)
                if not all(np.allclose(a, b, rtol=2e-5, atol=1e-6) for a, b in pairs):
                    problems.append(f"{name} {settings} {dtype.__name__} {sets}")
    torch.use_kernels("wasm")
    return problems


def uses_them():
    """Whether operations on tensors reach the kernels, and student code NumPy's faster loops."""
    torch.use_kernels("wasm")
    real, seen = tinytorch_wasm.kernels, []
    spy = SimpleNamespace()
    for name in library.SIGNATURES:
        setattr(spy, name, lambda *a, name=name: (seen.append(name), getattr(real, name)(*a))[1])
    modules = [m for n, m in sys.modules.items() if n.startswith("tinytorch.kernels_wasm")]
    for module in modules:
        module.lib = spy
    x = torch.randn(4, 3, 8, 8, requires_grad=True)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2))
    network(x).tanh().sum().backward()
    optimizer = torch.optim.Adam(network.parameters())
    optimizer.step()
    for module in modules:
        module.lib = real
    return sorted(set(seen))


def falls_back():
    """What each kind of damage leads to; none may raise."""
    found = {}
    whole = library.PATH.read_bytes()
    damaged = {"missing": None, "empty": b"", "truncated": whole[:2000], "text": b"<!doctype html>"}
    damaged["no vectors"] = whole.replace(b"\xfd\x0c", b"\xff\xff")  # instructions nobody knows
    for name, content in damaged.items():
        path = Path(f"/tmp/{name}.wasm")
        if content is not None:
            path.write_bytes(content)
        kernels, why = library.load(path)
        found[name] = [kernels is None, bool(why)]
    kernels = tinytorch_wasm.kernels
    strange = (np.ndarray, np.dtype(np.float64), np.dtype(np.int64), None)
    kernels.library.start(*map(library.ctypes.py_object, strange))
    found["other layout"] = [bool(library.misread(kernels)), True]
    right = (np.ndarray, np.dtype(np.float32), np.dtype(np.int64), None)
    kernels.library.start(*map(library.ctypes.py_object, right))
    found["right layout"] = [library.misread(kernels) == "", True]
    return found


def without_them():
    """The set in use when the page's Python does not trust its kernels."""
    ours = {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "tinytorch"}
    kernels = tinytorch_wasm.kernels
    try:
        for name in ours:
            del sys.modules[name]
        tinytorch_wasm.kernels = None
        fresh = import_module("tinytorch")
        product = (fresh.ones(2, 3) @ fresh.ones(3, 2)).tolist()
        return [import_module("tinytorch.kernels_sets").kernels_in_use(), product]
    finally:
        tinytorch_wasm.kernels = kernels
        for name in [n for n in sys.modules if n.partition(".")[0] == "tinytorch"]:
            del sys.modules[name]
        sys.modules.update(ours)


def numpy_loops_come_out():
    """Whether NumPy is as it was once its loops are back."""
    x = np.linspace(-3, 3, 1001, dtype=np.float32)
    tinytorch_wasm.speed_up_numpy(False)
    before = np.tanh(x), np.exp(x), x[:40].reshape(8, 5) @ x[:40].reshape(5, 8)
    on = tinytorch_wasm.speed_up_numpy()
    ours = np.tanh(x)
    off = tinytorch_wasm.speed_up_numpy(False)
    after = np.tanh(x), np.exp(x), x[:40].reshape(8, 5) @ x[:40].reshape(5, 8)
    same = all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    return [on, off, same, bool((ours != before[0]).any())]
