"""`math.tanh` takes one number; x is an array. NumPy's does all elements."""


@tensor_method
@array_operation
def tanh(x):
    return math.tanh(x)
