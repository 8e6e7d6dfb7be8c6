"""The second matrix was turned round: here rows meet rows. In `a @ b` the rows of `a` meet the *columns* of `b`, and whoever wants it otherwise transposes before the call."""


def matmul(a, b):
    if b.ndim > 1:
        b = np.swapaxes(b, -1, -2)
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise ValueError(f"matmul: shapes {a.shape} and {b.shape} do not fit")
    return np.matmul(a, b)
