"""Right: NumPy's function does what its method does."""


def reshape(a, shape):
    return np.reshape(a, shape)
