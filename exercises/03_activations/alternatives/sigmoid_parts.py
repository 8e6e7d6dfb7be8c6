"""Right: two parts of the array, each with the formula that is safe there."""


@tensor_method
@array_operation
def sigmoid(x):
    out = np.empty_like(x)
    above = x >= 0
    out[above] = 1 / (1 + np.exp(-x[above]))
    power = np.exp(x[~above])
    out[~above] = power / (1 + power)
    return out
