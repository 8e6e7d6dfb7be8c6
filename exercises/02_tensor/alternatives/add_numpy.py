"""NumPy's function does what its operator does."""


def add(a, b):
    return np.add(a, b)
