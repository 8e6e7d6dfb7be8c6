"""What is measured of the kernels: the same program in the tab (Pyodide) and natively (CPython).

Natively `python measures.py NAME` prints a measure as JSON; benchmarks/ has to be on the path.
"""

import importlib
import json
import sys
import time
from functools import partial

import models  # benchmarks/models.py
import numpy as np

SIZES = (64, 128, 256, 512)
MILLION = 1 << 20
SLICE = 2e-3  # seconds of one timing: short, so that some are not interrupted
IN_TAB = sys.platform == "emscripten"


def library():
    """The WebAssembly kernels, in the tab."""
    return importlib.import_module("tinytorch_wasm")


def best(function, tries=15):
    """Seconds of one call: the best of some timings of as many calls as fill a slice."""
    function()
    start = time.perf_counter()
    function()
    calls = max(1, round(SLICE / max(time.perf_counter() - start, 1e-7)))
    found = []
    for _ in range(tries if calls > 1 else 5):
        start = time.perf_counter()
        for _ in range(calls):
            function()
        found.append((time.perf_counter() - start) / calls)
    return min(found)


def products():
    """GFLOP/s of n x n float32 products by n: NumPy's @, and in the tab the kernel."""
    rng, result = np.random.default_rng(0), {}
    for n in SIZES:
        a, b = rng.standard_normal((2, n, n), dtype=np.float32)
        out = np.empty((n, n), np.float32)
        rates = {"@": best(partial(np.matmul, a, b, out=out))}
        if IN_TAB:
            rates["kernel"] = best(partial(library().kernels.matmul, a, b, out, 1.0, 0))
        result[n] = {name: 2 * n**3 / seconds / 1e9 for name, seconds in rates.items()}
    return result


def elementwise():
    """Milliseconds for a million float32 numbers: NumPy, and in the tab the kernel."""
    rng, result = np.random.default_rng(0), {}
    x, out = 3 * rng.standard_normal(MILLION, dtype=np.float32), np.empty(MILLION, np.float32)
    for name in ("exp", "log", "tanh", "maximum", "add"):
        first = np.abs(x) if name == "log" else x
        function = getattr(np, name)
        operands = (first, np.float32(0) if name == "maximum" else x)[: function.nin]
        times = {"numpy": best(partial(function, *operands, out=out), 7)}
        if IN_TAB:
            kernel = getattr(library().kernels, f"map_{name}")
            times["kernel"] = best(partial(kernel, *map(np.asarray, operands), out), 7)
        result[name] = {key: seconds * 1e3 for key, seconds in times.items()}
    return result


def small_cnn(torch, layout):
    """Two convolutions with ReLU and max-pool, one linear layer, on 28 x 28 images; batch 64."""
    nn, functional = torch.nn, torch.nn.functional
    model = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(784, 10)),
    )
    models.same_weights(torch, model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    rng = np.random.default_rng(1)
    images = torch.tensor(rng.standard_normal((64, 1, 28, 28)).astype(np.float32))
    classes = torch.tensor(rng.integers(0, 10, 64))

    def step():
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(images), classes)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


PROGRAMS = {"cnn": models.cnn, "gpt": models.gpt, "small": small_cnn}
_steps = {}


def prepare(program, kernels="fast", numpy_loops=False, framework="tinytorch"):
    """Build a program and take two steps; the losses, which must be the same everywhere."""
    torch = importlib.import_module(framework)
    if framework == "torch":
        torch.set_num_threads(1)
    else:
        torch.use_kernels(kernels)
    if IN_TAB:
        library().speed_up_numpy(numpy_loops)
    _steps["now"] = PROGRAMS[program](torch, "default")
    return [_steps["now"](), _steps["now"]()]


def take(count):
    """Take some steps; the processor seconds of each where the system tells them."""
    start = time.process_time()
    for _ in range(count):
        _steps["now"]()
    return (time.process_time() - start) / count


def trained(program, framework, rounds=5):
    """Losses of the first steps, and the median seconds of a step."""
    losses = prepare(program, framework=framework)
    return {"losses": losses, "seconds": sorted(take(2) for _ in range(rounds))[rounds // 2]}


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    print(json.dumps(globals()[name](*arguments)))
