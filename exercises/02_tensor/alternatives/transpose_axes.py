"""Right: write out the order of all dimensions, with two of them swapped."""


def transpose(a, dim0, dim1):
    order = list(range(a.ndim))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return np.transpose(a, order)
