"""A fresh tinytorch in this process, at a level, with a student's modules; the old one comes back
after.

Used in the subprocess that judges (CPython) and in the page's own interpreter (Pyodide), where
the reader's live
session must not notice.
"""

import builtins
import functools
import importlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

PACKAGE = "tinytorch"
_code: dict[tuple[str, bytes], CodeType] = {}


class _Loader(SourceFileLoader):
    """Loads from source, without .pyc files: two edits in one second are two texts.

    Texts seen before are not compiled again, which is most of the time of a fresh import.
    """

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        data = self.get_data(path)
        code = _code.get((path, data))
        if code is None:
            code = self.source_to_code(data, path)
            if len(_code) > 400:
                _code.clear()
            _code[(path, data)] = code
        return code


class _Finder:
    """Finds the package's modules as Python does, and gives them the loader above."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != PACKAGE and not name.startswith(f"{PACKAGE}."):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def ours(name: str) -> bool:
    """Whether a module of this name belongs to the package."""
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")


def take_out() -> dict[str, ModuleType]:
    """Remove the package's modules from sys.modules and return them."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if ours(name)}


def environment(level: int | None, student: Path | None, kernels: str) -> dict[str, str]:
    """The variables by which the package knows level, student folder and kernels."""
    values = {"TINYTORCH_KERNELS": kernels} if kernels else {}
    if level is not None:
        values["TINYTORCH_LEVEL"] = str(level)
    if student is not None:
        values["TINYTORCH_STUDENT"] = str(student)
    return values


def load(reference: Path, level: int | None, student: Path | None) -> None:
    """Import tinytorch anew into this process for good: what a reader's live cells run on.

    Names of the session (`__main__`) that came from the package before mean the new one after.
    """
    before = take_out()
    for name in ("TINYTORCH_LEVEL", "TINYTORCH_STUDENT", "TINYTORCH_KERNELS"):
        os.environ.pop(name, None)
    os.environ.update(environment(level, student, ""))
    if str(reference.parent) not in sys.path:
        sys.path.insert(0, str(reference.parent))
    if _Finder not in sys.meta_path:
        position = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else 0
        sys.meta_path.insert(position, _Finder)
    _look_again(reference, student)
    try:
        importlib.import_module(PACKAGE)
    except BaseException:
        take_out()
        raise
    _renew(vars(sys.modules["__main__"]), before)


def _renew(names: dict[str, Any], before: dict[str, ModuleType]) -> None:
    """Point `names` at the modules, functions and classes of now; tensors change their class.

    What a list, a layer or a history holds stays as it is, of the old code.
    """

    def now(module: str, name: str = "") -> Any:
        return functools.reduce(
            lambda owner, part: getattr(owner, part, None),
            name.split(".") if name else [],
            sys.modules.get(module),
        )

    for name, value in list(names.items()):
        home = getattr(value, "__module__", None)
        if isinstance(value, ModuleType) and before.get(value.__name__) is value:
            names[name] = now(value.__name__) or value
        elif home in before and isinstance(getattr(value, "__qualname__", None), str):
            names[name] = now(home, value.__qualname__) or value
        elif type(value) is vars(before.get(f"{PACKAGE}.tensor", object)).get("Tensor"):
            value.__class__ = now(f"{PACKAGE}.tensor", "Tensor") or type(value)


def _look_again(*folders: Path | None) -> None:
    """Forget what these folders held: a file may be new in the same second.

    Not `importlib.invalidate_caches()`, which would read the zip of the page's standard library
    anew.
    """
    for folder in folders:
        sys.path_importer_cache.pop(str(folder), None)


@contextmanager
def fresh(
    reference: Path, level: int | None, student: Path | None, kernels: str = "plain"
) -> Iterator[None]:
    """Inside, `import tinytorch` runs anew at `level` with `student`'s modules first.

    After it, however it ends, modules, import hooks, paths, environment, builtins, streams and
    NumPy's settings
    are as before. `reference` is the folder of the reference package.
    """
    before = _Process()
    outer = take_out()
    try:
        for name in [name for name in os.environ if name.startswith("TINYTORCH_")]:
            del os.environ[name]
        os.environ.update(environment(level, student, kernels))
        sys.path.insert(0, str(reference.parent))
        sys.meta_path[:] = [
            f for f in sys.meta_path if getattr(f, "__module__", "") != "tinytorch.course"
        ]
        position = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else 0
        sys.meta_path.insert(position, _Finder)
        _look_again(reference, student)
        yield
    finally:
        before.restore()
        take_out()
        sys.modules.update(outer)


def mend_builtins(healthy: dict[str, Any]) -> list[str]:
    """Put Python's builtins back as they were in `healthy`; the names that had been changed."""
    space = vars(builtins)
    # Only what cannot be replaced itself may be used here: no call of a builtin before this.
    now = {**space}
    space.update(healthy)
    changed = [name for name in now if name != "_" and now[name] is not healthy.get(name)]
    for name in changed:
        if name not in healthy:
            del space[name]
    return changed + [name for name in healthy if name not in now]


class _Process:
    """What a student's code can change of this process, by accident."""

    def __init__(self) -> None:
        self.builtins = dict(vars(builtins))
        self.meta_path = list(sys.meta_path)
        self.path = list(sys.path)
        self.environ = dict(os.environ)
        self.folder = os.getcwd()
        self.streams = (sys.stdin, sys.stdout, sys.stderr)
        self.recursion = sys.getrecursionlimit()
        self.filters = list(warnings.filters)
        self.errors = np.geterr()
        self.printing = np.get_printoptions()
        self.random = np.random.get_state()
        self.no_pyc = sys.dont_write_bytecode
        sys.dont_write_bytecode = True

    def restore(self) -> None:
        """Put everything back."""
        mend_builtins(self.builtins)
        sys.meta_path[:] = self.meta_path
        sys.path[:] = self.path
        if dict(os.environ) != self.environ:
            os.environ.clear()
            os.environ.update(self.environ)
        os.chdir(self.folder)
        sys.stdin, sys.stdout, sys.stderr = self.streams
        sys.setrecursionlimit(self.recursion)
        filters: Any = warnings.filters
        filters[:] = self.filters
        np.seterr(**self.errors)
        np.set_printoptions(**self.printing)
        np.random.set_state(self.random)
        sys.dont_write_bytecode = self.no_pyc
