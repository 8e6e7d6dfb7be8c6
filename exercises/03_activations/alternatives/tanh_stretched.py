"""Right: the sigmoid, stretched and moved."""


@tensor_method
@array_operation
def tanh(x):
    return 2 * sigmoid(2 * x) - 1
