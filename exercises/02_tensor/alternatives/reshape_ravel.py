"""Right: through one line. `ravel` copies only where no view is possible."""


def reshape(a, shape):
    line = np.ravel(a)
    return line.reshape(shape)
