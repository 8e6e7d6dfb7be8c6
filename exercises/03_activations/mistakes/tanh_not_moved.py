"""At 0 it is 1: the curve runs from 0 to 2. After doubling, move it down so that its middle is at 0."""


@tensor_method
@array_operation
def tanh(x):
    return 2 * sigmoid(2 * x)
