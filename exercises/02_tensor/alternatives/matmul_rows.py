"""Right: one row after the other, each against the whole second factor."""


def matmul(a, b):
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError(f"matmul: a number has no rows: {a.shape} and {b.shape}")
    if a.shape[-1] != (b.shape[0] if b.ndim == 1 else b.shape[-2]):
        raise ValueError(f"matmul: {a.shape} and {b.shape} differ inside")
    if b.ndim == 1:
        return (a * b).sum(axis=-1)
    if a.ndim == 1:
        return (a[:, None] * b).sum(axis=-2)
    rows = [(a[..., i, :, None] * b).sum(axis=-2) for i in range(a.shape[-2])]
    return np.stack(rows, axis=-2)
