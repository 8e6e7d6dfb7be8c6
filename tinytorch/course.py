"""The order of the course: which module belongs to which chapter, and what is visible at a level.

Two environment variables are read when the package is imported:
`TINYTORCH_LEVEL` hides every module of a later chapter; `TINYTORCH_STUDENT` names a folder with
a student's own modules, which then take the place of the modules of the same name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

PACKAGE = __name__.rpartition(".")[0]

MODULES: dict[str, int] = {
    "random": 1,
    "dtypes": 2,
    "basics": 2,
    "tensor": 2,
    "elementwise": 2,
    "in_place": 2,
    "reductions": 2,
    "shape": 2,
    "indexing": 2,
    "creation": 2,
    "error_function": 3,
    "activations": 3,
    "init": 4,
    "layers": 4,
    "activation_layers": 4,
    "containers": 4,
    "losses": 5,
    "optimizers": 6,
    "schedulers": 6,
    "clipping": 6,
    "graph": 7,
    "autograd": 7,
    "gradient_rules": 7,
    "gradcheck": 7,
    "graph_drawing": 7,
    "safetensors": 8,
    "metrics": 8,
    "diagnosis": 8,
    "progress": 8,
    "history": 8,
    "checkpoints": 8,
    "training": 8,
    "arguments": 9,
    "spatial": 9,
    "normalization": 9,
    "prefetching": 10,
    "data": 10,
    "transforms": 10,
    "datasets": 10,
    "tokenization": 11,
    "embeddings": 12,
    "attention": 13,
    "transformers": 14,
    "generation": 15,
    "kernels_memory": 16,
    "kernels_threads": 16,
    "kernels_sets": 16,
    "kernels_convolution": 16,
    "kernels_pooling": 16,
    "kernels_normalization": 16,
    "kernels_softmax": 16,
    "kernels_attention": 16,
    "kernels_optimizers": 16,
    "kernels": 16,
    "kernels_wasm": 16,
    "kernels_wasm_elementwise": 16,
    "kernels_wasm_products": 16,
    "kernels_wasm_rows": 16,
    "kernels_wasm_images": 16,
    "kernels_wasm_optimizers": 16,
}

# For each namespace: module -> the names it gives. "new=old" renames, "Tensor.exp" is a method
# used as a function (PyTorch's torch.exp(x) is x.exp()).
EXPORTS: dict[str, dict[str, str]] = {
    "": {
        "random": "Generator default_generator manual_seed",
        "dtypes": "float16 float32 float64 int8 int16 int32 int64 uint8 bool=bool_ half=float16 "
        "float=float32 double=float64 short=int16 int=int32 long=int64 device cuda",
        "tensor": "Tensor Tensor.add Tensor.sub Tensor.mul Tensor.div Tensor.neg Tensor.pow "
        "Tensor.exp Tensor.log Tensor.sqrt Tensor.abs Tensor.maximum Tensor.matmul Tensor.sum "
        "Tensor.mean Tensor.max Tensor.reshape Tensor.transpose Tensor.clone",
        "elementwise": "where Tensor.minimum Tensor.clamp Tensor.sin Tensor.cos Tensor.square "
        "Tensor.sign Tensor.floor Tensor.ceil Tensor.round Tensor.rsqrt Tensor.log1p "
        "Tensor.masked_fill Tensor.isnan Tensor.isinf Tensor.isfinite Tensor.eq Tensor.ne "
        "Tensor.lt Tensor.le Tensor.gt Tensor.ge allclose equal is_tensor",
        "reductions": "Tensor.min Tensor.amax Tensor.amin Tensor.var Tensor.std Tensor.prod "
        "Tensor.argmax Tensor.argmin Tensor.any Tensor.all Tensor.cumsum Tensor.norm "
        "Tensor.logsumexp Tensor.mm=Tensor.matmul Tensor.bmm=Tensor.matmul",
        "shape": "cat concat=cat stack split=Tensor.split chunk=Tensor.chunk Tensor.permute "
        "Tensor.squeeze Tensor.unsqueeze Tensor.flatten Tensor.flip Tensor.roll Tensor.tril "
        "Tensor.triu broadcast_to=Tensor.expand movedim=Tensor.movedim",
        "indexing": "Tensor.gather Tensor.sort Tensor.argsort Tensor.topk Tensor.nonzero "
        "Tensor.index_select Tensor.bincount",
        "creation": "tensor as_tensor from_numpy zeros ones full empty arange linspace eye "
        "zeros_like ones_like full_like empty_like rand randn randint randperm rand_like "
        "randn_like normal bernoulli multinomial",
        "error_function": "erf",
        "activations": "relu sigmoid tanh softmax log_softmax",
        "autograd": "no_grad enable_grad set_grad_enabled is_grad_enabled",
        "safetensors": "save load",
        "kernels_threads": "set_num_threads get_num_threads",
        "kernels": "use_kernels",
    },
    "nn": {
        "activation_layers": "ReLU LeakyReLU Sigmoid Tanh GELU Softmax LogSoftmax",
        "layers": "Module Parameter Linear Flatten Dropout Identity",
        "containers": "Sequential ModuleList ModuleDict",
        "losses": "MSELoss L1Loss NLLLoss CrossEntropyLoss BCEWithLogitsLoss",
        "spatial": "Conv2d MaxPool2d AvgPool2d AdaptiveAvgPool2d",
        "normalization": "BatchNorm1d BatchNorm2d",
        "embeddings": "Embedding",
        "attention": "MultiHeadAttention",
        "transformers": "LayerNorm",
    },
    "nn.functional": {
        "activations": "relu leaky_relu sigmoid tanh gelu softmax log_softmax",
        "layers": "linear dropout",
        "losses": "mse_loss l1_loss nll_loss cross_entropy binary_cross_entropy_with_logits",
        "shape": "pad",
        "indexing": "one_hot",
        "spatial": "conv2d max_pool2d avg_pool2d adaptive_avg_pool2d",
        "normalization": "batch_norm",
        "embeddings": "embedding",
        "attention": "scaled_dot_product_attention",
        "transformers": "layer_norm",
    },
    "nn.init": {
        "init": "uniform_ normal_ zeros_ ones_ constant_ trunc_normal_ xavier_uniform_ "
        "xavier_normal_ kaiming_uniform_ kaiming_normal_ calculate_gain",
    },
    "nn.utils": {"clipping": "clip_grad_norm_ clip_grad_value_"},
    "optim": {"optimizers": "Optimizer SGD Adam AdamW RMSprop"},
    "optim.lr_scheduler": {
        "schedulers": "LRScheduler StepLR CosineAnnealingLR OneCycleLR LambdaLR",
    },
    "utils.data": {
        "data": "Dataset TensorDataset Subset random_split Sampler SequentialSampler "
        "RandomSampler BatchSampler DataLoader default_collate",
    },
}

_level = int(os.environ.get("TINYTORCH_LEVEL") or max(MODULES.values()))


def level() -> int:
    """The chapter at which this package runs: modules of later chapters are hidden."""
    return _level


@contextmanager
def shown_until(chapter: int) -> Iterator[None]:
    """Inside, modules up to `chapter` can be imported; the level of what runs stays as it is."""
    global _level
    before, _level = _level, max(_level, chapter)
    try:
        yield
    finally:
        _level = before


def missing(module: str) -> str:
    """Why course module `module` cannot be had, in a sentence."""
    chapter = MODULES[module]
    if chapter > level():
        return f"{PACKAGE}.{module} is chapter {chapter:02}; this runs at level {level():02}"
    return f"{PACKAGE}.{module} is not in this package yet: chapter {chapter:02} writes it"


def available(module: str) -> bool:
    """Whether course module `module` can be imported at this level; it is not run."""
    if MODULES[module] > level():
        return False
    path = sys.modules[PACKAGE].__path__
    return PathFinder.find_spec(f"{PACKAGE}.{module}", path) is not None


class CourseFinder:
    """First in the import system: refuses a course module that is hidden or not yet written."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, module = name.rpartition(".")
        # The package may have been imported afresh since: ask the one that is there now.
        course = sys.modules.get(f"{package}.course")
        if package != PACKAGE or course is None or module not in course.MODULES:
            return None
        if not course.available(module):
            raise ModuleNotFoundError(course.missing(module), name=name)
        return None


