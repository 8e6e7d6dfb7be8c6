"""NumPy's `transpose` does not swap the dimensions it is given: it wants the new order of *all* of them. Given (0, 1), it leaves a matrix as it is, and with three dimensions it complains."""


def transpose(a, dim0, dim1):
    return np.transpose(a, (dim0, dim1))
