"""Right in the middle, but for x = -1000 it computes e^1000, which overflows to infinity. That 1 divided by infinity happens to be right here is luck. For negative x, write it with e^x instead."""


@tensor_method
@array_operation
def sigmoid(x):
    return 1 / (1 + np.exp(-x))
