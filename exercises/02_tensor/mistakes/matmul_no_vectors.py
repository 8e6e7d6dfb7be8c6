"""When `b` is a vector, `b.shape[-2]` does not exist: a vector has one size only, and that is its inner one. Ask `b.ndim` first."""


def matmul(a, b):
    if a.ndim == 0 or b.ndim == 0 or a.shape[-1] != b.shape[-2]:
        raise ValueError(f"matmul: shapes {a.shape} and {b.shape} do not fit")
    return np.matmul(a, b)
