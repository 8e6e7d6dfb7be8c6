"""Right in the middle, but e^1000 overflows, and infinity divided by infinity is nan. NumPy's own is safe; so is your sigmoid."""


@tensor_method
@array_operation
def tanh(x):
    return (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))
