"""The numbers are right, but they have been copied to new memory. `flatten` and `np.array` always copy. A new shape for the same memory is enough, whatever the size."""


def reshape(a, shape):
    return a.flatten().reshape(shape)
