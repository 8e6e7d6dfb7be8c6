"""The heights are right, but the curve is twice as wide as it should be: x has to be doubled before it goes into the sigmoid."""


@tensor_method
@array_operation
def tanh(x):
    return 2 * sigmoid(x) - 1
