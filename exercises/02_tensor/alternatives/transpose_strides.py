"""Right: what happens underneath, shape and strides swapped by hand."""


def transpose(a, dim0, dim1):
    shape, strides = list(a.shape), list(a.strides)
    for sizes in (shape, strides):
        sizes[dim0], sizes[dim1] = sizes[dim1], sizes[dim0]
    return np.lib.stride_tricks.as_strided(a, shape, strides)
