"""Right: a power that is at most 1, and the sign put back."""


@tensor_method
@array_operation
def tanh(x):
    small = np.exp(-2 * np.abs(x))
    return np.sign(x) * (1 - small) / (1 + small)
