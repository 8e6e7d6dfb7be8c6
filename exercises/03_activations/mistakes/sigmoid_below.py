"""Right in the middle, but for x = -1000 it computes e^1000, which overflows. That the fraction then happens to be 0 is luck; the warning is real. For negative x, write it with e^x instead."""


@tensor_method
@array_operation
def sigmoid(x):
    return 1 / (1 + np.exp(-x))
