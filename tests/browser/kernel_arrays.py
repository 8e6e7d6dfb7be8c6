"""Random arrays for the tests of the WebAssembly kernels: any shape, layout, value and dtype."""

import numpy as np

SIZES = (0, 1, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33)
SPECIAL = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e-42, -1e-38, 3e38, 88.8, -87.4], np.float32)


def size(rng, least=0):
    """A size of one dimension: small, with the edges of what four and eight at a time means."""
    return int(rng.choice([s for s in SIZES if s >= least]))


def shape(rng, most=4, least=0, axes=0):
    """A shape of `axes` to `most` dimensions."""
    return tuple(size(rng, least) for _ in range(int(rng.integers(axes, most + 1))))


def values(rng, shape, special=None):
    """Normal numbers in float32; sometimes, or if `special`, with NaN, infinities and extremes."""
    array = np.asarray(rng.standard_normal(shape) * rng.choice([0.1, 1, 10]), np.float32)
    if special or (special is None and rng.random() < 0.2):
        array = np.where(rng.random(shape) < 0.1, rng.choice(SPECIAL, shape), array)
    return np.asarray(array)


def laid_out(rng, array):
    """The same numbers with other strides: axes swapped in memory, steps, reversed, with gaps."""
    kind = int(rng.integers(6))
    if kind == 0 or array.ndim == 0:
        return array
    if kind == 1:
        order = rng.permutation(array.ndim)
        return np.ascontiguousarray(array.transpose(order)).transpose(np.argsort(order))
    axis = int(rng.integers(array.ndim))
    if kind == 2:
        return np.flip(np.ascontiguousarray(np.flip(array, axis)), axis)
    step, start = int(rng.integers(1, 4)), int(rng.integers(0, 3))
    wide = list(array.shape)
    wide[axis] = start + step * array.shape[axis] + 1
    around = np.full(wide, np.nan, array.dtype)
    place = (slice(None),) * axis + (slice(start, start + step * array.shape[axis], step),)
    around[place] = array
    view = around[place]
    return view if kind < 5 else laid_out(rng, view)


def room(rng, shape):
    """An array to write into, of any layout, full of a number that must disappear."""
    return laid_out(rng, np.full(shape, 12345, np.float32))


def wide(*arrays):
    """The arrays in float64."""
    return tuple(np.asarray(a, np.float64) for a in arrays)


class Subclass(np.ndarray):
    """An array that is not plain."""


def misfit(rng, array):
    """The numbers in a form no kernel may touch."""
    kind = int(rng.integers(5))
    if kind == 0:
        return array.astype(rng.choice(["f8", "f2", "i4", "?", "c8"]))
    if kind == 1:
        return array.astype(">f4")
    if kind == 2:
        return array.view(Subclass)
    if kind == 3:
        raw = np.zeros(array.nbytes + 1, np.uint8)
        crooked = np.frombuffer(raw.data, np.float32, array.size, 1) if array.size else raw[:0]
        return crooked.reshape(array.shape) if array.size else array.astype("f8")
    return array.tolist()


def same(got, expected, rtol=2e-6, atol=2e-38, scale=None):
    """Equal within a tolerance; `scale` is what each number was made of, if more than itself.

    NaN and infinities are at the same places.
    """
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    assert got.shape == expected.shape, f"shape {got.shape}, expected {expected.shape}"
    with np.errstate(all="ignore"):
        expected32 = expected.astype(np.float32).astype(np.float64)  # what overflows in float32
        odd = ~np.isfinite(expected32) | ~np.isfinite(got)
        room = atol + rtol * np.abs(expected if scale is None else scale)
        right = np.where(odd, got == expected32, np.abs(got - expected) <= room)
        right |= np.isnan(got) & np.isnan(expected)
    if not right.all():
        where = tuple(int(i) for i in np.argwhere(~right)[0])
        raise AssertionError(f"at {where}: {got[where]!r}, expected {expected[where]!r}")