def install(path: list[str]) -> None:
    """Put the student's folder first on the package's `path` and set up the finder, once."""
    student = os.environ.get("TINYTORCH_STUDENT")
    if student and os.path.realpath(student) not in map(os.path.realpath, path):
        path.insert(0, student)
    known = (getattr(finder, "__name__", "") for finder in sys.meta_path)
    if CourseFinder.__name__ not in known:
        sys.meta_path.insert(0, CourseFinder)


def _resolve(module: ModuleType, path: str) -> Any:
    value: Any = module
    for name in path.split("."):
        value = getattr(value, name, None)
    return value


def export(namespace: str, variables: dict[str, Any]) -> Callable[[str], Any]:
    """Fill `variables` of namespace ("nn", "" for the package) with the names of `EXPORTS`.

    Returns the namespace's `__getattr__`, which says of a missing name which chapter brings it.
    """
    sources: dict[str, str] = {}
    for module, entries in EXPORTS[namespace].items():
        loaded = import_module(f"{PACKAGE}.{module}") if available(module) else None
        for entry in entries.split():
            name = entry.partition("=")[0].rpartition(".")[2]
            sources[name] = module
            value = _resolve(loaded, entry.rpartition("=")[2]) if loaded else None
            if value is not None:
                variables[name] = value
    variables["__all__"] = [name for name in sources if name in variables]
    where = f"{PACKAGE}.{namespace}".rstrip(".")

    def getattr_(name: str) -> Any:
        if name in sources and not available(sources[name]):
            # No AttributeError: "from tinytorch.nn import Conv2d" would lose its message.
            raise ModuleNotFoundError(f"{where}.{name}: {missing(sources[name])}")
        if name in MODULES and not namespace:
            raise ModuleNotFoundError(missing(name))
        raise AttributeError(f"module {where!r} has no attribute {name!r}")

    return getattr_
