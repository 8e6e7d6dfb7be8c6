"""Right in the middle, but for x = 1000 it computes e^1000 / (1 + e^1000), infinity divided by infinity, and that is nan. For positive x, write it with e^-x instead."""


@tensor_method
@array_operation
def sigmoid(x):
    return np.exp(x) / (1 + np.exp(x))
