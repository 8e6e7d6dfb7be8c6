"""The shape is right and the numbers are in the wrong places: reshape keeps the reading order, so rows do not become columns. Transposing changes which dimension is which."""


def transpose(a, dim0, dim1):
    shape = list(a.shape)
    shape[dim0], shape[dim1] = shape[dim1], shape[dim0]
    return a.reshape(shape)
