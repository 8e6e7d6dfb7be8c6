"""NumPy's `mean` works on arrays, and `x` is a tensor: NumPy hands the call back to it and the names do not fit. Use what a tensor can do: `x.sum(...)` and `/`."""


@operation
def mean(x, dim=None, keepdim=False):
    return np.mean(x, axis=dim, keepdims=keepdim)
