"""Right: one dimension after the other, the last one first, so that the numbers of the others do not shift."""


def sum(a, dim=None, keepdim=False):
    dims = range(a.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    dims = sorted((d + a.ndim if d < 0 else d for d in dims), reverse=True)
    total = a
    for d in dims:
        total = np.add.reduce(total, axis=d)
    if keepdim:
        for d in reversed(dims):
            total = np.expand_dims(total, d)
    return total
