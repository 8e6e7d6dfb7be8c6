"""`np.resize` repeats or drops numbers until the new shape is full, so six numbers become eight and nobody notices. A reshape has to keep exactly the numbers there are."""


def reshape(a, shape):
    return np.resize(a, shape)
