"""Right: the smaller of x and 0 above, the larger below."""


@tensor_method
@array_operation
def sigmoid(x):
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))
