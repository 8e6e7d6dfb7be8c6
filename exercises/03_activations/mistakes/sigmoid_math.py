"""`math.exp` takes one number; x is an array. NumPy's `exp` does all elements."""


@tensor_method
@array_operation
def sigmoid(x):
    return 1 / (1 + math.exp(-x))
