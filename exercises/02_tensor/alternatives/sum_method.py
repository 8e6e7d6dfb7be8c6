"""Right: the array's own method."""


def sum(a, dim=None, keepdim=False):
    return a.sum(axis=dim, keepdims=keepdim)
