"""The numbers are right, but they were copied to new memory. A transposed array needs only its strides swapped; leave out what copies."""


def transpose(a, dim0, dim1):
    return np.swapaxes(a, dim0, dim1).copy()
