"""A matrix is right, a stack of them is an error: NumPy's `transpose` wants the new order of *all* dimensions and got two. The others have to be in the order, too, each in its own place."""


def transpose(a, dim0, dim1):
    return np.transpose(a, (dim1, dim0))
