"""What checks are written with: comparing as tensors are compared, and watching operations.

Checks use `assert_same` and the fixture `spy` (a `Spy`); see exercises/README.md.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

LONGEST_SHOWN = 400
_MOST_ITEMS = 60
# Rounding that two right ways of computing may differ by, relative and absolute.
_TOLERANCE = {"e": (1e-2, 1e-3), "f": (1e-5, 1e-6), "d": (1e-9, 1e-12)}


class Mismatch(AssertionError):
    """A comparison that failed, with both sides (as text) for the report."""

    def __init__(
        self, message: str, expected: str, got: str, inputs: Mapping[str, Any] | None = None
    ) -> None:
        self.expected = expected
        self.got = got
        self.inputs = {name: " ".join(show(x).split()) for name, x in (inputs or {}).items()}
        given = ", ".join(f"{name} = {text}" for name, text in self.inputs.items())
        super().__init__(f"With {given}: {message}" if given else message)


def show(value: Any) -> str:
    """A value as a short text: arrays and tensors with their numbers, everything bounded."""
    array = _array(value)
    try:
        if array is not None and array.ndim == 0:
            text = _number(array.item())
        elif array is not None:
            text = np.array2string(
                _rounded(array), separator=", ", precision=6, threshold=_MOST_ITEMS, edgeitems=2
            )
        else:
            text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."


def _rounded(array: np.ndarray) -> np.ndarray:
    """float32 numbers with six digits: the next one differs between processors."""
    if array.dtype.char not in "ef":
        return array
    wide = array.astype(np.float64)
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log10(np.abs(wide)))
        scale = 10.0 ** np.where(np.isfinite(exponent), 5 - exponent, 0)
        return np.asarray(np.round(wide * scale) / scale)


def _number(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if not isinstance(value, float) or set(text) & set(".en") else f"{text}.0"


def assert_same(
    got: Any,
    expected: Any,
    *,
    inputs: Mapping[str, Any] | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    dtype: bool = True,
    name: str = "the result",
) -> None:
    """Raise Mismatch unless `got` is `expected`: first shape, then dtype, then values.

    Both may be arrays, tensors (their data count), numbers, texts, tuples, lists or
    dictionaries of those. `inputs` are shown to the student. The default tolerance is
    rounding's; `dtype=False` leaves the type free. `name` says what is compared.
    """
    if isinstance(expected, tuple | list | dict):
        _same_container(got, expected, inputs, rtol, atol, dtype, name)
        return
    wanted = _array(expected)
    if wanted is None:
        if type(got) is not type(expected) or got != expected:
            sides = show(expected), show(got)
            raise Mismatch(f"{name} should be {sides[0]}, but is {sides[1]}.", *sides, inputs)
        return
    have = _array(got)
    if have is None:
        raise Mismatch(_not_numbers(got, expected, name), show(expected), show(got), inputs)
    _same_array(have, wanted, got, expected, inputs, (rtol, atol), dtype, name)


def _same_container(
    got: Any,
    expected: Any,
    inputs: Mapping[str, Any] | None,
    rtol: float | None,
    atol: float | None,
    dtype: bool,
    name: str,
) -> None:
    kind = type(expected).__name__
    sides = show(expected), show(got)
    if not isinstance(got, tuple | list | dict) or isinstance(got, dict) != (kind == "dict"):
        wrong = "None" if got is None else f"a {type(got).__name__}"
        raise Mismatch(f"{name} should be a {kind}, but is {wrong}.", *sides, inputs)
    if len(got) != len(expected):
        message = f"{name} should have {len(expected)} items, but has {len(got)}."
        raise Mismatch(message, *sides, inputs)
    for key in expected if isinstance(expected, dict) else range(len(expected)):
        if isinstance(got, dict) and key not in got:
            raise Mismatch(f"{name} has no {key!r}.", *sides, inputs)
        part = f"{name}[{key!r}]"
        options: dict[str, Any] = {"rtol": rtol, "atol": atol, "dtype": dtype, "name": part}
        assert_same(got[key], expected[key], inputs=inputs, **options)


def _same_array(
    have: np.ndarray,
    wanted: np.ndarray,
    got: Any,
    expected: Any,
    inputs: Mapping[str, Any] | None,
    tolerance: tuple[float | None, float | None],
    dtype: bool,
    name: str,
) -> None:
    sides = show(wanted), show(have)
    if have.shape != wanted.shape:
        message = f"{name} should have shape {wanted.shape}, but has shape {have.shape}."
        raise Mismatch(message, *sides, inputs)
    free = not dtype or _is_number(got) or _is_number(expected)
    if not free and have.dtype != wanted.dtype:
        types = _type_name(wanted, have), _type_name(have, wanted)
        message = f"{name} should be of type {types[0]}, but is of type {types[1]}."
        raise Mismatch(message, *types, inputs)
    differ = _differing(have, wanted, tolerance)
    count = int(np.count_nonzero(differ))
    if not count:
        return
    index = tuple(int(i) for i in np.argwhere(differ)[0])
    texts = show(wanted[index]), show(have[index])
    if texts[0] == texts[1]:
        texts = repr(wanted[index].item()), repr(have[index].item())
    first = f"expected {texts[0]}, got {texts[1]}"
    if wanted.ndim == 0:
        message = f"{name} is wrong: {first}."
    else:
        place = ", ".join(map(str, index))
        message = f"{name} differs in {count} of {wanted.size}; the first at [{place}]: {first}."
    raise Mismatch(message, *sides, inputs)


def _type_name(array: np.ndarray, other: np.ndarray) -> str:
    """The dtype in words. Beside another kind of number an integer is `int`, whatever its size:
    the default one is int64 on disk and int32 in the page.
    """
    usual = array.dtype in (np.dtype(int), np.dtype(np.int64)) and other.dtype.kind != "i"
    return "int" if usual else str(array.dtype)


def _differing(
    have: np.ndarray, wanted: np.ndarray, tolerance: tuple[float | None, float | None]
) -> np.ndarray:
    if have.dtype.kind not in "fc" and wanted.dtype.kind not in "fc" and tolerance == (None, None):
        return np.asarray(have != wanted)
    # The coarser of two types decides: float32 numbers have about seven digits.
    chars = [a.dtype.char for a in (have, wanted) if a.dtype.char in _TOLERANCE]
    usual = _TOLERANCE[min(chars, key="efd".index)] if chars else (0.0, 0.0)
    rtol, atol = (usual[i] if value is None else value for i, value in enumerate(tolerance))
    with np.errstate(all="ignore"):
        close = np.isclose(
            have.astype(np.float64), wanted.astype(np.float64), rtol, atol, equal_nan=True
        )
    return np.asarray(~close)


def _not_numbers(got: Any, expected: Any, name: str) -> str:
    if got is None:
        return f"{name} is None: a function that reaches its end without `return` gives None."
    kind = type(got).__name__
    wanted = "a number" if _is_number(expected) else "a NumPy array"
    return f"{name} should be {wanted}, but is of type {kind}."


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float | complex)


def _array(value: Any) -> np.ndarray | None:
    """The numbers in an array, a tensor or a number; None for anything else."""
    if _is_number(value) or isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
    else:
        data = getattr(value, "data", None)
        if not (is_tensor(value) and isinstance(data, np.ndarray)):
            return None
        array = data
    return array if array.dtype.kind in "biufc" else None


def is_tensor(value: Any) -> bool:
    """Whether a value is a Tensor of the package that is imported at this moment."""
    module = sys.modules.get("tinytorch.tensor")
    return module is not None and isinstance(value, module.Tensor)


class Spy:
    """A recorder that remembers which operation made which tensor from which inputs."""

    def __init__(self) -> None:
        self.operations: list[str] = []
        self._made: dict[int, tuple[Any, tuple[Any, ...]]] = {}

    def __enter__(self) -> "Spy":
        self._recorders().append(self.record)
        return self

    def __exit__(self, *_: object) -> None:
        recorders = self._recorders()
        if self.record in recorders:
            recorders.remove(self.record)

    def record(
        self, operation: Callable[..., Any], inputs: Any, options: Any, output: Any, *saved: Any
    ) -> Any:
        """What `Tensor._op` calls after each operation."""
        result = sys.modules["tinytorch.tensor"].Tensor(output)
        self.operations.append(operation.__name__)
        # The tensors are kept, so that no other one gets the same id while this spy watches.
        self._made[id(result)] = (result, (*inputs, *options.values()))
        return result

    def reaches(self, output: Any, *inputs: Any) -> bool:
        """True when the history of `output` leads back to every one of `inputs`; else Mismatch."""
        if not is_tensor(output):
            message = (
                f"The result is of type {type(output).__name__}, not a Tensor, so nothing "
                "remembers how it was computed. Compute with tensor operations and return "
                "what they give."
            )
            raise Mismatch(message, "a Tensor", show(output))
        seen = self._history(output)
        lost = [number for number, tensor in enumerate(inputs, 1) if id(tensor) not in seen]
        if not lost:
            return True
        which = "its input" if len(inputs) == 1 else f"input {' and '.join(map(str, lost))}"
        message = (
            "The numbers may be right, but the result does not remember that it came from "
            f"{which}: somewhere the code takes the array out of the tensor (`.data`, `.numpy()`, "
            "`np.` functions) and makes a new Tensor of it. Chapter 07 could then compute no "
            "gradient. Use operations on the tensors themselves, such as `+`, `*` and `.sum()`: "
            "they are recorded."
        )
        raise Mismatch(message, "a result made by tensor operations", self._path(output))

    def _history(self, output: Any) -> set[int]:
        seen: set[int] = set()
        waiting = [output]
        while waiting:
            tensor = waiting.pop()
            if id(tensor) in seen:
                continue
            seen.add(id(tensor))
            waiting += [x for x in self._made.get(id(tensor), (None, ()))[1] if is_tensor(x)]
        return seen

    def _path(self, output: Any) -> str:
        if id(output) not in self._made:
            return "a Tensor that no operation made"
        return "a result made by " + ", ".join(dict.fromkeys(self.operations))

    @staticmethod
    def _recorders() -> list[Any]:
        recorders: list[Any] = sys.modules["tinytorch.tensor"].recorders
        return recorders


def is_recorded(function: Callable[..., Any], *tensors: Any, **options: Any) -> bool:
    """Whether the result of `function(*tensors)` remembers all of them. For PROBES."""
    with Spy() as spy:
        try:
            return spy.reaches(function(*tensors, **options), *tensors)
        except Mismatch:
            return False
