"""Right: the count as the product of the sizes of the dimensions that disappear."""


@operation
def mean(x, dim=None, keepdim=False):
    dims = range(x.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    count = 1
    for d in dims:
        count *= x.shape[d]
    return x.sum(dim, keepdim) / count
