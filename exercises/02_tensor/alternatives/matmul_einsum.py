"""Right: the sum over k as a formula. The letters that are missing on the right are summed."""


def matmul(a, b):
    inner = b.shape[-2:][0] if b.ndim else None
    if a.ndim == 0 or a.shape[-1] != inner:
        raise ValueError(f"matmul: no inner size in common: {a.shape}, {b.shape}")
    left, right = "k" if a.ndim == 1 else "...ik", "k" if b.ndim == 1 else "...kj"
    out = left.replace("k", "") + right.replace("k", "").replace("...", "", a.ndim > 1)
    return np.einsum(f"{left},{right}->{out}", a, b)
